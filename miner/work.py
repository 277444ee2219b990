"""Work and where it comes from: the contract between the miner and its sources.

A source (the local chain, a node, a pool) has one piece of work at a time. A miner may vary a work's
extranonce, version and time within what it allows, and scans the nonces of each header that follows. What
meets the target goes back to the source, whose answer arrives when it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from ..kernels.backend import QuorateError


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A block that lacks its proof of work, with the room that a miner has in it."""

    id: str
    """The source's name for it, unique while the source lives."""

    version: int
    """Unsigned, 32 bits, as are `time` and `bits`."""

    version_mask: int
    """The bits of the version that may be rolled (BIP 310, BIP 320); 0 for none."""

    previous: bytes
    """The hash of the block below, 32 bytes in wire order."""

    time: int
    """Unix seconds; the earliest that may be used, with which mining begins."""

    time_last: int
    """The latest that may be used."""

    bits: int
    """nBits of the header."""

    target: int
    """A digest is a hit when, read as a little-endian integer, it is at most this: a pool's share, or a block."""

    coinbase: tuple[bytes, bytes]
    """What stands before and after the extranonce in the coinbase transaction, without its witness."""

    extranonce_bytes: int
    """How many bytes the miner fills in between; 0 where there is no room."""

    branch: Sequence[bytes]
    """The coinbase's siblings in the Merkle tree, from the leaves up, 32 bytes each in wire order."""

    replaces: bool = True
    """Whether what was mined before is stale; otherwise hits on the work before still count."""

    once: bool = False
    """Whether one solution is all that can be used, as of a block; a pool takes as many shares as there are."""

    height: int | None = None
    """Of the block, where the source knows it."""

    def header(self, extranonce: int, version: int, time: int) -> bytes:
        """The 80 bytes of a header, with the nonce 0. The extranonce goes in big-endian."""
        filled = extranonce.to_bytes(self.extranonce_bytes).join(self.coinbase)
        root = sha256(sha256(filled).digest()).digest()
        for sibling in self.branch:
            root = sha256(sha256(root + sibling).digest()).digest()
        fields = (time.to_bytes(4, "little"), self.bits.to_bytes(4, "little"), bytes(4))
        return b"".join((version.to_bytes(4, "little"), self.previous, root, *fields))


@dataclass(frozen=True, slots=True)
class Solution:
    """A header of a work that meets its target, already checked."""

    work: Work
    extranonce: int
    version: int
    time: int
    nonce: int
    digest: bytes
    """SHA-256d of the header, 32 bytes as it comes out."""

    @property
    def header(self) -> bytes:
        """The 80 bytes."""
        return self.work.header(self.extranonce, self.version, self.time)[:76] + self.nonce.to_bytes(4, "little")


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    STALE = "stale"
    """It came too late: the work had been replaced."""

    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source says of a solution."""

    outcome: Outcome
    reason: str = ""
    """In the source's own words (`high-hash`, `duplicate`, …); empty when accepted."""


class Source(Protocol):
    """Where work comes from. All methods may be called from any thread."""

    name: str
    """For people: `regtest chain in DIR`, `http://127.0.0.1:8332`, `stratum+tcp://host:port`."""

    def work(self, after: Work | None, timeout: float) -> Work | None:
        """The newest work as soon as it is another than `after`, or None when `timeout` seconds brought none.

        Raises `SourceError` when there will be none any more.
        """
        ...

    def submit(self, solution: Solution) -> Future[Answer]:
        """Hand in a solution; never blocks on a network. The future holds the answer, or a `SourceError`."""
        ...

    def close(self) -> None:
        """Stop all threads and connections; solutions under way are waited for, a few seconds at most."""
        ...


class SourceError(QuorateError):
    """A source that cannot give work or take a solution; the text says why and what to do."""
