"""Mining: devices search the work of a source, and what they find goes back to it, until somebody says stop.

Each device has a thread that takes windows of the space of the current work (`space.py`); one more thread waits
for new work and puts it in place of the old, so that stale work ends with the windows at hand. The thread that
runs the miner hears of all that happens, and no other thread waits for it unless it falls far behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from ..kernels.backend import DeviceError
from .events import Answered, Event, Failed, NewWork, Report, Solved, Tick, Unanswered
from .space import Space, Window
from .work import Answer, Outcome, Solution, Source, SourceError, Work
from .worker import Worker

TICK = 0.1
"""Seconds between two looks at the clock: at whether to stop, and at whether the next work may begin."""

LAST_ANSWERS = 0.4
"""Seconds from the end to the last answers that still count: whoever wants to stop waits for them too."""

REST = 1.0
"""Seconds from a refusal, where one solution is enough, until the same is tried again: the reason may last."""

MOST_UNHEARD = 1000
"""Events that nobody has heard of yet, until devices wait: with the easiest targets they would fill the memory."""

MOST_HITS = 16
"""Expected in a window at most: where a few hashes make a hit, more would be more than anybody can use."""


class Miner:
    """Devices and a source of work, for one run."""

    def __init__(
        self, source: Source, workers: Sequence[Worker], limit: int | None = None, pace: float = 0.0
    ) -> None:
        """Ends after `limit` accepted solutions, if given, and never asks for one more than that.

        Two works that replace each other begin at least `pace` seconds apart.
        """
        self._source = source
        self._workers = workers
        self._limit = limit
        self._pace = pace
        self.report = Report([worker.tally for worker in workers])

        self._events: SimpleQueue[Event] = SimpleQueue()
        self._ending = threading.Event()
        self._state = threading.Condition()
        """Guards everything below and the report's counts."""

        self._newest: Space | None = None
        self._current: Space | None = None
        """What devices work on: the newest, or nothing."""

        self._alive: list[Space] = []
        """Those whose solutions still count."""

        self._pending = 0
        self._begins = 0.0
        """When the next work may begin, by `time.monotonic`."""

        self._rests = 0.0
        """When more of what was refused may be tried, unless other work has replaced it."""

        self._fault: BaseException | None = None

    def run(self, stop: threading.Event, listener: Callable[[Event], None]) -> Report:
        """Mine until `stop` is set, the limit is reached, or no worker is left. `listener` hears of every event.

        Answers that are on their way in the end are waited for, until `LAST_ANSWERS` seconds later. Raises
        `SourceError` when the source has no more work, and what `listener` raises; `report` is good in any case.
        """
        began = time.monotonic()
        threads = [self._thread(worker.tally.device, self._mine, worker) for worker in self._workers]
        feeder = self._thread("work", self._fetch)
        for thread in (*threads, feeder):
            thread.start()
        try:
            ticked = began
            while not (stop.is_set() or self._done() or not any(thread.is_alive() for thread in threads)):
                self._tell(listener, TICK)
                self.report.seconds = time.monotonic() - began
                if time.monotonic() - ticked >= TICK:
                    ticked = time.monotonic()
                    self._change()
                    listener(Tick())
        finally:
            end = time.monotonic() + LAST_ANSWERS
            self._ending.set()
            with self._state:
                self._state.notify_all()
            for thread in (*threads, feeder):
                thread.join()
            with self._state:
                self._state.wait_for(lambda: not self._pending, max(0.0, end - time.monotonic()))
                self.report.unanswered += self._pending
            self.report.seconds = time.monotonic() - began
        self._tell(listener, 0)
        if self._fault:
            raise self._fault
        return self.report

    def _tell(self, listener: Callable[[Event], None], timeout: float) -> None:
        """Pass on the events that there are by now; wait for the first of them."""
        try:
            event = self._events.get(timeout=timeout)
        except Empty:
            return
        listener(event)
        for _ in range(self._events.qsize()):
            listener(self._events.get_nowait())

    def _done(self) -> bool:
        with self._state:
            return self._fault is not None or (self._limit is not None and self.report.accepted >= self._limit)

    def _thread(self, name: str, work: Callable[..., None], *arguments: object) -> threading.Thread:
        """A thread whose unforeseen errors end the run."""

        def guarded() -> None:
            try:
                work(*arguments)
            except BaseException as error:  # noqa: BLE001  `run` raises it
                self._fail(error)

        return threading.Thread(target=guarded, name=name)

    def _fail(self, error: BaseException) -> None:
        with self._state:
            self._fault = self._fault or error

    # What the thread that waits for work does.

    def _fetch(self) -> None:
        newest: Work | None = None
        while not self._ending.is_set():
            work = self._source.work(newest, TICK)
            if work is None:
                continue
            newest = work
            with self._state:
                if work.replaces:
                    for space in self._alive:
                        space.stale = True
                    self._alive.clear()
                    self._current = None
                    self._rests = 0.0
                self._newest = Space(work)
                self._alive.append(self._newest)
                self._choose()
            self._events.put(NewWork(work))

    def _change(self) -> None:
        with self._state:
            self._choose()

    def _choose(self) -> None:
        """Let the newest work begin if it may. The state is held."""
        space = self._newest
        if space is None or space is self._current:
            return
        now = time.monotonic()
        enough = (
            self._limit is not None and space.work.once and self.report.accepted + self._pending >= self._limit
        )
        if enough or space.solved or now < max(self._begins, self._rests):
            return
        self._current = space
        if space.work.replaces:
            self._begins = now + self._pace
        self._state.notify_all()

    # What the thread of each device does.

    def _mine(self, worker: Worker) -> None:
        while worker.ready(self._ending) and (taken := self._take(worker)):
            space, window = taken
            try:
                hits = worker.search(window.job)
            except DeviceError as error:
                space.give_back(window)
                self._events.put(Failed(worker.tally.device, str(error)))
                continue
            for hit in hits:
                self._hand_in(space, window.solution(hit), worker.tally.device)

    def _take(self, worker: Worker) -> tuple[Space, Window] | None:
        """A window of the current work, as soon as there is one; None in the end."""
        while not self._ending.is_set():
            if self._events.qsize() > MOST_UNHEARD:
                self._ending.wait(TICK / 10)
                continue
            space = self._current
            if space is not None:
                rolling = worker.rolls and space.work.version_mask != 0
                affordable = MOST_HITS * (1 << 256) // (space.work.target + 1)
                window = space.take(min(worker.size(rolling), affordable), rolling)
                if window is not None:
                    return space, window
            with self._state:
                if self._current is space and not self._ending.is_set():
                    self._state.wait(TICK)  # for other work, or for a window that another device holds
        return None

    def _hand_in(self, space: Space, solution: Solution, device: str) -> None:
        with self._state:
            if space.solved:
                return
            if space.stale:
                self.report.stale += 1
                return
            if space.work.once:
                space.solved = True
                if self._current is space:
                    self._current = None
            self._pending += 1
        self._events.put(Solved(solution, device))
        future = self._source.submit(solution)
        future.add_done_callback(lambda future: self._answered(space, solution, device, future))

    # What the source's thread does.

    def _answered(self, space: Space, solution: Solution, device: str, future: Future[Answer]) -> None:
        fault = future.exception()
        event: Event
        with self._state:
            self._pending -= 1
            if fault is None:
                answer = future.result()
                event = Answered(solution, device, answer)
                self._count(answer)
            else:
                event = Unanswered(solution, device, str(fault))
                self.report.unanswered += 1
            if space.solved and (fault is not None or answer.outcome is not Outcome.ACCEPTED):
                space.solved = False
                if not space.stale:
                    self._rests = time.monotonic() + REST
            self._choose()
            self._state.notify_all()
        self._events.put(event)
        if fault is not None and not isinstance(fault, SourceError):
            self._fail(fault)

    def _count(self, answer: Answer) -> None:
        match answer.outcome:
            case Outcome.ACCEPTED:
                self.report.accepted += 1
            case Outcome.STALE:
                self.report.stale += 1
            case Outcome.REJECTED:
                self.report.rejected[answer.reason] += 1
