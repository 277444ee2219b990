"""The same work on several devices."""

from __future__ import annotations

import pytest

from quorate.kernels.backend import DeviceError, UsageError
from quorate.kernels.evidence import VERDICT_FAULTS
from quorate.kernels.faulty import LIES, Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.compare import WINDOWS, compare
from quorate.miner.job import Job

HEADER = bytes(range(80))
JOB = Job(HEADER, 1 << 251, 500, 16_001)


def test_answers_are_those_of_the_whole_window() -> None:
    comparison = compare([ReferenceBackend(), ReferenceBackend()], JOB)
    assert comparison.findings == []
    for result in comparison.results:
        assert result.hits == ReferenceBackend().search(HEADER, JOB.start, JOB.count, JOB.target)
        assert result.fingerprint == ReferenceBackend().fingerprint(HEADER, JOB.start, JOB.count)
        assert result.hashes == JOB.count
        assert result.seconds > 0


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in ("slow", *VERDICT_FAULTS)])
def test_every_lie_is_named_and_the_liars_own_answer_is_shown(lie: str) -> None:
    honest, liar = compare([ReferenceBackend(), Faulty(ReferenceBackend(), lie)], JOB).results
    comparison = compare([ReferenceBackend(), Faulty(ReferenceBackend(), lie)], JOB)
    assert [(f.device, f.kind) for f in comparison.findings] == [(f"faulty:{lie}:reference", lie)]
    assert honest.hits == ReferenceBackend().search(HEADER, JOB.start, JOB.count, JOB.target)
    assert (liar.hits, liar.fingerprint) != (honest.hits, honest.fingerprint)
    assert bool(liar.failure) == (lie == "crash")


def test_slowness_shows_in_windows_long_enough_to_measure() -> None:
    job = Job(HEADER, 1 << 251, 0, WINDOWS * 4000)
    comparison = compare([ReferenceBackend(), Faulty(ReferenceBackend(), "slow")], job)
    assert [(f.device, f.kind) for f in comparison.findings] == [("faulty:slow:reference", "slow")]


@pytest.mark.parametrize("count", [0, 1, 5, 17])
def test_small_windows(count: int) -> None:
    comparison = compare([ReferenceBackend(), ReferenceBackend()], Job(HEADER, 1 << 255, 2**32 - count, count))
    assert comparison.findings == []
    assert [r.hashes for r in comparison.results] == [count, count]


def test_progress_ends_at_the_end() -> None:
    seen: list[int] = []
    compare([ReferenceBackend(), ReferenceBackend()], JOB, seen.append)
    assert seen[-1] == JOB.count
    assert len(seen) >= WINDOWS


def test_one_device_compares_with_nothing() -> None:
    with pytest.raises(UsageError, match="two or more devices"):
        compare([ReferenceBackend()], JOB)


def test_when_every_device_fails_that_is_an_error() -> None:
    with pytest.raises(DeviceError, match="every member"):
        compare([Faulty(ReferenceBackend(), "crash"), Faulty(ReferenceBackend(), "crash")], JOB)
