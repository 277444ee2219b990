"""How fast things are, measured side by side: in turn, several times, so that a noisy machine is fair to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..kernels.backend import Device
from .interrupt import interrupt_requested
from .noise import Load, complaints

ROUNDS = 5
SLICE_SECONDS = 0.2
"""How long one measurement takes, about."""

Run = Callable[[int], int]
"""Does about so many hashes, or whatever is counted, and returns how many it did."""

Reading = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement."""

    count: int
    """Of hashes, or of signatures."""

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
    title: str
    """The work as people call it."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.device.name} {self.title}"

    @property
    def rates(self) -> list[float]:
        """How many a second, in the order of the rounds."""
        return [sample.count / sample.seconds for sample in self.samples]

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
        """How many a second of processor time, median; None for what is not the host's processor.

        A core is what the operating system calls one: with several threads a core, one of them.
        """
        if self.device.hardware != "cpu":
            return None
        return statistics.median(sample.count / sample.cpu_seconds for sample in self.samples)

    @property
    def cycles_each(self) -> float | None:
        """Of one core, median; None where the clock is not measured."""
        cycles = [s.hertz * s.cpu_seconds / s.count for s in self.samples if s.hertz is not None]
        return statistics.median(cycles) if cycles else None

    @property
    def joules_each(self) -> float | None:
        """Over all samples together, because counters of energy are coarse; None where there are none."""
        joules = [sample.joules for sample in self.samples if sample.joules is not None]
        return sum(joules) / sum(sample.count for sample in self.samples) if joules else None


@dataclass(frozen=True, slots=True)
class Benchmark:
    rates: list[Rates]
    """What was measured at least once, in the order of the tasks."""

    unavailable: dict[str, dict[str, str]]
    """Which figure cannot be had of which device, and why: `{"joules_per_hash": {"cpu": "…"}}`."""

    noise: list[str]
    """Why the machine is too noisy to judge, a sentence each; empty where it is quiet."""

    left: int
    """Measurements not made: 0 unless interrupted."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to measure, and what to read beside it."""

    rates: Rates
    run: Run
    clock: Reading | None = None
    meter: Reading | None = None


def measure(
    tasks: Sequence[Task],
    unavailable: dict[str, dict[str, str]],
    rounds: int,
    progress: Callable[[int, str], None] | None = None,
) -> Benchmark:
    """Measure every task `rounds` times.

    A round takes the tasks in turn; every other round goes backwards, so that nobody always runs first, or
    behind the same neighbour. `progress` is called with the measurements done and what comes next. An
    interrupt (Ctrl-C) ends it after the measurement at work.
    """
    done, sizes = 0, []

    def tell(doing: str) -> None:
        if progress:
            progress(done, doing)

    with interrupt_requested() as stop:
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


def _calibrate(run: Run) -> int:
    """The count that takes about `SLICE_SECONDS`; the first call, which may compile, is not counted."""
    count = 256
    run(count)
    while (seconds := _seconds(run, count)) < SLICE_SECONDS / 4:
        count *= 4
    return max(1, int(count * SLICE_SECONDS / seconds))


def _seconds(run: Run, count: int) -> float:
    began = time.perf_counter()
    run(count)
    return time.perf_counter() - began


def _measure(task: Task, size: int) -> Sample:
    joules = task.meter() if task.meter else None
    cpu, began = time.process_time(), time.perf_counter()
    count = task.run(size)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    if task.meter and joules is not None:
        joules = task.meter() - joules
    return Sample(count, seconds, cpu_seconds, task.clock() if task.clock else None, joules)
