"""Calls to a chain from many threads, made by one.

The chain's database belongs to the thread that opened it. That thread calls `run`; all others call `call`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TypeVar

from ..chainstate import Chainstate

Result = TypeVar("Result")

_WAKE_SECONDS = 0.5
"""How long `run` sleeps at most: a signal that comes in the moment before it falls asleep does not wake it."""


class StoppedError(Exception):
    """The chain answers no more."""


class ChainCalls:
    """A queue of calls, answered in the order in which they come."""

    def __init__(self, chain: Chainstate) -> None:
        self._chain = chain
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._stopped = False

    def call(self, function: Callable[[Chainstate], Result]) -> Result:
        """What `function` returns or raises in the chain's thread. `StoppedError` after `run` has ended."""
        future: Future[Result] = Future()

        def answer() -> None:
            try:
                future.set_result(function(self._chain))
            except Exception as error:  # noqa: BLE001  it is raised where it was asked for
                future.set_exception(error)

        with self._lock:
            if self._stopped:
                raise StoppedError
            self._waiting.put(answer)
        return future.result()

    def run(self) -> None:
        """Answer until `stop`; what was asked for before that is answered still."""
        while True:
            try:
                answer = self._waiting.get(timeout=_WAKE_SECONDS)
            except Empty:
                continue
            if answer is None:
                break
            answer()
        with self._lock:
            self._stopped = True
        while not self._waiting.empty():
            late = self._waiting.get()
            if late:
                late()

    def stop(self) -> None:
        """End `run`. A signal's handler may call this: it takes no lock."""
        self._waiting.put(None)
