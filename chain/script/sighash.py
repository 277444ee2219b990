"""What a signature signs: the hash of its transaction, in the three ways that Bitcoin has had.

- *legacy*: the transaction with the other inputs' scripts blanked. Every input hashes it anew;
- *witness v0* (BIP143): hashes of its parts, shared by all inputs, with the amount that is spent;
- *taproot* (BIP341, BIP342): the same with all amounts and scripts that are spent, tagged.

The hash type says how much of the transaction is signed: all outputs, none, or the one with the input's
own index; and all inputs, or this one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256

from ...kernels.backend import UsageError
from ..hashes import hash256, tagged
from ..serialise import compact_size, with_size
from ..transaction import Transaction, TxOut

DEFAULT, ALL, NONE, SINGLE = 0, 1, 2, 3
ANYONECANPAY = 0x80

KIND = 0x1F
"""The bits of a hash type that choose the outputs, before Taproot: anything but NONE and SINGLE is ALL."""

NO_CODE_SEPARATOR = 0xFFFFFFFF

_TAPROOT_TYPES = frozenset((0, 1, 2, 3, 0x81, 0x82, 0x83))

_ONE = (1).to_bytes(32, "little")
_ZERO = bytes(32)

_BLANK = 41
"""Bytes of an input with an empty script."""

_BLANK_OUTPUT = b"\xff" * 8 + b"\0"
"""An amount of −1 and an empty script."""

_tap_sighash = tagged("TapSighash")


class SignatureHashes:
    """The signature hashes of one transaction, with what its inputs share computed once."""

    def __init__(self, transaction: Transaction, spent: Sequence[TxOut]) -> None:
        """`spent` are the outputs that the inputs spend, in order; `UsageError` unless there is one for each."""
        if len(spent) != len(transaction.inputs):
            raise UsageError(
                f"a transaction with {len(transaction.inputs)} inputs does not spend {len(spent)} outputs"
            )
        self.transaction = transaction
        self.spent = spent
        self._version = transaction.version.to_bytes(4, "little")
        self._locktime = transaction.locktime.to_bytes(4, "little")

    def legacy(self, index: int, script_code: bytes, hash_type: int) -> bytes:
        """The original algorithm, 32 bytes. `script_code` has lost its signature and its CODESEPARATORs.

        `hash_type` is signed, 32 bits. SINGLE without an output of that index signs the number one, a
        mistake that has become consensus.
        """
        outputs = self.transaction.outputs
        kind = hash_type & KIND
        if kind == SINGLE and index >= len(outputs):
            return _ONE
        own = self.transaction.inputs[index]
        signed = b"".join((own.outpoint.serialise(), with_size(script_code), own.sequence.to_bytes(4, "little")))
        if hash_type & ANYONECANPAY:
            inputs = b"\1" + signed
        else:
            blank = self._blank_zero_inputs if kind in (NONE, SINGLE) else self._blank_inputs
            others = blank[: _BLANK * index], blank[_BLANK * (index + 1) :]
            inputs = compact_size(len(self.transaction.inputs)) + others[0] + signed + others[1]
        if kind == NONE:
            paid = b"\0"
        elif kind == SINGLE:
            paid = compact_size(index + 1) + _BLANK_OUTPUT * index + outputs[index].serialise()
        else:
            paid = compact_size(len(outputs)) + self._parts[2]
        hash_type_field = (hash_type & 0xFFFFFFFF).to_bytes(4, "little")
        return hash256(b"".join((self._version, inputs, paid, self._locktime, hash_type_field)))

    def witness_v0(self, index: int, script_code: bytes, hash_type: int) -> bytes:
        """BIP143, 32 bytes. `script_code` begins after the last CODESEPARATOR that was executed."""
        own = self.transaction.inputs[index]
        kind = hash_type & KIND
        alone = hash_type & ANYONECANPAY
        outpoints, sequences, paid = self._hashed_twice
        if kind == SINGLE:
            outputs = self.transaction.outputs
            paid = hash256(outputs[index].serialise()) if index < len(outputs) else _ZERO
        elif kind == NONE:
            paid = _ZERO
        preimage = (
            self._version,
            _ZERO if alone else outpoints,
            _ZERO if alone or kind in (NONE, SINGLE) else sequences,
            own.outpoint.serialise(),
            with_size(script_code),
            self.spent[index].value.to_bytes(8, "little", signed=True),
            own.sequence.to_bytes(4, "little"),
            paid,
            self._locktime,
            hash_type.to_bytes(4, "little"),
        )
        return hash256(b"".join(preimage))

    def taproot(
        self,
        index: int,
        hash_type: int,
        annex_hash: bytes | None = None,
        leaf_hash: bytes | None = None,
        code_separator: int = NO_CODE_SEPARATOR,
    ) -> bytes | None:
        """BIP341's hash, with BIP342's extension where there is a leaf, 32 bytes.

        None where the hash type is not defined, or is SINGLE without an output of that index.
        """
        if hash_type not in _TAPROOT_TYPES:
            return None
        alone, kind = hash_type & ANYONECANPAY, hash_type & SINGLE
        parts = [b"\0", hash_type.to_bytes(1), self._version, self._locktime]
        if not alone:
            parts.append(self._all_inputs)
        if kind in (DEFAULT, ALL):
            parts.append(self._hashed[2])
        parts.append((2 * (leaf_hash is not None) + (annex_hash is not None)).to_bytes(1))
        if alone:
            own = self.transaction.inputs[index]
            parts += (own.outpoint.serialise(), self.spent[index].serialise(), own.sequence.to_bytes(4, "little"))
        else:
            parts.append(index.to_bytes(4, "little"))
        if annex_hash is not None:
            parts.append(annex_hash)
        if kind == SINGLE:
            if index >= len(self.transaction.outputs):
                return None
            parts.append(sha256(self.transaction.outputs[index].serialise()).digest())
        if leaf_hash is not None:
            parts += (leaf_hash, b"\0", code_separator.to_bytes(4, "little"))
        return _tap_sighash(b"".join(parts))

    # What inputs share.

    @cached_property
    def _parts(self) -> tuple[bytes, bytes, bytes]:
        """All outpoints, all sequences, all outputs."""
        inputs = self.transaction.inputs
        outpoints = b"".join([spent.outpoint.serialise() for spent in inputs])
        sequences = b"".join([spent.sequence.to_bytes(4, "little") for spent in inputs])
        return outpoints, sequences, b"".join([output.serialise() for output in self.transaction.outputs])

    @cached_property
    def _hashed(self) -> tuple[bytes, bytes, bytes]:
        """The SHA-256 of each, for Taproot."""
        outpoints, sequences, outputs = self._parts
        return sha256(outpoints).digest(), sha256(sequences).digest(), sha256(outputs).digest()

    @cached_property
    def _hashed_twice(self) -> tuple[bytes, bytes, bytes]:
        """The double SHA-256 of each, for BIP143."""
        outpoints, sequences, outputs = self._hashed
        return sha256(outpoints).digest(), sha256(sequences).digest(), sha256(outputs).digest()

    @cached_property
    def _all_inputs(self) -> bytes:
        """BIP341's hashes of the outpoints, the amounts, the scripts and the sequences, 128 bytes."""
        amounts = b"".join([output.value.to_bytes(8, "little", signed=True) for output in self.spent])
        scripts = b"".join([with_size(output.script_pubkey) for output in self.spent])
        outpoints, sequences, _ = self._hashed
        return b"".join((outpoints, sha256(amounts).digest(), sha256(scripts).digest(), sequences))

    @cached_property
    def _blank_inputs(self) -> bytes:
        """For legacy hashes: all inputs with empty scripts."""
        inputs = self.transaction.inputs
        return b"".join([i.outpoint.serialise() + b"\0" + i.sequence.to_bytes(4, "little") for i in inputs])

    @cached_property
    def _blank_zero_inputs(self) -> bytes:
        """The same with sequences of zero, which leaves them to others to choose."""
        return b"".join([spent.outpoint.serialise() + bytes(5) for spent in self.transaction.inputs])
