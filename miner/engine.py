"""Several devices at work on one job.

Each device has a thread that takes windows sized to its own speed, so faster devices take more. A hit is
believed only after the reference hashed it again. A device that fails, or reports a hit that is none, is
named and gets no more work; its window goes back and another device does it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import Backend, DeviceError, Hits
from ..kernels.reference import ReferenceBackend
from .interrupt import interrupt_requested
from .job import Job, complete_header
from .windows import Windows

WINDOW_SECONDS = 0.1
"""How long a window should take: the wait between Ctrl-C and the end."""

FIRST_WINDOW = 1 << 12
"""Hashes of a device's first window, before its speed is known, and of the smallest worth handing out."""

GROWTH = 8
"""How many times larger than the last a window may be, so that one lucky measurement does not run away."""


@dataclass(slots=True)
class Tally:
    """What one device did."""

    device: str
    windows: int = 0
    hashes: int = 0
    seconds: float = 0.0
    """Time at work, in seconds."""

    hits: int = 0
    error: str = ""
    """Why it got no more work; empty while it is well."""

    @property
    def rate(self) -> float:
        """Hashes a second while at work."""
        return self.hashes / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A nonce that meets the target, hashed again by the reference."""

    nonce: int
    version: int | None
    """Of a rolled header; None in a plain nonce scan."""

    digest: bytes
    """32 bytes as SHA-256 puts them out; reversed, the hash that explorers display."""


@dataclass(slots=True)
class Found:
    """The result of a run."""

    job: Job
    hits: list[Hit] = field(default_factory=list)
    """Every hit in the windows that were done, ascending by nonce, then version."""

    tallies: list[Tally] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    left: int = 0
    """Nonces that were not searched: 0 unless interrupted or no device was left."""

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


class Engine:
    """Runs jobs on `backends`, one after the other. Speeds and benched devices carry over between jobs."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.backends = list(backends)
        self._sizes = [FIRST_WINDOW] * len(backends)
        self._benched: dict[int, str] = {}

    def run(self, job: Job, progress: Callable[[Found], None] | None = None) -> Found:
        """Search the whole window of `job`; `progress` is called with the result so far, ten times a second.

        An interrupt (Ctrl-C) lets the windows at work finish, which takes about `WINDOW_SECONDS`, and
        returns what was found. Raises `DeviceError` when no device is left to do the work at all.
        """
        self._require_device()
        began = time.perf_counter()
        found = Found(job, tallies=[Tally(b.device.name) for b in self.backends])
        windows = Windows(job.start, job.count)
        lock = threading.Lock()
        with interrupt_requested() as stop:
            threads = [
                threading.Thread(target=self._work, args=(i, windows, found, stop, lock), name=b.device.name)
                for i, b in enumerate(self.backends)
                if i not in self._benched
            ]
            for thread in threads:
                thread.start()
            try:
                while any(thread.is_alive() for thread in threads):
                    for thread in threads:
                        thread.join(0.1 / len(threads))
                    found.seconds, found.left = time.perf_counter() - began, windows.left
                    if progress:
                        progress(found)
            except BaseException:
                stop.set()  # or they would go on without anybody to tell
                raise
        found.seconds, found.left = time.perf_counter() - began, windows.left
        found.interrupted = stop.is_set() and found.left > 0
        found.hits.sort()
        for index, reason in self._benched.items():
            found.tallies[index].error = reason
        return found

    def _work(
        self, index: int, windows: Windows, found: Found, stop: threading.Event, lock: threading.Lock
    ) -> None:
        backend, job, tally = self.backends[index], found.job, found.tallies[index]
        while not stop.is_set() and not windows.complete:
            window = windows.take(max(1, self._share(index, windows.left * job.rolls) // job.rolls))
            if window is None:  # another device still holds one, which may come back
                time.sleep(0.005)
                continue
            began = time.perf_counter()
            try:
                found_by_version = search(backend, job, *window)
                seconds = time.perf_counter() - began
                checked = check_hits(job, found_by_version, backend.device.name)
            except BaseException as error:  # noqa: BLE001  a driver fails in ways that its library never announced
                windows.give_back(*window)
                self._benched[index] = str(error) or type(error).__name__
                return
            with lock:
                found.hits += checked
                tally.windows += 1
                tally.hashes += window[1] * job.rolls
                tally.seconds += seconds
                tally.hits += len(checked)
            self._sizes[index] = _next_size(window[1] * job.rolls, seconds)
            windows.done(window[1])

    def _share(self, index: int, left: int) -> int:
        """The device's window in hashes, less near the end, where each device gets its part of what is left."""
        total = sum(size for i, size in enumerate(self._sizes) if i not in self._benched)
        part = left * self._sizes[index] // total
        return max(FIRST_WINDOW, min(self._sizes[index], part))

    def _require_device(self) -> None:
        if len(self._benched) == len(self.backends):
            raise DeviceError("no device is left to work: " + "; ".join(self._benched.values()))


def search(backend: Backend, job: Job, start: int, count: int) -> list[tuple[int | None, Hits]]:
    """Hits by version: of one plain nonce scan, or of version rolling."""
    if not job.versions:
        return [(None, backend.search(job.header, start, count, job.target).of(start, count))]
    rolled = backend.search_versions(job.header, job.versions, start, count, job.target)
    return [(version, hits.of(start, count)) for version, hits in zip(job.versions, rolled, strict=True)]


def check_hits(job: Job, found: list[tuple[int | None, Hits]], device: str) -> list[Hit]:
    """Each hit, hashed again by the reference. Raises `DeviceError` for one that is none."""
    claims = [(nonce, version) for version, hits in found for nonce in hits.nonces.tolist()]
    headers = b"".join(complete_header(job.header, nonce, version) for nonce, version in claims)
    digests = ReferenceBackend().hash_headers(np.frombuffer(headers, np.uint8).reshape(-1, 80))
    checked = [Hit(*claim, digest.tobytes()) for claim, digest in zip(claims, digests, strict=True)]
    for hit in checked:
        if int.from_bytes(hit.digest, "little") > job.target:
            raise DeviceError(f"hardware error: {device} reported nonce {hit.nonce}, which is no hit")
    return checked


def _next_size(hashes: int, seconds: float) -> int:
    wanted = int(hashes * WINDOW_SECONDS / max(seconds, 1e-9))
    return max(FIRST_WINDOW, min(wanted, GROWTH * hashes))
