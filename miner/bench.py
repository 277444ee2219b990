"""How fast devices are, measured side by side: in turn, several times, so that a noisy machine is fair to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import HEADER_BYTES, NONCES, Backend, Bytes2D, Device, UnavailableError
from .clock import find_clock
from .energy import find_meter
from .interrupt import interrupt_requested
from .job import rolled_versions
from .noise import Load, complaints

ROUNDS = 5
SLICE_SECONDS = 0.2
"""How long one measurement takes, about."""

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

Run = Callable[[int], int]
"""Does about so many hashes, and returns how many it did."""

Reading = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement."""

    hashes: int
    seconds: float
    cpu_seconds: float
    """Processor time of all threads of this process."""

    hertz: float | None
    """Clock of a core right after the work; None where it cannot be measured."""

    joules: float | None
    """What the chip took during the work, whoever caused it; None where the system does not tell."""


@dataclass(slots=True)
class Rates:
    """One device at one kind of work; a sample for each round."""

    device: Device
    work: str
    """One of `WORKS`."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.device.name} {WORKS[self.work]}"

    @property
    def rates(self) -> list[float]:
        """Hashes a second, in the order of the rounds."""
        return [sample.hashes / sample.seconds for sample in self.samples]

    @property
    def median(self) -> float:
        return statistics.median(self.rates)

    @property
    def spread(self) -> float:
        """(highest - lowest) / median."""
        return (max(self.rates) - min(self.rates)) / self.median

    def times(self, other: Rates) -> float:
        """How many times as fast as `other`: the median of the rounds' ratios, since a round is near in time."""
        return statistics.median(mine / its for mine, its in zip(self.rates, other.rates, strict=False))

    @property
    def per_core(self) -> float | None:
        """Hashes a second of processor time, median; None for what is not the host's processor.

        A core is what the operating system calls one: with several threads a core, one of them.
        """
        if self.device.hardware != "cpu":
            return None
        return statistics.median(sample.hashes / sample.cpu_seconds for sample in self.samples)

    @property
    def cycles_per_hash(self) -> float | None:
        """Of one core, median; None where the clock is not measured."""
        cycles = [s.hertz * s.cpu_seconds / s.hashes for s in self.samples if s.hertz is not None]
        return statistics.median(cycles) if cycles else None

    @property
    def joules_per_hash(self) -> float | None:
        """Over all samples together, because counters of energy are coarse; None where there are none."""
        joules = [sample.joules for sample in self.samples if sample.joules is not None]
        return sum(joules) / sum(sample.hashes for sample in self.samples) if joules else None


@dataclass(frozen=True, slots=True)
class Benchmark:
    rates: list[Rates]
    """What was measured at least once, work by work in the order of `WORKS`."""

    unavailable: dict[str, dict[str, str]]
    """Which figure cannot be had of which device, and why: `{"joules_per_hash": {"cpu": "…"}}`."""

    noise: list[str]
    """Why the machine is too noisy to judge, a sentence each; empty where it is quiet."""

    left: int
    """Measurements not made: 0 unless interrupted."""


@dataclass(frozen=True, slots=True)
class _Task:
    rates: Rates
    run: Run
    clock: Reading | None
    meter: Reading | None


def bench(
    backends: Sequence[Backend], rounds: int = ROUNDS, progress: Callable[[int, str], None] | None = None
) -> Benchmark:
    """Measure every backend at every kind of work, `rounds` times.

    A round takes the devices in turn at one kind of work, then at the next; every other round goes
    backwards, so that nobody always runs first, or behind the same neighbour. The searches have a target
    that nothing meets: they are bare scans. `progress` is called with the measurements done and what comes
    next. An interrupt (Ctrl-C) ends it after the measurement at work.
    """
    unavailable: dict[str, dict[str, str]] = {}
    done, sizes = 0, []

    def tell(doing: str) -> None:
        if progress:
            progress(done, doing)

    with interrupt_requested() as stop:
        tasks = _tasks(backends, unavailable)
        for task in tasks:
            if stop.is_set():
                break
            tell(f"preparing {task.rates.name}")
            sizes.append(_calibrate(task.run))
        load = Load()
        for number in range(rounds):
            turn = list(zip(tasks, sizes, strict=False))
            for task, size in turn if number % 2 == 0 else reversed(turn):
                if stop.is_set():
                    break
                tell(task.rates.name)
                task.rates.samples.append(_measure(task, size))
                done += 1
        others = load.of_others()
    tell("")
    measured = [task.rates for task in tasks if task.rates.samples]
    noise = complaints({r.name: r.rates for r in measured}, others)
    return Benchmark(measured, unavailable, noise, left=rounds * len(tasks) - done)


def _tasks(backends: Sequence[Backend], unavailable: dict[str, dict[str, str]]) -> list[_Task]:
    """Work by work, and with it a device beside the other; what cannot be measured goes into `unavailable`."""

    def reading(figure: str, device: Device, find: Callable[[str], Reading]) -> Reading | None:
        try:
            return find(device.hardware)
        except UnavailableError as error:
            unavailable.setdefault(figure, {})[device.name] = str(error)
            return None

    headers = np.random.default_rng(0).integers(0, 256, (MOST_HEADERS, HEADER_BYTES), np.uint8)
    works: dict[str, list[_Task]] = {name: [] for name in WORKS}
    for backend in backends:
        device = backend.device
        clock = reading("cycles_per_hash", device, find_clock)
        meter = reading("joules_per_hash", device, find_meter)
        if device.hardware != "cpu":
            reason = "its work is not done by cores of the host"
            unavailable.setdefault("per_core", {})[device.name] = reason
        for name, run in _runs(backend, headers).items():
            works[name].append(_Task(Rates(device, name), run, clock, meter))
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


def _calibrate(run: Run) -> int:
    """The number of hashes that take about `SLICE_SECONDS`; the first call, which may compile, is not counted."""
    hashes = 256
    run(hashes)
    while (seconds := _seconds(run, hashes)) < SLICE_SECONDS / 4:
        hashes *= 4
    return max(1, int(hashes * SLICE_SECONDS / seconds))


def _seconds(run: Run, hashes: int) -> float:
    began = time.perf_counter()
    run(hashes)
    return time.perf_counter() - began


def _measure(task: _Task, size: int) -> Sample:
    joules = task.meter() if task.meter else None
    cpu, began = time.process_time(), time.perf_counter()
    hashes = task.run(size)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    if task.meter and joules is not None:
        joules = task.meter() - joules
    return Sample(hashes, seconds, cpu_seconds, task.clock() if task.clock else None, joules)
