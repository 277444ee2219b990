"""From what happens while mining, and from the devices that are watched, to a picture of it all."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...chain.pow import bits_to_target
from ...kernels.backend import UsageError
from ..events import Answered, Event, NewWork, Solved
from ..status import DeviceStatus, Meter, Status
from ..work import Answer, Outcome, Work
from .luck import chance_of_so_few
from .watched import Watched


@dataclass(slots=True)
class Answers:
    """What the source said of one device's solutions."""

    accepted: int = 0
    stale: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By reason."""


class Observer:
    """Hears of every event, and says at any time and in any thread how mining goes."""

    def __init__(self, source: str, devices: Sequence[Watched], total: Meter) -> None:
        """`source` is its name for people; `total` is the meter of all devices together."""
        self._source = source
        self._devices = devices
        self._total = total
        self._lock = threading.Lock()
        self._work = ""
        self._target = self._block_target = 0
        self._best: int | None = None
        self._answers = {device.tally.device: Answers() for device in devices}

    def hear(self, event: Event) -> None:
        with self._lock:
            match event:
                case NewWork(work):
                    self._work, self._target, self._block_target = work.id, work.target, _block_target(work)
                case Solved(solution):
                    digest = int.from_bytes(solution.digest, "little")
                    self._best = digest if self._best is None else min(self._best, digest)
                case Answered(device=name, answer=answer):
                    _count(self._answers[name], answer)

    def status(self) -> Status:
        now = time.monotonic()
        with self._lock:
            rejected: Counter[str] = sum((answers.rejected for answers in self._answers.values()), Counter())
            return Status(
                time=time.time(),
                seconds=now - self._total.began,
                source=self._source,
                work=self._work,
                target=self._target,
                block_target=self._block_target,
                rates=self._total.rates(now),
                hashes=self._total.hashes,
                accepted=sum(answers.accepted for answers in self._answers.values()),
                stale=sum(answers.stale for answers in self._answers.values()),
                rejected=dict(rejected),
                best_digest=self._best,
                devices=tuple(
                    _device(device, self._answers[device.tally.device], now) for device in self._devices
                ),
            )


def _block_target(work: Work) -> int:
    try:
        return bits_to_target(work.bits)
    except UsageError:  # a pool may say anything, and it is the target of its shares that counts
        return 0


def _count(answers: Answers, answer: Answer) -> None:
    match answer.outcome:
        case Outcome.ACCEPTED:
            answers.accepted += 1
        case Outcome.STALE:
            answers.stale += 1
        case Outcome.REJECTED:
            answers.rejected[answer.reason] += 1


def _device(device: Watched, answers: Answers, now: float) -> DeviceStatus:
    luck = device.luck
    return DeviceStatus(
        name=device.tally.device,
        description=device.description,
        state=device.standing.state.value,
        reason=device.standing.reason,
        rates=device.meter.rates(now),
        hashes=device.tally.hashes,
        windows=device.tally.windows,
        accepted=answers.accepted,
        stale=answers.stale,
        rejected=dict(answers.rejected),
        hardware_errors=device.hardware_errors,
        canaries=device.canaries.asked,
        missed_canaries=device.canaries.missed,
        restarts=device.restarts,
        hits=luck.hits,
        expected_hits=luck.expected,
        luck=chance_of_so_few(luck.hits, luck.expected),
        celsius=device.celsius,
        watts=device.watts,
        sensors=device.sensors,
    )
