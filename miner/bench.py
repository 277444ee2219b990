"""How fast devices hash, at every kind of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..kernels.backend import HEADER_BYTES, NONCES, Backend, Bytes2D, Device, UnavailableError
from .clock import find_clock
from .energy import find_meter
from .job import rolled_versions
from .rounds import ROUNDS, Benchmark, Rates, Reading, Run, Task, measure

HEADER = bytes(range(HEADER_BYTES))

VERSIONS = rolled_versions(HEADER, 16)

MOST_HEADERS = 1 << 20
"""Of a batch: 80 MiB. More are hashed batch by batch."""

WORKS = {
    "search": "nonce scan",
    "search_versions": "version rolling",
    "fingerprint": "fingerprint",
    "hash_headers": "header batch",
}
"""The methods of `Backend` that are measured, and what people call them."""


def bench(
    backends: Sequence[Backend], rounds: int = ROUNDS, progress: Callable[[int, str], None] | None = None
) -> Benchmark:
    """Measure every backend at every kind of work, in rounds (`measure`).

    The searches have a target that nothing meets: they are bare scans.
    """
    unavailable: dict[str, dict[str, str]] = {}
    return measure(_tasks(backends, unavailable), unavailable, rounds, progress)


def _tasks(backends: Sequence[Backend], unavailable: dict[str, dict[str, str]]) -> list[Task]:
    """Work by work, and with it a device beside the other; what cannot be measured goes into `unavailable`."""

    def reading(figure: str, device: Device, find: Callable[[str], Reading]) -> Reading | None:
        try:
            return find(device.hardware)
        except UnavailableError as error:
            unavailable.setdefault(figure, {})[device.name] = str(error)
            return None

    headers = np.random.default_rng(0).integers(0, 256, (MOST_HEADERS, HEADER_BYTES), np.uint8)
    works: dict[str, list[Task]] = {name: [] for name in WORKS}
    for backend in backends:
        device = backend.device
        clock = reading("cycles_per_hash", device, find_clock)
        meter = reading("joules_per_hash", device, find_meter)
        if device.hardware != "cpu":
            reason = "its work is not done by cores of the host"
            unavailable.setdefault("per_core", {})[device.name] = reason
        for name, run in _runs(backend, headers).items():
            works[name].append(Task(Rates(device, name, WORKS[name]), run, clock, meter))
    return [task for name in WORKS for task in works[name]]


def _runs(backend: Backend, headers: Bytes2D) -> dict[str, Run]:
    """Each kind of work, for any number of hashes."""

    def search(hashes: int) -> int:
        for count in _pieces(hashes, NONCES):
            backend.search(HEADER, 0, count, 0)
        return hashes

    def search_versions(hashes: int) -> int:
        nonces = -(-hashes // len(VERSIONS))
        for count in _pieces(nonces, NONCES):
            backend.search_versions(HEADER, VERSIONS, 0, count, 0)
        return nonces * len(VERSIONS)

    def fingerprint(hashes: int) -> int:
        for count in _pieces(hashes, NONCES):
            backend.fingerprint(HEADER, 0, count)
        return hashes

    def hash_headers(hashes: int) -> int:
        for count in _pieces(hashes, len(headers)):
            backend.hash_headers(headers[:count])
        return hashes

    return dict(zip(WORKS, (search, search_versions, fingerprint, hash_headers), strict=True))


def _pieces(count: int, most: int) -> Iterator[int]:
    for first in range(0, count, most):
        yield min(most, count - first)
