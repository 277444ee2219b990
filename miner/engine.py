"""Several devices at work on one job.

Each device has a thread that takes windows sized to its own speed, so faster devices take more. A hit is
believed only after the reference hashed it again. A device that fails, or reports a hit that is none, is
named and gets no more work; its window goes back and another device does it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..kernels.backend import Backend, DeviceError
from .interrupt import interrupt_requested
from .job import Job
from .windows import Windows
from .worker import FIRST_WINDOW, Effort, Hit, Worker


@dataclass(slots=True)
class Found(Effort):
    """What the devices found and did; also the progress while they are at it."""

    hits: list[Hit] = field(default_factory=list)
    """Ascending once the job has ended; with rolled versions by nonce, then version."""

    interrupted: bool = False
    left: int = 0
    """Nonces that nobody has done."""


class Engine:
    """Devices that search one job."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._workers = [Worker(backend) for backend in backends]

    def run(self, job: Job, progress: Callable[[Found], None] | None = None) -> Found:
        """Search the whole window of `job`; `progress` is called with the result so far, ten times a second.

        An interrupt (Ctrl-C) lets the windows at work finish, which takes about `WINDOW_SECONDS`, and returns
        what was found. What no device is left to do is in `left`.
        """
        began = time.perf_counter()
        found = Found([worker.tally for worker in self._workers])
        windows = Windows(job.start, job.count)
        lock = threading.Lock()
        with interrupt_requested() as stop:
            threads = [
                threading.Thread(
                    target=self._work, args=(worker, job, windows, found, stop, lock), name=worker.tally.device
                )
                for worker in self._workers
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
        return found

    def _work(
        self,
        worker: Worker,
        job: Job,
        windows: Windows,
        found: Found,
        stop: threading.Event,
        lock: threading.Lock,
    ) -> None:
        while not stop.is_set() and not windows.complete:
            window = windows.take(max(1, self._share(worker, job, windows.left * job.rolls) // job.rolls))
            if window is None:  # another device still holds one, which may come back
                time.sleep(0.005)
                continue
            start, count = window
            try:
                hits = worker.search(replace(job, start=start, count=count))
            except DeviceError:
                windows.give_back(*window)
                return
            with lock:
                found.hits += hits
            windows.done(count)

    def _share(self, worker: Worker, job: Job, left: int) -> int:
        """The device's window in hashes, less near the end, where each device gets its part of what is left."""
        rolling = bool(job.versions)
        total = sum(its.size(rolling) for its in self._workers if not its.tally.error)
        size = worker.size(rolling)
        return max(FIRST_WINDOW, min(size, left * size // total))
