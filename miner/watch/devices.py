"""How a device is, and what becomes of one that fails.

A device that failed is opened anew. One that fails again and again, or gave a wrong answer, is benched: it rests
for a while, twice as long each time, and then gets another chance, which begins with a self-test.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

RESTARTS = 2
"""How often in a row a device is opened anew at once before it is benched."""

FIRST_BENCH = 60.0
LONGEST_BENCH = 3600.0
"""Seconds on the bench: the first time, and at most."""

FORGIVEN = 3600.0
"""After so many seconds of good work, what a device did before no longer counts against it."""


class State(StrEnum):
    WELL = "well"
    RESTARTING = "restarting"
    BENCHED = "benched"
    RESTING = "resting"
    """Too hot, or over its power."""


class Standing:
    """Whether a device may work. Not thread-safe: it belongs to the thread of its device."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = State.WELL
        self.reason = ""
        """Why it is not well, in a sentence; empty while it is."""

        self.bench = 0.0
        """How long it sits on the bench, or sat last, in seconds."""

        self._until = 0.0

        self._clock = clock
        self._failures = 0
        self._benches = 0
        self._since = clock()

    def failed(self, reason: str, *, wrong: bool) -> None:
        """It gave a wrong answer, or none. `RESTARTING` asks to open it anew now, `BENCHED` to do so later."""
        now = self._clock()
        if self.state is State.WELL and now - self._since >= FORGIVEN:
            self._failures = self._benches = 0
        self.reason = reason
        self._failures += 1
        if not wrong and self._failures <= RESTARTS:
            self.state = State.RESTARTING
            return
        self.state = State.BENCHED
        self.bench = min(LONGEST_BENCH, FIRST_BENCH * 2**self._benches)
        self._until = now + self.bench
        self._benches += 1

    def well(self) -> None:
        """It passed its self-test, or is cool again."""
        self.state = State.WELL
        self.reason = ""
        self._since = self._clock()

    def rests(self, reason: str) -> None:
        self.state = State.RESTING
        self.reason = reason

    @property
    def waits(self) -> bool:
        """Whether it may neither work nor try to."""
        return self.state is State.RESTING or (self.state is State.BENCHED and self._clock() < self._until)
