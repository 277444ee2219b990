"""Mining: work in, solutions out; stale work ends at once and nothing is handed in twice, whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import pytest

from quorate.kernels.backend import Backend, Hits
from quorate.kernels.catalog import open_backend
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner import mining, space
from quorate.miner.events import Answered, Event, Failed, NewWork, Solved, Tick, Unanswered
from quorate.miner.mining import Miner
from quorate.miner.work import Answer, Outcome, Solution, SourceError, Work
from quorate.miner.worker import Worker

HARD = 1 << 190
EASY = 1 << 247
"""One hash in 512."""

WORK = Work(
    id="1",
    version=0x20000000,
    version_mask=0x1FFFE000,
    previous=bytes(32),
    time=1_700_000_000,
    time_last=1_700_000_000,
    bits=0x1D00FFFF,
    target=EASY,
    coinbase=(b"before", b"behind"),
    extranonce_bytes=4,
    branch=(),
)
BLOCK = replace(WORK, once=True)
ACCEPTED = Answer(Outcome.ACCEPTED)


class Feed:
    """A source that gives what the test tells it to give, and answers as the test says, after `delay` seconds."""

    name = "feed"

    def __init__(self, *works: Work, answer: Callable[[Solution], Answer] = lambda _: ACCEPTED) -> None:
        self.solutions: list[Solution] = []
        self.delay = 0.0
        self._answer = answer
        self._changed = threading.Condition()
        self._works = list(works)
        self._over: SourceError | None = None
        self._thread = ThreadPoolExecutor(1)

    def give(self, work: Work | SourceError) -> None:
        with self._changed:
            if isinstance(work, SourceError):
                self._over = work
            else:
                self._works.append(work)
            self._changed.notify_all()

    def work(self, after: Work | None, timeout: float) -> Work | None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or (self._works and self._works[-1] is not after), timeout)
            if self._over:
                raise self._over
            return self._works[-1] if self._works and self._works[-1] is not after else None

    def submit(self, solution: Solution) -> Future[Answer]:
        return self._thread.submit(self._take, solution)

    def _take(self, solution: Solution) -> Answer:
        self.solutions.append(solution)
        time.sleep(self.delay)
        return self._answer(solution)

    def close(self) -> None:
        self._thread.shutdown()


class Paced(ReferenceBackend):
    """Takes at least `seconds` for a window, and keeps when it began which."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.began: list[tuple[float, bytes]] = []

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        self.began.append((time.perf_counter(), header))
        time.sleep(self.seconds)
        return super().search(header, start, count, target)


@pytest.fixture(scope="module")
def cpu() -> Backend:
    backend = open_backend("cpu")
    backend.search(bytes(80), 0, 1000, 0)  # compiled, or loaded from the cache
    return backend


