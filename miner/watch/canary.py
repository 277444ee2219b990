"""Windows with a known hit, mixed into live work: a device that keeps hits to itself does not know which.

To the device a canary is like any other question: the header of the work at hand with another Merkle root, a
window of the usual size, the usual target. It is asked at moments that nobody can foresee. Its hit was found
by the reference, or was published: some canaries are real blocks, for a device that keeps only such hits to
itself as meet the nBits of their header, which nobody can make to order.

For all that to be affordable, windows are asked at a *watch target*: so easy that a window has about
`HITS_PER_WINDOW` hits, and the reference finds one in an instant. Hits that miss the work's own target are
counted (`luck.py`) and dropped.

What it does not find: a device that recognises the published blocks, or a block's own difficulty, and nothing
else of what it keeps. Devices that find shares at a pool's difficulty for others than their owner are found.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from ...kernels.backend import NONCES, Backend, DeviceError, Hits
from ...kernels.reference import ReferenceBackend
from ..job import Job, complete_header, rolled_versions
from ..sources.bundled import BUNDLED

SHARE = 1 / 400
"""Of the windows, and so of the hashes, that are canaries: with windows of 0.05 s, one in 20 s for each device."""

HITS_PER_WINDOW = 32
"""More would tell a lazy device sooner, and one that keeps a single hit of each window later."""

COMMONEST, SCARCEST = 7, 20
"""The watch target is met by one hash in 2⁷ at most, and in 2²⁰ at least: so many take the reference 1.5 s."""

PUBLISHED = 1 / 8
"""Of the canaries that are real blocks."""

AT_START = 1 / 2
"""Of the other canaries, those whose known hit is the first of the window: some devices lose just that one."""

AHEAD = 32
"""How many windows ahead of its turn a canary is made, from the header of that moment."""

STEP = 1 << 11
"""Nonces between two looks whether to stop: 3 ms of the reference."""

Answer = Sequence[tuple[int | None, Hits]]
"""Hits by version; None for the version of a plain nonce scan."""


@dataclass(frozen=True, slots=True)
class Canary:
    job: Job
    nonce: int
    version: int | None
    """Of the known hit; None in a plain nonce scan."""

    def missed(self, answer: Answer) -> bool:
        """Whether the known hit is not in the answer."""
        return not any(version == self.version and self.nonce in hits.nonces for version, hits in answer)


def watch_target(target: int, hashes: int) -> int:
    """At which to ask for a window of so many hashes of work with this target."""
    one_in = min(max(hashes // HITS_PER_WINDOW, 1 << COMMONEST), 1 << SCARCEST)
    return max(target, (1 << 256) // one_in - 1)


def windows_to_notice(caught: float, share: float = SHARE) -> float:
    """How many windows on average until canaries find a device that misses this part of them."""
    return 1 / (share * caught)


def make(job: Job, judge: Backend, rng: random.Random, stop: threading.Event) -> Canary | None:
    """A canary like `job`; None where `stop` came in between. The judge finds the hit."""
    if rng.random() < PUBLISHED:
        return _published(job, rng)
    while not stop.is_set():
        lookalike = job.header[:36] + rng.randbytes(32) + job.header[68:]
        start = rng.randrange(NONCES - job.count + 1)
        begin = start if rng.random() < AT_START else rng.randrange(start, start + job.count)
        version = rng.choice(job.versions) if job.versions else None
        nonce = _first_hit(lookalike, version, begin, start + job.count, job.target, judge, stop)
        if nonce is not None:
            return Canary(replace(job, header=lookalike, start=start), nonce, version)
    return None


def _first_hit(
    header: bytes, version: int | None, begin: int, end: int, target: int, judge: Backend, stop: threading.Event
) -> int | None:
    while begin < end and not stop.is_set():
        count = min(STEP, end - begin)
        if version is None:
            hits = judge.search(header, begin, count, target)
        else:
            [hits] = judge.search_versions(header, [version], begin, count, target)
        if len(hits):
            return int(hits.nonces[0])
        begin += count
    return None


def _published(job: Job, rng: random.Random) -> Canary:
    """A window somewhere around the nonce of a real block; version rolling includes the block's own."""
    block = rng.choice(BUNDLED)
    first = max(0, block.nonce - job.count + 1)
    last = min(block.nonce, NONCES - job.count)
    versions = list(rolled_versions(block.header, len(job.versions))) if job.versions else []
    version = versions[0] if versions else None
    rng.shuffle(versions)
    around = replace(job, header=block.header, start=rng.randint(first, last), versions=tuple(versions))
    return Canary(around, block.nonce, version)


class Canaries:
    """The canaries of one device, made in a thread of their own while the device works."""

    def __init__(self, share: float = SHARE, rng: random.Random | None = None) -> None:
        """`share` is from 0, which is none, to 1. Without `rng` nobody can foresee them."""
        self.asked = 0
        self.missed = 0
        self._share = share
        self._rng = rng or random.SystemRandom()
        self._judge = ReferenceBackend()
        self._stop = threading.Event()
        self._maker = ThreadPoolExecutor(1, "canaries")
        self._next: Future[Canary | None] | None = None
        self._wait = self._draw()

    def due(self, job: Job) -> Canary | None:
        """The canary to ask before `job`, which is what the device would be asked now."""
        if not self._share:
            return None
        self._wait -= 1
        if self._next is None and self._wait <= AHEAD:
            self._next = self._maker.submit(make, job, self._judge, self._rng, self._stop)
        if self._wait > 0 or self._next is None or not self._next.done():
            return None
        canary = self._next.result()
        self._next = None
        self._wait += self._draw()
        return canary

    def check(self, canary: Canary, answer: Answer) -> None:
        """Count it. Raises `DeviceError` where the known hit is missing."""
        self.asked += 1
        if canary.missed(answer):
            self.missed += 1
            header = complete_header(canary.job.header, canary.nonce, canary.version).hex()
            raise DeviceError(f"missed canary: it did not report the hit {header}")

    def close(self) -> None:
        self._stop.set()
        self._maker.shutdown()

    def _draw(self) -> int:
        """Windows until the next: each is as likely as any other, so that nothing can be counted."""
        windows = 1
        while self._share and self._rng.random() >= self._share:
            windows += 1
        return windows
