"""The same work on several devices, compared bit for bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..kernels.backend import Backend, Bytes2D, Device, Hits, UsageError
from ..kernels.findings import Finding, findings
from ..kernels.quorum import Quorum
from ..kernels.signatures import Codes, SignatureBatch
from .interrupt import interrupt_requested
from .job import Job

WINDOWS = 16
"""At least so many windows, where there are nonces enough: late and intermittent faults need several."""

LONGEST_WINDOW = 1 << 20
"""Nonces; the wait between Ctrl-C and the end is the time that the slowest device takes for them."""

EASY_TARGET = 1 << 250
"""One nonce in 64 is a hit, so that a window of the default size holds hundreds."""

DEFAULT_COUNT = 1 << 18


@dataclass(frozen=True, slots=True)
class Result:
    """What one device answered, before anybody judged it."""

    device: Device
    hits: Hits
    """Of the windows that it answered."""

    fingerprint: bytes
    """XOR of the digests of all nonces, as the device computed them; 32 bytes."""

    hashes: int
    """Nonces that were searched and answered."""

    seconds: float
    """Searching and fingerprinting, in seconds: every nonce was hashed once for each."""

    failure: str


@dataclass(frozen=True, slots=True)
class Comparison:
    job: Job
    results: list[Result]
    findings: list[Finding]
    """Devices found wrong, failed or slow; empty when all agree."""

    left: int
    """Nonces that were not compared: 0 unless interrupted."""


def compare(backends: Sequence[Backend], job: Job, progress: Callable[[int], None] | None = None) -> Comparison:
    """Search and fingerprint the window of `job` on every backend.

    `progress` is called with the nonces done. An interrupt (Ctrl-C) ends it after the window at work.
    Raises `UsageError` for fewer than two backends, and `DeviceError` when every one of them fails.
    """
    if len(backends) < 2:
        raise UsageError("comparing takes two or more devices, as in --devices reference,cpu")
    transcripts = [Transcript(backend) for backend in backends]
    quorum = Quorum(transcripts, need=1)
    size = min(LONGEST_WINDOW, max(1, -(-job.count // WINDOWS)))
    # First calls compile, some drivers anew for each size, which is not what is compared. The target
    # has no hits, so no lie about hits can hide here.
    done = 0
    with interrupt_requested() as stop:
        if job.count:
            quorum.search(job.header, job.start, size, 0)
        if job.count and not stop.is_set():
            quorum.fingerprint(job.header, job.start, size)
        while done < job.count and not stop.is_set():
            start, count = job.start + done, min(size, job.count - done)
            for transcript in transcripts:
                transcript.window = (start, count)
            quorum.search(job.header, start, count, job.target)
            quorum.fingerprint(job.header, start, count)
            done += count
            if progress:
                progress(done)
    results = [
        transcript.result(job, record.failure)
        for transcript, record in zip(transcripts, quorum.records, strict=True)
    ]
    return Comparison(job, results, findings(quorum), left=job.count - done)


class Transcript:
    """A backend that keeps what the backend inside answered first about the work of a comparison.

    A quorum asks again about what is disputed; those answers, and the time they take, are not kept.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.window: tuple[int, int] | None = None
        self.batch: SignatureBatch | None = None
        self.verdicts: Codes | None = None
        """Of this batch."""
        self.seconds = 0.0
        self._hits: dict[tuple[int, int], Hits] = {}
        self._fingerprints: dict[tuple[int, int], bytes] = {}

    @property
    def device(self) -> Device:
        return self.inner.device

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        began = time.perf_counter()
        hits = self.inner.search(header, start, count, target)
        if self.window == (start, count) and self.window not in self._hits:
            self._hits[self.window] = hits
            self.seconds += time.perf_counter() - began
        return hits

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        return self.inner.search_versions(header, versions, start, count, target)

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        began = time.perf_counter()
        fingerprint = self.inner.fingerprint(header, start, count)
        if self.window == (start, count) and self.window not in self._fingerprints:
            self._fingerprints[self.window] = fingerprint
            self.seconds += time.perf_counter() - began
        return fingerprint

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        return self.inner.hash_headers(headers)

    def verify(self, batch: SignatureBatch) -> Codes:
        began = time.perf_counter()
        verdicts = self.inner.verify(batch)
        if self.batch is batch and self.verdicts is None:
            self.verdicts = verdicts.copy()
            self.seconds += time.perf_counter() - began
        return verdicts

    def result(self, job: Job, failure: str) -> Result:
        nonces = [hits.nonces for hits in self._hits.values()]
        total = 0
        for fingerprint in self._fingerprints.values():
            total ^= int.from_bytes(fingerprint, "little")
        return Result(
            self.device,
            Hits(job.start, job.count, np.concatenate([np.empty(0, np.uint32), *nonces])),
            total.to_bytes(32, "little"),
            sum(count for _, count in self._hits),
            self.seconds,
            failure,
        )