def mine(
    source: Feed,
    backends: list[Backend],
    until: Callable[[list[Event]], bool] = lambda _: False,
    limit: int | None = None,
    pace: float = 0.0,
    seconds: float = 20.0,
) -> tuple[Miner, list[Event]]:
    """Mine until the events are as wanted, or until the miner ends by itself; not longer than some seconds."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    events: list[Event] = []

    def listener(event: Event) -> None:
        events.append(event)
        if until(events):
            stop.set()

    miner = Miner(source, [Worker(backend) for backend in backends], limit, pace)
    try:
        miner.run(stop, listener)
    finally:
        timer.cancel()
        source.close()
    return miner, events


def of(kind: type[Event], events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def test_every_share_is_checked_handed_in_and_answered() -> None:
    source = Feed(WORK)
    miner, events = mine(source, [ReferenceBackend()], lambda events: len(of(Answered, events)) >= 20)
    headers = [solution.header for solution in source.solutions]
    assert len(set(headers)) == len(headers) >= 20
    for solution in source.solutions:
        assert solution.digest == sha256(sha256(solution.header).digest()).digest()
        assert int.from_bytes(solution.digest, "little") <= EASY
    report = miner.report
    assert report.accepted == len(headers) == len(of(Solved, events)) == len(of(Answered, events))
    assert report.accepted == report.tallies[0].hits
    assert report.hashes > 0 < report.rate
    assert events[0] == NewWork(WORK)


def test_two_devices_find_what_one_would_and_nothing_twice() -> None:
    source = Feed(WORK)
    backends: list[Backend] = [Paced(0.001), Paced(0.003)]
    mine(source, backends, lambda events: len(of(Answered, events)) >= 60)
    headers = [solution.header for solution in source.solutions]
    assert len(set(headers)) == len(headers)
    assert all(backend.began for backend in backends if isinstance(backend, Paced))


def test_new_work_stops_stale_work_within_100_ms(cpu: Backend) -> None:
    """Measured on the device: from the moment the source has new work to its first window of that work."""
    old, new = replace(WORK, target=HARD), replace(WORK, id="2", target=HARD, previous=bytes([7] * 32))

    class Watched(Paced):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            self.began.append((time.perf_counter(), header))
            return cpu.search(header, start, count, target)

        def search_versions(
            self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
        ) -> list[Hits]:
            self.began.append((time.perf_counter(), header))
            return cpu.search_versions(header, versions, start, count, target)

    def delay() -> float:
        source, device, given = Feed(old), Watched(0), 0.0

        def until(events: list[Event]) -> bool:
            nonlocal given
            if len(of(Tick, events)) == 8 and not given:  # windows have their full length by now
                given = time.perf_counter()
                source.give(new)
            return any(header[4:36] == new.previous for _, header in device.began)

        mine(source, [device], until)
        first = next(began for began, header in device.began if header[4:36] == new.previous)
        assert all(header[4:36] == new.previous for began, header in device.began if began > first)
        return first - given

    # The machine may be busy with other tests.
    assert min(delay() for _ in range(5)) < 0.1


def test_hits_of_replaced_work_are_stale_and_not_handed_in() -> None:
    """The window is under way while the new work comes."""
    new = replace(WORK, id="2", previous=bytes([7] * 32), target=HARD)
    source = Feed(WORK)

    class Late(Paced):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            if header[4:36] == WORK.previous:
                source.give(new)
                time.sleep(0.3)
            return super().search(header, start, count, target)

    miner, events = mine(source, [Late(0)], lambda events: len(of(Tick, events)) >= 8)
    assert source.solutions == []
    assert miner.report.stale == miner.report.tallies[0].hits > 0
    assert len(of(NewWork, events)) == 2


def test_hits_of_work_that_is_not_replaced_still_count() -> None:
    more = replace(WORK, id="2", replaces=False, target=HARD, time=WORK.time + 30, time_last=WORK.time + 30)
    source = Feed(WORK)

    class Late(Paced):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            if int.from_bytes(header[68:72], "little") == WORK.time:
                source.give(more)
                time.sleep(0.3)
            return super().search(header, start, count, target)

    miner, _ = mine(source, [Late(0)], lambda events: len(of(Tick, events)) >= 8)
    assert miner.report.stale == 0
    assert {solution.work.id for solution in source.solutions} == {"1"}


def test_one_solution_of_a_block_is_enough() -> None:
    source = Feed(replace(BLOCK, target=1 << 255))
    miner, _ = mine(source, [Paced(0), Paced(0)], lambda events: len(of(Tick, events)) >= 5)
    assert len(source.solutions) == 1
    assert (miner.report.accepted, miner.report.stale) == (1, 0)


def test_a_block_that_is_refused_is_tried_again_with_another_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "REST", 0.2)
    answers = iter([Answer(Outcome.REJECTED, "high-hash"), Answer(Outcome.STALE, "inconclusive"), ACCEPTED])
    source = Feed(BLOCK, answer=lambda _: next(answers))
    began = time.monotonic()
    miner, events = mine(source, [ReferenceBackend()], limit=1)
    assert time.monotonic() - began > 0.4
    assert len({solution.header for solution in source.solutions}) == 3
    report = miner.report
    assert (report.accepted, report.stale, dict(report.rejected)) == (1, 1, {"high-hash": 1})
    assert [event.answer.reason for event in events if isinstance(event, Answered)] == [
        "high-hash", "inconclusive", "",
    ]  # fmt: skip


def test_refusals_for_ever_are_no_storm() -> None:
    """Also where the source gives the same again under another name, as a template that is renewed."""
    works = iter(range(2, 1000))

    def refuse(_: Solution) -> Answer:
        source.give(replace(BLOCK, id=str(next(works)), replaces=False))
        return Answer(Outcome.REJECTED, "bad-cb-amount")

    source = Feed(BLOCK, answer=refuse)
    miner, _ = mine(source, [ReferenceBackend(), ReferenceBackend()], seconds=2.5)
    assert 2 <= len(source.solutions) <= 4
    assert miner.report.rejected == {"bad-cb-amount": len(source.solutions)}


def test_a_refusal_does_not_delay_work_that_replaces_the_refused() -> None:
    answers = iter([Answer(Outcome.STALE, "inconclusive"), ACCEPTED])
    source = Feed(BLOCK, answer=lambda _: next(answers))
    refused = 0.0

    def until(events: list[Event]) -> bool:
        nonlocal refused
        if isinstance(events[-1], Answered) and not refused:
            refused = time.monotonic()
            source.give(replace(BLOCK, id="2", previous=bytes([7] * 32)))
        return False

    miner, _ = mine(source, [ReferenceBackend()], until, limit=1)
    assert time.monotonic() - refused < 0.5
    assert [solution.work.id for solution in source.solutions] == ["1", "2"]
    assert (miner.report.accepted, miner.report.stale) == (1, 1)


def test_the_limit_is_not_passed_though_answers_take_long() -> None:
    """The next work is there before the answer to the solution of this one."""
    source = Feed(BLOCK)
    source.delay = 0.1

    def until(events: list[Event]) -> bool:
        if isinstance(events[-1], Solved):
            source.give(replace(BLOCK, id=str(len(events)), previous=bytes([len(events) % 256] * 32)))
        return False

    miner, _ = mine(source, [Paced(0), Paced(0)], until, limit=3)
    assert miner.report.accepted == len(source.solutions) == 3


def test_works_that_replace_each_other_keep_the_pace() -> None:
    source = Feed(BLOCK)

    def until(events: list[Event]) -> bool:
        if isinstance(events[-1], Answered):
            source.give(replace(BLOCK, id=str(len(events)), previous=bytes([len(events) % 256] * 32)))
        return False

    began = time.monotonic()
    miner, _ = mine(source, [ReferenceBackend()], until, limit=4, pace=0.3)
    assert 0.9 <= time.monotonic() - began < 10
    assert miner.report.accepted == 4


def test_a_source_that_is_lost_ends_the_run_with_its_sentence() -> None:
    source = Feed(WORK)

    def until(events: list[Event]) -> bool:
        if len(of(Tick, events)) == 2:
            source.give(SourceError("the node has gone away"))
        return False

    with pytest.raises(SourceError, match="gone away"):
        mine(source, [ReferenceBackend()], until)


def test_a_solution_that_cannot_be_taken_is_counted() -> None:
    def refuse(_: Solution) -> Answer:
        raise SourceError("no connection")

    source = Feed(WORK, answer=refuse)
    miner, events = mine(source, [ReferenceBackend()], lambda events: len(of(Unanswered, events)) >= 3)
    assert miner.report.unanswered == len(source.solutions) >= 3
    assert {event.reason for event in events if isinstance(event, Unanswered)} == {"no connection"}


def test_an_error_that_nobody_foresaw_ends_the_run() -> None:
    def broken(_: Solution) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mine(Feed(WORK, answer=broken), [ReferenceBackend()])


def test_a_device_that_lies_is_named_and_the_others_go_on() -> None:
    source = Feed(WORK)
    liar = Faulty(ReferenceBackend(), "false-hit")
    miner, events = mine(
        source,
        [liar, ReferenceBackend()],
        lambda events: bool(of(Failed, events)) and len(of(Answered, events)) >= 20,
    )
    [failed] = [event for event in events if isinstance(event, Failed)]
    assert failed.device == liar.device.name
    assert "hardware error" in failed.reason
    assert miner.report.errors == [f"{liar.device.name}: {failed.reason}"]
    assert all(int.from_bytes(solution.digest, "little") <= EASY for solution in source.solutions)


def test_the_window_of_a_device_that_fails_goes_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A work of a few thousand nonces: all that a miner has done in the end is all that there is."""
    monkeypatch.setattr(space, "NONCES", 20_000)
    work = replace(WORK, version_mask=0, extranonce_bytes=0)
    source = Feed(work)
    expected = ReferenceBackend().search(work.header(0, work.version, work.time), 0, 20_000, EASY)
    crashing = Faulty(ReferenceBackend(), "false-hit")
    mine(source, [crashing, Paced(0)], lambda events: len(of(Answered, events)) >= len(expected), seconds=10)
    assert sorted(solution.nonce for solution in source.solutions) == expected.nonces.tolist()


