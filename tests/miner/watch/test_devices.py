"""What becomes of a device that fails: opened anew, benched, tried again later, and forgiven in the end."""

from __future__ import annotations

import pytest

from quorate.miner.watch.devices import FIRST_BENCH, FORGIVEN, LONGEST_BENCH, RESTARTS, Standing, State


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_device_that_crashes_is_opened_anew_and_then_benched(clock: Clock) -> None:
    standing = Standing(clock)
    for _ in range(RESTARTS):
        standing.failed("it crashed", wrong=False)
        assert (standing.state, standing.reason) == (State.RESTARTING, "it crashed")
        standing.well()
        assert (standing.state, standing.reason) == (State.WELL, "")
    standing.failed("it crashed again", wrong=False)
    assert (standing.state, standing.reason) == (State.BENCHED, "it crashed again")


def test_a_wrong_answer_benches_at_once(clock: Clock) -> None:
    standing = Standing(clock)
    standing.failed("it lied", wrong=True)
    assert standing.state is State.BENCHED
    assert standing.waits
    clock.now += FIRST_BENCH
    assert not standing.waits


def test_each_time_on_the_bench_is_twice_as_long(clock: Clock) -> None:
    standing = Standing(clock)
    times = []
    for _ in range(9):
        standing.failed("it lied", wrong=True)
        times.append(standing.bench)
        clock.now += standing.bench
        standing.well()
    assert times[:4] == [FIRST_BENCH * factor for factor in (1, 2, 4, 8)]
    assert times[-1] == LONGEST_BENCH


def test_good_work_is_remembered(clock: Clock) -> None:
    standing = Standing(clock)
    standing.failed("it lied", wrong=True)
    standing.well()
    clock.now += FORGIVEN
    standing.failed("it crashed", wrong=False)
    assert standing.state is State.RESTARTING
    standing.failed("it lied", wrong=True)
    assert standing.bench == FIRST_BENCH


def test_a_device_that_rests_waits_until_it_is_told(clock: Clock) -> None:
    standing = Standing(clock)
    assert not standing.waits
    standing.rests("too hot")
    clock.now += LONGEST_BENCH
    assert (standing.waits, standing.state, standing.reason) == (True, State.RESTING, "too hot")
    standing.well()
    assert not standing.waits


def test_time_on_the_bench_is_no_good_work(clock: Clock) -> None:
    standing = Standing(clock)
    standing.failed("it lied", wrong=True)
    clock.now += FORGIVEN
    standing.failed("self-test", wrong=True)
    assert standing.bench == 2 * FIRST_BENCH
