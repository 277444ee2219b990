"""Rates are measured, for every kind of work, in turn."""

from __future__ import annotations

import dataclasses
import os
import signal
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from quorate.kernels.backend import HEADER_BYTES, Bytes2D, Hits
from quorate.kernels.reference import ReferenceBackend, find
from quorate.miner import bench as module
from quorate.miner import rounds
from quorate.miner.bench import VERSIONS, WORKS, bench
from quorate.miner.rounds import Benchmark, Rates, Sample


class Watched(ReferenceBackend):
    """The reference, and what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: set[tuple[int, ...]] = set()
        self.nonces = 0
        self.batches: list[int] = []

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        self.versions.add(tuple(versions))
        self.nonces += count
        return super().search_versions(header, versions, start, count, target)

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        self.batches.append(len(headers))
        return super().hash_headers(headers)


def rates_of(samples: Sequence[Sample], hardware: str = "cpu") -> Rates:
    return Rates(dataclasses.replace(find()[0], hardware=hardware), "search", "nonce scan", list(samples))


def test_rates_of_two_devices_side_by_side() -> None:
    done: list[int] = []
    result = bench([ReferenceBackend(), ReferenceBackend()], rounds=2, progress=lambda n, _: done.append(n))
    assert [r.work for r in result.rates] == [work for work in WORKS for _ in range(2)]
    assert all(len(r.samples) == 2 for r in result.rates)
    # hashlib does between ten thousand and a hundred million double hashes a second on any machine
    assert all(1e4 < r.median < 1e8 for r in result.rates)
    assert all(r.spread >= 0 for r in result.rates)
    assert done == [0] * 8 + list(range(17))
    assert result.left == 0


def test_figures_per_core() -> None:
    """One thread that hashes: its processor time is at most the time on the wall, but for the clocks' grain."""
    for r in bench([ReferenceBackend()], rounds=2).rates:
        assert all(0 < s.cpu_seconds < 1.1 * s.seconds for s in r.samples)
        assert r.per_core is not None
        assert r.per_core > 0.9 * r.median
        assert r.cycles_each is not None
        # three compressions of 64 rounds of at least one cycle, and the interpreter around them
        assert 192 < r.cycles_each < 100_000


def test_every_other_round_goes_backwards() -> None:
    doing: list[str] = []
    bench([ReferenceBackend()], rounds=2, progress=lambda _, text: doing.append(text))
    first = [f"reference {name}" for name in WORKS.values()]
    assert doing[len(WORKS) :] == [*first, *reversed(first), ""]


def test_version_rolling_counts_every_version() -> None:
    watched = Watched()
    run = module._runs(watched, np.zeros((1, HEADER_BYTES), np.uint8))["search_versions"]
    assert run(1000) == 16 * watched.nonces == 1008
    [versions] = watched.versions
    assert len(set(versions)) == 16
    # BIP 320: the bits of 0x1fffe000 are free, the others are not
    assert len({version & ~0x1FFFE000 for version in versions}) == 1
    assert versions == VERSIONS


def test_more_headers_than_a_batch_holds_are_hashed_batch_by_batch() -> None:
    watched = Watched()
    assert module._runs(watched, np.zeros((300, HEADER_BYTES), np.uint8))["hash_headers"](700) == 700
    assert watched.batches == [300, 300, 100]


def test_a_measurement_takes_about_its_slice() -> None:
    run = module._runs(ReferenceBackend(), np.zeros((1, HEADER_BYTES), np.uint8))["search"]
    size = rounds._calibrate(run)
    # others may take the core in either of the two, but not in all of the later ones
    assert min(rounds._seconds(run, size) for _ in range(5)) < 10 * rounds.SLICE_SECONDS
    assert max(rounds._seconds(run, size) for _ in range(5)) > rounds.SLICE_SECONDS / 10


def interrupted(at: int, text: str) -> Benchmark:
    """Ctrl-C while the measurement after `at` others is under way."""

    def ctrl_c(done: int, doing: str) -> None:
        if done == at and text in doing:
            os.kill(os.getpid(), signal.SIGINT)

    return bench([ReferenceBackend()], rounds=2, progress=ctrl_c)


def test_an_interrupt_ends_it_with_what_was_measured() -> None:
    result = interrupted(5, "fingerprint")
    assert result.left == 2
    assert {r.work: len(r.samples) for r in result.rates} == dict(zip(WORKS, (1, 1, 2, 2), strict=True))


def test_what_was_not_measured_is_left_out() -> None:
    result = interrupted(1, "version rolling")
    assert [r.work for r in result.rates] == ["search", "search_versions"]
    assert result.left == 6


def test_an_interrupt_before_the_first_measurement() -> None:
    result = interrupted(0, "preparing")
    assert (result.rates, result.left) == ([], 8)


def test_a_chip_that_is_not_the_hosts_processor_has_no_cores_here() -> None:
    device = dataclasses.replace(find()[0], name="reference", hardware="pci:0000:00:00.0")
    result = bench([ReferenceBackend(device)], rounds=1)
    assert all(r.per_core is r.cycles_each is r.joules_each is None for r in result.rates)
    assert set(result.unavailable) == {"per_core", "cycles_per_hash", "joules_per_hash"}
    assert all(reasons["reference"] for reasons in result.unavailable.values())


def test_figures_from_samples() -> None:
    r = rates_of(
        [
            Sample(count=1000, seconds=2.0, cpu_seconds=4.0, hertz=1e9, joules=3.0),
            Sample(count=1000, seconds=1.0, cpu_seconds=2.0, hertz=2e9, joules=1.0),
            Sample(count=1000, seconds=4.0, cpu_seconds=2.0, hertz=1e9, joules=2.0),
        ]
    )
    assert r.rates == [500, 1000, 250]
    assert (r.median, r.spread) == (500, 1.5)
    assert r.per_core == 500
    assert r.cycles_each == 4e6
    assert r.joules_each == pytest.approx(6 / 3000)
    assert statistics.median(r.rates) != statistics.mean(r.rates)


def test_how_many_times_as_fast_is_judged_round_by_round() -> None:
    """A machine that slows down for everybody between two rounds does not change it."""

    def at(*hashes: int) -> Rates:
        return rates_of([Sample(n, 1.0, 1.0, None, None) for n in hashes])

    assert at(300, 30, 3000).times(at(100, 10, 1000)) == 3
    assert at(300, 30).times(at(100)) == 3
