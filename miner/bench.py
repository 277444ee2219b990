"""How fast devices are, measured side by side: in turn, several times, so that a noisy machine is fair to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import HEADER_BYTES, NONCES, Backend, Device

ROUNDS = 5
SLICE_SECONDS = 0.2
"""How long one measurement takes, about."""

MOST_HEADERS = 1 << 20
"""Of a batch: 80 MiB."""

Work = Callable[[int], object]


@dataclass(slots=True)
class Rates:
    """Hashes a second of one device at one kind of work, one for each round."""

    device: Device
    work: str
    """`search`, `fingerprint` or `hash_headers`."""

    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """(highest - lowest) / median."""
        return (max(self.samples) - min(self.samples)) / self.median


def bench(
    backends: Sequence[Backend], rounds: int = ROUNDS, progress: Callable[[int], None] | None = None
) -> list[Rates]:
    """Rates of every backend, in the order of `backends`; `progress` is called with the measurements done.

    The search has a target that nothing meets, so it is the bare nonce scan.
    """
    tasks = [(Rates(b.device, name), work, most) for b in backends for name, work, most in _works(b)]
    sizes = [_calibrate(work, most) for _, work, most in tasks]
    done = 0
    for _ in range(rounds):
        for (rates, work, _), size in zip(tasks, sizes, strict=True):
            rates.samples.append(size / _seconds(work, size))
            done += 1
            if progress:
                progress(done)
    return [rates for rates, _, _ in tasks]


def _works(backend: Backend) -> list[tuple[str, Work, int]]:
    """(name, work, largest size) of each kind; a work takes the number of hashes to do."""
    header = bytes(range(HEADER_BYTES))

    def search(count: int) -> object:
        return backend.search(header, 0, count, 0)

    def fingerprint(count: int) -> object:
        return backend.fingerprint(header, 0, count)

    def hash_headers(count: int) -> object:
        return backend.hash_headers(np.zeros((count, HEADER_BYTES), np.uint8))

    return [
        ("search", search, NONCES),
        ("fingerprint", fingerprint, NONCES),
        ("hash_headers", hash_headers, MOST_HEADERS),
    ]


def _calibrate(work: Work, most: int) -> int:
    """The size that takes about `SLICE_SECONDS`; the first call, which may compile, is not counted."""
    size = 256
    work(size)
    while (seconds := _seconds(work, size)) < SLICE_SECONDS / 4 and size < most:
        size = min(most, size * 4)
    return max(1, min(most, int(size * SLICE_SECONDS / seconds)))


def _seconds(work: Work, size: int) -> float:
    began = time.perf_counter()
    work(size)
    return time.perf_counter() - began
