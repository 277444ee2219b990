"""What has come of the shares, and what the pools did wrong: counted, in bounded memory."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import Future
from copy import deepcopy
from dataclasses import dataclass, field

from ..work import Answer, Outcome
from .lines import Fault

MAX_REASONS = 50
"""Different reasons that are kept apart; more are counted as `other reasons`."""


@dataclass(slots=True)
class Tally:
    """Counts since the source was opened, of all pools together."""

    accepted: int = 0
    stale: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By the pool's reason."""

    unanswered: int = 0
    """Shares of which no pool said what became of them."""

    connections: int = 0
    """How often a pool began to give work."""

    faults: Counter[Fault] = field(default_factory=Counter)


class Counting:
    """A tally that one thread adds to and others read."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._lock = threading.Lock()

    def snapshot(self) -> Tally:
        with self._lock:
            return deepcopy(self._tally)

    def connected(self) -> None:
        with self._lock:
            self._tally.connections += 1

    def fault(self, fault: Fault) -> None:
        with self._lock:
            self._tally.faults[fault] += 1

    def share(self, future: Future[Answer]) -> None:
        """Count what a share's future holds; it is done."""
        with self._lock:
            if future.exception() is not None:
                self._tally.unanswered += 1
                return
            answer = future.result()
            match answer.outcome:
                case Outcome.ACCEPTED:
                    self._tally.accepted += 1
                case Outcome.STALE:
                    self._tally.stale += 1
                case Outcome.REJECTED:
                    reasons = self._tally.rejected
                    known = answer.reason in reasons or len(reasons) < MAX_REASONS
                    reasons[answer.reason if known else "other reasons"] += 1
