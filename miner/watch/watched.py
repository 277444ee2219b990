"""A device at work that is watched: tested before it gets work, asked canaries, counted, and opened anew.

`Watched` is a `Worker`, so the loop that mines (`mining.py`) need not know.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...kernels.backend import Backend, DeviceError, Hits, QuorateError, UnavailableError
from ..job import Job
from ..status import Meter
from ..worker import Hit, Worker, check_hits, search
from .canary import SHARE, Canaries, watch_target
from .devices import Standing, State
from .isolated import close
from .load import Load
from .luck import Luck
from .selftest import self_test
from .sensors import Limit, Reading, power_meter, thermometer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at the sensors, and at whether a rest is over."""

COOLER = 5.0
"""Degrees below the limit at which a device may work again."""

LESS_POWER = 0.9
"""Of the limit on power, below which a device may work again."""


@dataclass(frozen=True, slots=True)
class Care:
    """How devices are looked after."""

    canaries: float = SHARE
    load: float = 100.0
    """Percent of the time that a device works."""

    hottest: float | None = None
    """Degrees Celsius above which a device rests."""

    most_watts: float | None = None


class Watched(Worker):
    """A device that `opened` opens, now and whenever it has to be opened anew.

    Belongs to one thread, but what it says of itself may be read from any.
    """

    def __init__(self, opened: Callable[[], Backend], care: Care, total: Meter) -> None:
        """`total` is the meter of all devices together. Raises what `opened` does."""
        super().__init__(opened())
        self.description = self.backend.device.description
        self.standing = Standing()
        self.hardware_errors = 0
        """Wrong or missing answers: false hits, canaries missed, too few hits, self-tests, crashes, hangs."""

        self.restarts = 0
        self.canaries = Canaries(care.canaries)
        self.luck = Luck()
        self.meter = Meter()
        self.celsius: float | None = None
        self.watts: float | None = None
        self.sensors = ""
        """Why a sensor is missing; empty where none is."""

        self._opened = opened
        self._total = total
        self._load = Load(care.load)
        self._tested = False
        self._busy = 0.0
        """Seconds of work since the last rest."""

        self._looked = 0.0
        self._thermometer: Reading | None = None
        self._power: Reading | None = None
        self._find_sensors(self.backend.device.hardware, care)
        self._heat = Limit(care.hottest, care.hottest - COOLER) if care.hottest is not None else None
        self._draw = Limit(care.most_watts, care.most_watts * LESS_POWER) if care.most_watts is not None else None

    def ready(self, ending: threading.Event) -> bool:
        """Wait until the device may have a window; False where `ending` came before."""
        self._load.rest(self._busy, ending)
        self._busy = 0.0
        while not ending.is_set():
            self._look()
            if self.standing.waits:
                ending.wait(LOOK_SECONDS)
            elif (self.standing.state is State.WELL or self._reopen()) and (self._tested or self._test()):
                return True
        return False

    def search(self, job: Job) -> list[Hit]:
        """The hits of a window, each checked. Raises `DeviceError` when the device failed or gave a wrong answer.

        The window is asked at the watch target, and now and then a canary goes before it.
        """
        asked = replace(job, target=watch_target(job.target, job.hashes))
        try:
            if canary := self.canaries.due(asked):
                self.canaries.check(canary, self._answer(canary.job))
            began = time.monotonic()
            answer = self._answer(asked)
            ended = time.monotonic()
            hits = check_hits(asked, answer, self.tally.device)
            self.luck.add(len(hits), job.hashes, asked.target)
            if self.luck.accused:
                raise DeviceError(self.luck.text)
        except _NoAnswerError as error:
            self._fails(str(error), wrong=False)
            raise
        except DeviceError as error:
            self._fails(str(error), wrong=True)
            raise
        self._busy = time.monotonic() - began
        wanted = [hit for hit in hits if int.from_bytes(hit.digest, "little") <= job.target]
        self._count(job, ended - began, len(wanted))
        for meter in (self.meter, self._total):
            meter.add(began, ended, job.hashes)
        return wanted

    def close(self) -> None:
        self.canaries.close()
        close(self.backend)

    def _answer(self, job: Job) -> list[tuple[int | None, Hits]]:
        try:
            return search(self.backend, job)
        except Exception as error:  # a driver fails in ways that its library never announced
            raise _NoAnswerError(str(error) or type(error).__name__) from error

    def _fails(self, reason: str, *, wrong: bool) -> None:
        self.hardware_errors += 1
        self.tally.error = reason
        self._tested = False
        self.standing.failed(reason, wrong=wrong)
        what = (
            f"benched for {self.standing.bench:.0f} s" if self.standing.state is State.BENCHED else "opened anew"
        )
        log.warning("%s is %s: %s", self.tally.device, what, reason)

    def _reopen(self) -> bool:
        self.restarts += 1
        close(self.backend)
        try:
            self.backend = self._opened()
        except QuorateError as error:
            self._fails(str(error), wrong=False)
            return False
        return True

    def _test(self) -> bool:
        try:
            self_test(self.backend)
        except DeviceError as error:
            self._fails(str(error), wrong=True)
            return False
        if self.standing.state is not State.WELL:
            log.info("%s passed its self-test and is back at work", self.tally.device)
            self.standing.well()
        self.tally.error = ""
        self.luck = Luck()
        self._tested = True
        return True

    def _find_sensors(self, hardware: str, care: Care) -> None:
        """Raises `UnavailableError` where there is a limit on what cannot be read."""
        missing = []
        try:
            self._thermometer = thermometer(hardware)
        except UnavailableError as error:
            if care.hottest is not None:
                raise UnavailableError(f"the temperature of {self.tally.device} cannot be read: {error}") from None
            missing.append(f"temperature: {error}")
        try:
            self._power = power_meter(hardware)
        except UnavailableError as error:
            if care.most_watts is not None:
                raise UnavailableError(f"the power of {self.tally.device} cannot be read: {error}") from None
            missing.append(f"power: {error}")
        self.sensors = "; ".join(missing)

    def _look(self) -> None:
        """Read the sensors, if it is time, and rest or work as they say."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        reasons = []
        if self._thermometer:
            self.celsius = self._thermometer()
            if self._heat and self._heat.stops(self.celsius, now):
                reasons.append(f"it is at {self.celsius:.0f} °C, and the limit is {self._heat.above:g}")
        if self._power:
            self.watts = self._power()
            if self._draw and self._draw.stops(self.watts, now):
                reasons.append(f"it takes {self.watts:.0f} W, and the limit is {self._draw.above:g}")
        if reasons and self.standing.state is State.WELL:
            self.standing.rests("; ".join(reasons))
            log.warning("%s rests: %s", self.tally.device, self.standing.reason)
        elif not reasons and self.standing.state is State.RESTING:
            self.standing.well()
            log.info("%s works again", self.tally.device)


class _NoAnswerError(DeviceError):
    """A device failed, which is another matter than a wrong answer."""
