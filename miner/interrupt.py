"""Ctrl-C as a request, answered between two windows of nonces, or while something else takes its time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")

LOOK_SECONDS = 0.02


@contextmanager
def interrupt_requested() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets instead of raising. Only the main thread can arrange that."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    before = signal.signal(signal.SIGINT, lambda *_: requested.set())
    try:
        yield requested
    finally:
        signal.signal(signal.SIGINT, before)


def unless_stopped(act: Callable[[], Result], stop: threading.Event) -> Result | None:
    """What `act` returns, or raises; None when `stop` is set first, and `act` is left to itself.

    For what no signal interrupts, as the search for a host's address.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(act())
        except BaseException as error:  # noqa: BLE001  whoever waits for the result gets it
            future.set_exception(error)

    threading.Thread(target=run, name="opening", daemon=True).start()
    while not future.done():
        if stop.wait(LOOK_SECONDS):
            return None
    return future.result()
