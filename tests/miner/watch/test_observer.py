"""Miners whose devices are watched: liars among honest devices are found, counted and benched, and all is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from quorate.kernels.backend import Backend
from quorate.kernels.cpu import find, open_device
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner import worker
from quorate.miner.events import Event, Failed
from quorate.miner.mining import Miner
from quorate.miner.status import Meter, Status
from quorate.miner.watch import devices, watched
from quorate.miner.watch.observer import Observer
from quorate.miner.watch.watched import Care, Watched

from .liars import Disguised, Pool

LIMIT_SECONDS = 60.0
OFTEN = Care(canaries=0.1)
"""So that a test need not wait for minutes; `test_watched.py` shows the time to detection at the default share."""


@pytest.fixture(scope="module")
def fast() -> Backend:
    """The processor where its kernels run; else the reference."""
    return open_device(find()[0]) if find()[0].available else ReferenceBackend()


def mine(
    opened: list[Callable[[], Backend]], enough: Callable[[Status], bool], care: Care = OFTEN
) -> tuple[Status, list[Event], Pool]:
    """Mine on these devices until the status is enough."""
    pool, stop, total, events = Pool(), threading.Event(), Meter(), list[Event]()
    with ExitStack() as stack:
        workers = [stack.enter_context(closing(Watched(open_one, care, total))) for open_one in opened]
        observer = Observer("a pool", workers, total)

        def listener(event: Event) -> None:
            events.append(event)
            observer.hear(event)
            for watched_one in workers:
                if isinstance(watched_one.backend, Disguised):
                    watched_one.backend.has_work = watched_one.tally.windows > 0
            if enough(observer.status()) or time.monotonic() - total.began > LIMIT_SECONDS:
                stop.set()

        Miner(pool, workers).run(stop, listener)
        return observer.status(), events, pool


KEPT = ("missed canary", "too few hits")
REASONS = {
    "false-hit": ("which is no hit",),
    "withheld-hit": KEPT,
    "late-onset": KEPT,
    "intermittent": KEPT,
    "crash": ("crashed on purpose",),
}


@pytest.mark.parametrize("lie", REASONS)
def test_a_liar_among_honest_devices_is_benched(lie: str, fast: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WINDOW_SECONDS", 0.01)
    seen: list[int] = []

    def enough(status: Status) -> bool:
        """The liar is benched, and the others went on for a while."""
        if status.devices[0].state == "benched":
            seen.append(status.devices[1].windows)
        return bool(seen) and status.devices[1].windows > seen[0] + 3

    status, events, pool = mine([lambda: Disguised(fast, lie), ReferenceBackend], enough)
    liar, honest = status.devices
    assert (liar.state, honest.state) == ("benched", "well")
    assert any(said in liar.reason for said in REASONS[lie])
    assert liar.hardware_errors >= 1
    assert (liar.missed_canaries > 0) == liar.reason.startswith("missed canary")
    assert (honest.hardware_errors, honest.missed_canaries, honest.restarts, honest.reason) == (0, 0, 0, "")
    failures = [event for event in events if isinstance(event, Failed)]
    assert {event.device for event in failures} == {liar.name}
    assert len(failures) <= liar.hardware_errors
    assert len({solution.header for solution in pool.solutions}) == len(pool.solutions)
    assert all(int.from_bytes(solution.digest, "little") <= pool.only.target for solution in pool.solutions)


@pytest.mark.parametrize("lie", ["flipped-bit", "slow"])
def test_a_liar_whom_the_self_test_finds_never_gets_work(lie: str) -> None:
    status, _, _ = mine(
        [lambda: Faulty(ReferenceBackend(), lie), ReferenceBackend],
        lambda status: status.devices[0].state == "benched" and status.devices[1].windows > 3,
    )
    assert status.devices[0].state == "benched"
    assert status.devices[0].hashes == 0
    assert status.devices[1].hashes == status.hashes > 0


def test_the_picture_is_right(fast: Backend) -> None:
    status, _, pool = mine([lambda: fast, ReferenceBackend], lambda s: s.accepted >= 5 and s.seconds > 1.5)
    assert status.source == "a pool"
    assert (status.work, status.target) == ("7", pool.only.target)
    assert status.block_target == 0xFFFF << 208
    assert status.accepted + status.rejected["low-difficulty"] == len(pool.solutions)
    assert status.accepted == sum(device.accepted for device in status.devices)
    assert status.best_digest == min(int.from_bytes(s.digest, "little") for s in pool.solutions)
    assert status.hashes == sum(device.hashes for device in status.devices)
    for device in status.devices:
        assert device.state == "well"
        assert abs(device.hits - device.expected_hits) < 6 * device.expected_hits**0.5 + 6
        assert 1e-6 < device.luck < 1 - 1e-6
    assert status.rates["10 s"].hashes_per_second == pytest.approx(
        sum(device.rates["10 s"].hashes_per_second for device in status.devices), rel=0.01
    )


def test_all_devices_benched_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may come back, and does."""
    monkeypatch.setattr(devices, "FIRST_BENCH", 0.3)
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.02)
    answers: Iterator[Backend] = iter([Faulty(ReferenceBackend(), "withheld-hit"), ReferenceBackend()])
    status, _, _ = mine([lambda: next(answers)], lambda status: status.devices[0].windows > 1)
    assert (status.devices[0].state, status.devices[0].hardware_errors, status.devices[0].restarts) == (
        "well",
        1,
        1,
    )
    assert status.hashes > 0
