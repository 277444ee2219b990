"""What a quorum keeps about its members: every answer, and what was wrong in it, whole, for anyone to check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .backend import Device
from .signatures import KEY_LENGTHS, Rules, Scheme, SignatureBatch, Verdict

VERDICT_FAULTS = ("false-accept", "false-refusal", "wrong-reason")
"""What can be wrong with a verdict: a bad signature accepted, a good one refused, a bad one refused for another
reason than the first that applies."""


@dataclass(frozen=True, slots=True)
class HeaderItem:
    """One disputed header, small enough for anyone to hash again."""

    header: bytes
    """80 bytes with the nonce in place: what was hashed."""

    digest: bytes
    """Its digest as the judge computes it, 32 bytes."""

    @property
    def nonce(self) -> int:
        return int.from_bytes(self.header[76:], "little")

    def is_hit(self, target: int) -> bool:
        return int.from_bytes(self.digest, "little") <= target


@dataclass(frozen=True, slots=True)
class SignatureItem:
    """One disputed signature, with all that it takes to verify it again."""

    scheme: Scheme
    key: bytes
    """As it is encoded, without padding; of an ECDSA key whose first byte is none, the 65 bytes of the batch."""

    signature: bytes
    """64 bytes."""

    message: bytes
    rules: Rules
    verdict: Verdict
    """The judge's."""

    @classmethod
    def of(cls, batch: SignatureBatch, row: int, verdict: int) -> SignatureItem:
        scheme, key = Scheme(batch.schemes[row]), batch.keys[row].tobytes()
        length = KEY_LENGTHS.get(key[0], len(key)) if scheme == Scheme.ECDSA else 32
        signature = batch.signatures[row].tobytes()
        return cls(scheme, key[:length], signature, batch.message(row), batch.rules, Verdict(verdict))


Item = HeaderItem | SignatureItem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question to one member."""

    right: bool
    start: int
    count: int
    """Nonces of the window, headers or signatures of the batch; a batch starts at 0."""

    seconds: float
    items: tuple[Item, ...] = ()
    """The first items that were wrong."""

    again: bool = False
    """Asked again about those items, the member was wrong again."""


@dataclass(slots=True)
class Record:
    """A member's answers, by the fault that each of them can show."""

    device: Device
    searches: list[Outcome] = field(default_factory=list)
    """Seconds of every search, right or wrong."""

    batches: list[Outcome] = field(default_factory=list)
    """Seconds of every batch of signatures, right or wrong."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    """Fault (`false-hit`, `withheld-hit`, `flipped-bit`, `VERDICT_FAULTS`) to the outcomes in which it could
    have shown."""

    failure: str = ""
    """What it said when it failed; empty while it works. A member that failed is not asked again."""


def voices(records: Sequence[Record]) -> int:
    """How many independent members these are: twins, of the same family and driver, count once."""
    return len({(record.device.family, record.device.driver) for record in records})