def test_the_run_ends_when_no_device_is_left() -> None:
    began = time.monotonic()
    miner, events = mine(Feed(WORK), [Faulty(ReferenceBackend(), "false-hit")])
    assert time.monotonic() - began < 15
    assert len(of(Failed, events)) == len(miner.report.errors) == 1


def test_a_listener_that_fails_leaves_no_thread() -> None:
    source = Feed(WORK)

    def broken(_: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Miner(source, [Worker(ReferenceBackend())]).run(threading.Event(), broken)
    source.close()
    assert not {"reference", "work"} & {thread.name for thread in threading.enumerate()}


def test_solutions_on_their_way_are_waited_for() -> None:
    source = Feed(BLOCK)
    source.delay = 0.2
    miner, events = mine(source, [ReferenceBackend()], lambda events: isinstance(events[-1], Solved))
    assert miner.report.accepted == 1
    assert isinstance(events[-1], Answered)


def test_an_answer_that_does_not_come_hardly_delays_the_end() -> None:
    source, stop = Feed(BLOCK), threading.Event()
    source.delay = 3
    ended = 0.0

    def listener(event: Event) -> None:
        nonlocal ended
        if isinstance(event, Solved):
            ended = time.monotonic()
            stop.set()

    report = Miner(source, [Worker(ReferenceBackend())]).run(stop, listener)
    assert time.monotonic() - ended < 0.9
    assert (report.accepted, report.unanswered) == (0, 1)
    source.close()


def test_a_worker_decides_whether_its_device_gets_another_chance() -> None:
    class Forgiving(Worker):
        """Opens its device anew, which does not crash again."""

        def ready(self, ending: threading.Event) -> bool:
            if self.tally.error:
                self.backend, self.tally.error = ReferenceBackend(), ""
            return super().ready(ending)

    class Crash(ReferenceBackend):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            raise ZeroDivisionError

    source, stop, events = Feed(WORK), threading.Event(), list[Event]()

    def listener(event: Event) -> None:
        events.append(event)
        if len(of(Answered, events)) >= 5:
            stop.set()

    report = Miner(source, [Forgiving(Crash())]).run(stop, listener)
    source.close()
    assert of(Failed, events) == [Failed("reference", "ZeroDivisionError")]
    assert (report.errors, report.accepted) == ([], len(source.solutions))
