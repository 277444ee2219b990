"""Transactions: what is spent, what is paid, and the witnesses that BIP144 appends.

A transaction's name, its *txid*, leaves the witnesses out, so that nobody but the signers can change
it; the *wtxid* covers everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from .hashes import hash256
from .serialise import Reader, compact_size, with_size

COIN = 100_000_000
"""Satoshis in a bitcoin. Every amount here is in satoshis."""

WITNESS_SCALE = 4
"""A byte outside the witnesses weighs as much as this many inside (BIP141)."""

FINAL_SEQUENCE = 0xFFFFFFFF

_WITNESS_FLAG = 1


class OutPoint(NamedTuple):
    """Where an output is."""

    txid: bytes
    """Of the transaction that pays it, 32 bytes in wire order."""

    vout: int
    """Index among that transaction's outputs."""

    def serialise(self) -> bytes:
        return self.txid + self.vout.to_bytes(4, "little")

    @property
    def is_null(self) -> bool:
        """Whether it is no place at all, which marks a coinbase."""
        return self.vout == 0xFFFFFFFF and not any(self.txid)


class TxIn(NamedTuple):
    """One input: the output that it spends, and why it may."""

    outpoint: OutPoint

    script_sig: bytes

    sequence: int = FINAL_SEQUENCE
    """Unsigned, 32 bits: a relative locktime where BIP68 applies."""

    witness: tuple[bytes, ...] = ()


class TxOut(NamedTuple):
    """One output: an amount, and the script that has to be satisfied to spend it."""

    value: int
    """Satoshis; signed, 64 bits on the wire."""

    script_pubkey: bytes

    def serialise(self) -> bytes:
        return self.value.to_bytes(8, "little", signed=True) + with_size(self.script_pubkey)


@dataclass(frozen=True)
class Transaction:
    """A transaction; `parse` keeps the bytes that it has read, another one is serialised when asked."""

    version: int
    """Unsigned, 32 bits."""

    inputs: tuple[TxIn, ...]

    outputs: tuple[TxOut, ...]

    locktime: int = 0
    """Unsigned, 32 bits: a height below 500,000,000, else a time."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The transaction in exactly these bytes; `MalformedError` says why there is none."""
        reader = Reader(data, "transaction")
        transaction = cls.read(reader)
        reader.finish()
        return transaction

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """The transaction that begins where the reader is.

        BIP144 marks witnesses by an empty list of inputs and a flag. A witness part in which every
        witness is empty is refused, because the same transaction has a shorter form.
        """
        start = reader.at
        version = reader.uint32()
        body = reader.at
        inputs = _read_inputs(reader)
        flag = 0
        outputs: tuple[TxOut, ...] = ()
        if not inputs:
            flag = reader.uint8()
            body = reader.at
            if flag:
                inputs = _read_inputs(reader)
        if inputs or flag:
            outputs = _read_outputs(reader)
        body_end = reader.at
        if flag & _WITNESS_FLAG:
            inputs = tuple([TxIn(*spent[:3], _read_witness(reader)) for spent in inputs])
            if not any(spent.witness for spent in inputs):
                raise reader.malformed(f"has a witness part at byte {body_end} in which every witness is empty")
        if flag & ~_WITNESS_FLAG:
            raise reader.malformed(f"has the unknown flag {flag:#04x} at byte {start + 5}")
        transaction = cls(version, inputs, outputs, reader.uint32())
        raw = reader.data[start : reader.at]
        stripped = raw[:4] + reader.data[body:body_end] + raw[-4:] if flag else raw
        vars(transaction).update(raw=raw, stripped=stripped)
        return transaction

    @cached_property
    def raw(self) -> bytes:
        """The bytes on the wire, witnesses included."""
        if not self.has_witness:
            return self.stripped
        witnesses = [
            compact_size(len(spent.witness)) + b"".join(map(with_size, spent.witness)) for spent in self.inputs
        ]
        marker = bytes((0, _WITNESS_FLAG))
        return self.stripped[:4] + marker + self.stripped[4:-4] + b"".join(witnesses) + self.stripped[-4:]

    @cached_property
    def stripped(self) -> bytes:
        """The bytes without marker, flag and witnesses: what the txid covers."""
        parts = [self.version.to_bytes(4, "little"), compact_size(len(self.inputs))]
        for spent in self.inputs:
            parts += (
                spent.outpoint.serialise(),
                with_size(spent.script_sig),
                spent.sequence.to_bytes(4, "little"),
            )
        parts.append(compact_size(len(self.outputs)))
        parts += [output.serialise() for output in self.outputs]
        parts.append(self.locktime.to_bytes(4, "little"))
        return b"".join(parts)

    @cached_property
    def txid(self) -> bytes:
        """32 bytes in wire order."""
        return hash256(self.stripped)

    @cached_property
    def wtxid(self) -> bytes:
        """32 bytes in wire order; the txid where there is no witness."""
        return hash256(self.raw) if self.has_witness else self.txid

    @property
    def has_witness(self) -> bool:
        return any(spent.witness for spent in self.inputs)

    @property
    def is_coinbase(self) -> bool:
        return len(self.inputs) == 1 and self.inputs[0].outpoint.is_null

    @property
    def weight(self) -> int:
        """BIP141's weight units: four for each byte outside the witnesses, one for each byte in them."""
        return (WITNESS_SCALE - 1) * len(self.stripped) + len(self.raw)


def _read_inputs(reader: Reader) -> tuple[TxIn, ...]:
    return tuple(
        [
            TxIn(OutPoint(reader.take(32), reader.uint32()), reader.sized(), reader.uint32())
            for _ in range(reader.compact_size())
        ]
    )


def _read_outputs(reader: Reader) -> tuple[TxOut, ...]:
    return tuple([TxOut(reader.int64(), reader.sized()) for _ in range(reader.compact_size())])


def _read_witness(reader: Reader) -> tuple[bytes, ...]:
    return tuple([reader.sized() for _ in range(reader.compact_size())])
