"""Ctrl-C as a request, answered between two windows of nonces."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
