"""One device at work: windows of a size that suits it, hits checked before they are believed, its figures kept."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import Backend, DeviceError, Hits
from ..kernels.reference import ReferenceBackend
from .job import Job, complete_header

WINDOW_SECONDS = 0.05
"""How long a window should take: so long do Ctrl-C and new work wait for the windows at work."""

FIRST_WINDOW = 1 << 12
"""Hashes of a device's first window, before its speed is known, and of the smallest worth handing out."""

GROWTH = 8
"""How many times larger than the last a window may be, so that one lucky measurement does not run away."""

TRIALS = 3
"""Windows of full length by which scanning nonces and rolling versions are compared on a device."""


@dataclass(slots=True)
class Tally:
    """What one device has done."""

    device: str
    windows: int = 0
    hashes: int = 0
    seconds: float = 0.0
    """At work, waiting left out."""

    hits: int = 0
    error: str = ""
    """Why it was taken off the work; empty for one that kept going."""

    @property
    def rate(self) -> float:
        """Hashes a second while at work."""
        return self.hashes / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Effort:
    """What several devices have done together."""

    tallies: list[Tally] = field(default_factory=list)
    """In the order of the devices, those that failed included."""

    seconds: float = 0.0

    @property
    def hashes(self) -> int:
        return sum(tally.hashes for tally in self.tallies)

    @property
    def rate(self) -> float:
        """Hashes a second of all devices together, waiting included."""
        return self.hashes / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> list[str]:
        return [f"{tally.device}: {tally.error}" for tally in self.tallies if tally.error]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A nonce whose digest, computed again by the reference, meets the target."""

    nonce: int
    version: int | None
    """Of the header, where versions were rolled."""

    digest: bytes
    """32 bytes as SHA-256 puts them out."""


@dataclass(slots=True)
class _Pace:
    """How fast a device does one kind of work."""

    size: int = FIRST_WINDOW
    """Hashes of the next window."""

    trials: int = 0
    best: float = 0.0
    """Hashes a second, in the best of the trials."""

    def add(self, hashes: int, seconds: float) -> None:
        wanted = int(hashes * WINDOW_SECONDS / max(seconds, 1e-9))
        self.size = max(FIRST_WINDOW, min(wanted, GROWTH * hashes))
        if seconds > WINDOW_SECONDS / 2 and self.trials < TRIALS:
            self.trials += 1
            self.best = max(self.best, hashes / seconds)


class Worker:
    """A device, for one thread at a time."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.tally = Tally(backend.device.name)
        self._scanning, self._rolling = _Pace(), _Pace()

    @property
    def rolls(self) -> bool:
        """Whether to give it versions to roll, where there are any: because it gains by that, or to find out.

        Not before its windows are as long as they should be; where targets are easy, they never are.
        """
        if self._scanning.trials < TRIALS:
            return False
        return self._rolling.trials < TRIALS or self._rolling.best > self._scanning.best

    def size(self, rolling: bool) -> int:
        """Hashes that take it about `WINDOW_SECONDS`."""
        return (self._rolling if rolling else self._scanning).size

    def ready(self, ending: threading.Event) -> bool:
        """Wait until the device may have a window; False where it never may again, or `ending` came before."""
        return not (self.tally.error or ending.is_set())

    def search(self, job: Job) -> list[Hit]:
        """The hits of a window, ascending by version and nonce; `DeviceError` when the device fails in any way."""
        began = time.perf_counter()
        try:
            found = search(self.backend, job)
            seconds = time.perf_counter() - began
            hits = check_hits(job, found, self.tally.device)
        except BaseException as error:  # a driver fails in ways that its library never announced
            self.tally.error = str(error) or type(error).__name__
            raise DeviceError(self.tally.error) from error
        self._count(job, seconds, len(hits))
        return hits

    def _count(self, job: Job, seconds: float, hits: int) -> None:
        self.tally.windows += 1
        self.tally.hashes += job.hashes
        self.tally.seconds += seconds
        self.tally.hits += hits
        (self._rolling if job.versions else self._scanning).add(job.hashes, seconds)


def search(backend: Backend, job: Job) -> list[tuple[int | None, Hits]]:
    """The hits of a whole job by version; None for the version of a plain nonce scan."""
    start, count = job.start, job.count
    if not job.versions:
        return [(None, backend.search(job.header, start, count, job.target).of(start, count))]
    rolled = backend.search_versions(job.header, job.versions, start, count, job.target)
    return [(version, hits.of(start, count)) for version, hits in zip(job.versions, rolled, strict=True)]


def check_hits(job: Job, found: list[tuple[int | None, Hits]], device: str) -> list[Hit]:
    """Hash reported hits again by the reference; `DeviceError` names the device and the first that is none."""
    claims = [(nonce, version) for version, hits in found for nonce in hits.nonces.tolist()]
    headers = b"".join(complete_header(job.header, nonce, version) for nonce, version in claims)
    digests = ReferenceBackend().hash_headers(np.frombuffer(headers, np.uint8).reshape(-1, 80))
    checked = [Hit(*claim, digest.tobytes()) for claim, digest in zip(claims, digests, strict=True)]
    for hit in checked:
        if int.from_bytes(hit.digest, "little") > job.target:
            raise DeviceError(f"hardware error: {device} reported nonce {hit.nonce}, which is no hit")
    return checked
