"""Blocks: a header and the transactions that its Merkle root commits to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ..kernels.backend import HEADER_BYTES
from .hashes import hash256
from .header import BlockHeader
from .merkle import MerkleRoot, merkle_root
from .serialise import Reader, compact_size
from .transaction import WITNESS_SCALE, Transaction

_COMMITMENT = bytes.fromhex("6a24aa21a9ed")
"""How an output that carries the witness commitment begins: OP_RETURN, a push of 36 bytes, 4 bytes of
BIP141. The commitment's 32 bytes follow."""


@dataclass(frozen=True, slots=True)
class Block:
    header: BlockHeader

    transactions: tuple[Transaction, ...]
    """The first is the coinbase, if the block is valid."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The block in exactly these bytes; `MalformedError` says why there is none."""
        reader = Reader(data, "block")
        header = BlockHeader.parse(reader.take(HEADER_BYTES))
        transactions = tuple([Transaction.read(reader) for _ in range(reader.compact_size())])
        reader.finish()
        return cls(header, transactions)

    def serialise(self) -> bytes:
        """The bytes on the wire, witnesses included."""
        raw = [transaction.raw for transaction in self.transactions]
        return b"".join([self.header.serialise(), compact_size(len(raw)), *raw])

    def merkle_root(self) -> MerkleRoot:
        """The root over the txids, which a valid block has in its header."""
        return merkle_root([transaction.txid for transaction in self.transactions])

    def witness_root(self) -> bytes:
        """The root over the wtxids, 32 bytes; the coinbase, which commits to it, counts as zero (BIP141)."""
        return merkle_root([bytes(32), *[transaction.wtxid for transaction in self.transactions[1:]]]).root

    @property
    def stripped_size(self) -> int:
        """Bytes without witnesses."""
        count = len(compact_size(len(self.transactions)))
        return HEADER_BYTES + count + sum(len(transaction.stripped) for transaction in self.transactions)

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        count = len(compact_size(len(self.transactions)))
        return HEADER_BYTES + count + sum(len(transaction.raw) for transaction in self.transactions)

    @property
    def weight(self) -> int:
        """BIP141's weight units, of which a block may have 4,000,000."""
        return (WITNESS_SCALE - 1) * self.stripped_size + self.size


def witness_commitment(coinbase: Transaction) -> bytes | None:
    """The 32 bytes that a coinbase commits to its block's witnesses with: those of its last output that has the
    form of a commitment; None where none has."""
    for output in reversed(coinbase.outputs):
        script = output.script_pubkey
        if len(script) >= 38 and script.startswith(_COMMITMENT):
            return script[6:38]
    return None


def commit_to_witnesses(witness_root: bytes, reserved: bytes) -> bytes:
    """What the commitment has to be: `reserved` is the 32 bytes in the coinbase's own witness."""
    return hash256(witness_root + reserved)
