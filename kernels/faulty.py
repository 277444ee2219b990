"""A backend that lies on purpose: the test double of this project, and its teaching tool.

It wraps an honest backend and spoils its answers in one named way. Detection is tested against it, so
each lie is one that a real device could tell, and none depends on who is asking.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Sequence

import numpy as np

from .backend import Backend, Bytes2D, Device, DeviceError, Hits, UsageError
from .evidence import VERDICT_FAULTS
from .reference import ReferenceBackend
from .signatures import Codes, SignatureBatch, Verdict

LIES = {
    "false-hit": "reports a nonce that is no hit",
    "withheld-hit": "keeps the first hit of every window to itself",
    "flipped-bit": "flips one bit in one digest",
    "false-accept": "accepts the first bad signature of every batch",
    "false-refusal": "refuses the first good signature of every batch",
    "wrong-reason": "refuses the first bad signature of every batch for another reason",
    "late-onset": "is honest for a few answers, then withholds hits and refuses good signatures",
    "intermittent": "withholds a hit or refuses a good signature in every other answer or so",
    "slow": "takes its time to search",
    "crash": "fails after a few answers",
}

IN_VERDICTS = (*VERDICT_FAULTS, "late-onset", "intermittent", "crash")
"""Lies that a verifier can tell."""

IN_SEARCHES = tuple(lie for lie in LIES if lie not in VERDICT_FAULTS)
"""Lies that a searcher can tell."""

HONEST_WINDOWS = 4
"""How many windows or batches `late-onset` and `crash` do well before they show what they are."""

SLOWNESS = 16
"""How many times longer than hashlib `slow` takes."""


class Faulty:
    """`inner`, made to tell one of `LIES`. Raises `UsageError` for a lie that is not among them."""

    def __init__(self, inner: Backend, lie: str) -> None:
        if lie not in LIES:
            raise UsageError(
                f"there is no lie {lie!r}; a liar is named faulty:LIE:DEVICE with one of {', '.join(LIES)}"
            )
        self.inner = inner
        self.lie = lie
        self._answers = 0
        self._chance = random.Random(lie)
        self._reference_rate = _reference_rate() if lie == "slow" else 0.0

    @property
    def device(self) -> Device:
        inner = self.inner.device
        return dataclasses.replace(
            inner,
            name=f"faulty:{self.lie}:{inner.name}",
            description=f"{inner.name}, which {LIES[self.lie]} on purpose",
        )

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        [hits] = self._spoil(lambda: [self.inner.search(header, start, count, target)])
        return hits

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        return self._spoil(lambda: self.inner.search_versions(header, versions, start, count, target))

    def _spoil(self, work: Callable[[], list[Hits]]) -> list[Hits]:
        """The honest answer to one call, made into the lie."""
        began = time.perf_counter()
        answer = work()
        match self._lie_now("withheld-hit"):
            case "false-hit":
                return [_with_false_hit(hits) for hits in answer]
            case "withheld-hit":
                return [_without_first_hit(hits) for hits in answer]
            case "slow":
                hashes = sum(hits.count for hits in answer)
                time.sleep(max(0.0, SLOWNESS * hashes / self._reference_rate - (time.perf_counter() - began)))
        return answer

    def _lie_now(self, omission: str) -> str:
        """The lie to tell in this answer, empty for an honest one; some leave something out now and then."""
        self._answers += 1
        onset = self._answers > HONEST_WINDOWS
        match self.lie:
            case "late-onset":
                return omission if onset else ""
            case "intermittent":
                return omission if self._chance.random() < 0.5 else ""
            case "crash" if onset:
                raise DeviceError(f"{self.device.name} crashed on purpose")
        return self.lie

    def verify(self, batch: SignatureBatch) -> Codes:
        verdicts = self.inner.verify(batch).copy()
        good = np.flatnonzero(verdicts == Verdict.VALID)[:1]
        bad = np.flatnonzero(verdicts != Verdict.VALID)[:1]
        match self._lie_now("false-refusal"):
            case "false-accept":
                verdicts[bad] = Verdict.VALID
            case "false-refusal":
                verdicts[good] = Verdict.EQUATION
            case "wrong-reason":
                verdicts[bad] = np.where(verdicts[bad] == Verdict.EQUATION, Verdict.KEY, Verdict.EQUATION)
        return verdicts

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        honest = self.inner.fingerprint(header, start, count)
        if self.lie == "flipped-bit" and count:
            # Not always the same bit: an even number of equal flips would cancel out in a longer window.
            flip = 1 << self._chance.randrange(256)
            return (int.from_bytes(honest, "little") ^ flip).to_bytes(32, "little")
        return honest

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        digests = self.inner.hash_headers(headers)
        if self.lie == "flipped-bit" and len(digests):
            digests[0, 0] ^= 1
        return digests


def _with_false_hit(hits: Hits) -> Hits:
    """With the first nonce of the window that is no hit added."""
    positions = hits.nonces.astype(np.int64) - hits.start
    gap = int(np.argmin(np.append(positions, -1) == np.arange(len(positions) + 1)))
    if gap >= hits.count:
        return hits
    return Hits(hits.start, hits.count, np.insert(hits.nonces, gap, np.uint32(hits.start + gap)))


def _without_first_hit(hits: Hits) -> Hits:
    return Hits(hits.start, hits.count, hits.nonces[1:])


def _reference_rate(count: int = 4000) -> float:
    """Hashes a second of the reference, now."""
    began = time.perf_counter()
    ReferenceBackend().search(bytes(80), 0, count, 0)
    return count / (time.perf_counter() - began)
