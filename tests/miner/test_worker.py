"""One device at work: the right size of window, hits that are hits, and version rolling where it pays."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from quorate.kernels.backend import Backend, DeviceError, Hits
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.job import Job, rolled_versions
from quorate.miner.worker import FIRST_WINDOW, WINDOW_SECONDS, Worker, check_hits

HEADER = bytes(range(80))
TARGET = 1 << 247  # one nonce in 512
JOB = Job(HEADER, TARGET, 1000, 60_000)
VERSIONS = rolled_versions(HEADER, 16)


class Paced(ReferenceBackend):
    """So many hashes a second, by sleeping instead of hashing, which no machine is too busy for."""

    def __init__(self, scanning: float, rolling: float) -> None:
        super().__init__()
        self.scanning, self.rolling = scanning, rolling

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        time.sleep(count / self.scanning)
        return Hits(start, count, np.empty(0, np.uint32))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        time.sleep(len(versions) * count / self.rolling)
        return [Hits(start, count, np.empty(0, np.uint32)) for _ in versions]


def work(worker: Worker, windows: int) -> list[bool]:
    """Whether versions were rolled, window by window."""
    rolled = []
    for _ in range(windows):
        rolls = worker.rolls
        rolled.append(rolls)
        versions = VERSIONS if rolls else ()
        worker.search(Job(HEADER, 0, 0, worker.size(rolls) // (len(versions) or 1), versions))
    return rolled


def test_a_false_hit_is_not_believed() -> None:
    liar: Backend = Faulty(ReferenceBackend(), "false-hit")
    with pytest.raises(DeviceError, match=r"hardware error: faulty:false-hit:reference reported nonce \d+"):
        check_hits(JOB, [(None, liar.search(HEADER, 1000, 600, TARGET))], liar.device.name)


def test_what_was_done_is_counted_and_a_failure_is_kept() -> None:
    worker = Worker(ReferenceBackend())
    hits = worker.search(JOB)
    assert [hit.nonce for hit in hits] == ReferenceBackend().search(HEADER, 1000, 60_000, TARGET).nonces.tolist()
    tally = worker.tally
    assert (tally.windows, tally.hashes, tally.hits, tally.error) == (1, 60_000, len(hits), "")
    assert tally.rate > 0
    failing = Worker(Faulty(ReferenceBackend(), "false-hit"))
    with pytest.raises(DeviceError, match="hardware error"):
        failing.search(JOB)
    assert "hardware error" in failing.tally.error
    assert failing.tally.hashes == 0


def test_windows_grow_to_the_length_that_is_wanted() -> None:
    worker = Worker(Paced(1e6, 1e6))
    assert worker.size(rolling=False) == FIRST_WINDOW
    work(worker, 3)
    assert WINDOW_SECONDS / 2 < worker.size(rolling=False) / 1e6 < WINDOW_SECONDS * 1.5


@pytest.mark.parametrize(("rolling", "gains"), [(2e6, True), (0.5e6, False)])
def test_versions_are_rolled_by_devices_that_gain_by_it(rolling: float, gains: bool) -> None:
    rolled = work(Worker(Paced(1e6, rolling)), 16)
    assert not any(rolled[:3]), "scanning is measured first"
    assert any(rolled), "rolling is tried in any case"
    assert rolled[-3:] == [gains] * 3


def test_rolling_is_not_tried_while_windows_are_short() -> None:
    """A kernel may have to be compiled for it."""
    worker = Worker(Paced(1e6, 2e6))
    for _ in range(10):
        worker.search(Job(HEADER, 0, 0, 100))
    assert not worker.rolls
