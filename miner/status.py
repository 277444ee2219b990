"""What a miner shows of itself: one picture at one moment, for the terminal, the API and the summary."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SPANS = {"10 s": 10, "1 min": 60, "15 min": 900}
"""Over what rates are taken, in seconds."""

PARTS = 10
"""Into how many equal parts a span is cut for its spread."""

DIFFICULTY_1 = 0xFFFF << 208
"""The target at difficulty 1."""


@dataclass(frozen=True, slots=True)
class Rate:
    hashes_per_second: float
    """The mean over the span, or over the time since mining began where that is shorter."""

    spread: float | None
    """(highest − lowest) / mean of the span's ten parts; None until there are as many."""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    name: str
    description: str
    state: str
    """One of `State` in `miner/watch/devices.py`."""

    reason: str
    """Why it is not well; empty while it is."""

    rates: Mapping[str, Rate]
    hashes: int
    windows: int
    accepted: int
    stale: int
    rejected: Mapping[str, int]
    """By reason."""

    hardware_errors: int
    canaries: int
    """How many it was asked."""

    missed_canaries: int
    restarts: int
    hits: int
    """At the watch target (`miner/watch/canary.py`), each checked."""

    expected_hits: float
    luck: float
    """The chance that an honest device has so few hits."""

    celsius: float | None
    watts: float | None
    sensors: str
    """Why a sensor is missing; empty where none is."""


@dataclass(frozen=True, slots=True)
class Status:
    """A miner at one moment."""

    time: float
    """Unix seconds."""

    seconds: float
    """Since mining began."""

    source: str
    work: str
    """The id of the work at hand; empty while there is none."""

    target: int
    """Of the source: what solutions have to meet. 0 while there is no work."""

    block_target: int
    """Of a block; 0 where that is not known."""

    rates: Mapping[str, Rate]
    hashes: int
    accepted: int
    stale: int
    rejected: Mapping[str, int]
    best_digest: int | None
    """The lowest digest handed in so far, as a number; None before the first."""

    devices: tuple[DeviceStatus, ...] = field(default=())

    @property
    def rate(self) -> float:
        """Hashes a second, over the last minute."""
        return self.rates["1 min"].hashes_per_second

    @property
    def best_difficulty(self) -> float:
        """Of the lowest digest, in multiples of difficulty 1; 0 before the first."""
        return difficulty(self.best_digest) if self.best_digest is not None else 0.0

    @property
    def seconds_to_block(self) -> float | None:
        """How long a block takes on average at this rate; None where that is not known, or nothing is hashed."""
        if not self.rate or not self.block_target:
            return None
        return (1 << 256) / (self.block_target + 1) / self.rate

    @property
    def hardware_errors(self) -> int:
        return sum(device.hardware_errors for device in self.devices)

    def to_json(self) -> dict[str, Any]:
        """Plain data; targets as 64 hex digits, highest first."""
        document = asdict(self)
        document["target"] = f"{self.target:064x}"
        document["block_target"] = f"{self.block_target:064x}"
        del document["best_digest"]
        document["best_difficulty"] = self.best_difficulty
        document["difficulty"] = difficulty(self.target)
        document["network_difficulty"] = difficulty(self.block_target)
        document["seconds_to_block"] = self.seconds_to_block
        document["hardware_errors"] = self.hardware_errors
        document["devices"] = list(document["devices"])
        return document


def difficulty(target: int) -> float:
    """How many times as hard as difficulty 1 it is to get down to this target; 0 for 0, which is none."""
    return DIFFICULTY_1 / target if target else 0.0


class Meter:
    """Rates of late, from windows as they are done. Thread-safe."""

    def __init__(self, now: float | None = None) -> None:
        """Mining begins `now`, in seconds of `time.monotonic`."""
        self.began = time.monotonic() if now is None else now
        self.hashes = 0
        self._lock = threading.Lock()
        self._seconds: deque[tuple[int, float]] = deque()
        """Hashes in each second that had any, by the number of seconds since it began."""

    def add(self, began: float, ended: float, hashes: int) -> None:
        """A window of work, spread evenly over the time that it took."""
        pace = hashes / max(ended - began, 1e-9)
        at = max(0.0, began - self.began)
        end = max(at + 1e-9, ended - self.began)
        with self._lock:
            self.hashes += hashes
            for second in range(int(at), int(end) + 1):
                part = min(end, second + 1) - max(at, second)
                self._credit(second, pace * part)
            while self._seconds and self._seconds[0][0] < int(end) - max(SPANS.values()) - 1:
                self._seconds.popleft()

    def rates(self, now: float) -> dict[str, Rate]:
        """By span. The second at hand is not yet over and left out, unless it is the first."""
        passed = now - self.began
        whole = int(passed)
        if whole < 1:
            rate = Rate(self.hashes / passed if passed > 0 else 0.0, None)
            return dict.fromkeys(SPANS, rate)
        with self._lock:
            return {name: self._rate(whole, span) for name, span in SPANS.items()}

    def _rate(self, end: int, span: int) -> Rate:
        seconds = min(span, end)
        counts = [0.0] * PARTS
        for second, hashes in self._seconds:
            if end - seconds <= second < end:
                counts[(second - (end - seconds)) * PARTS // seconds] += hashes
        mean = sum(counts) / seconds
        if seconds < span or not mean:
            return Rate(mean, None)
        return Rate(mean, (max(counts) - min(counts)) / (mean * seconds / PARTS))

    def _credit(self, second: int, hashes: float) -> None:
        """Windows overlap where several devices share a meter, so the second may be one of the last few."""
        later = []
        while self._seconds and self._seconds[-1][0] > second:
            later.append(self._seconds.pop())
        if self._seconds and self._seconds[-1][0] == second:
            hashes += self._seconds.pop()[1]
        self._seconds.append((second, hashes))
        self._seconds.extend(reversed(later))
