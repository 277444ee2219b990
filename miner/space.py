"""The space of a work: extranonce × version × time × nonce, handed out so that nothing is done twice or left out.

It is cut into *sheets*, each all nonces of one header, or of a group of headers that differ in their version only,
for devices that roll versions. Devices take windows of sheets.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ..kernels.backend import NONCES, with_version
from .job import Job
from .windows import Windows
from .work import Solution, Work
from .worker import Hit

ROLLED_VERSIONS = 16
"""Versions that a device rolls at a time. On the CPU 64 would cost 3 % less a hash."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """All nonces of a header, or of a header in several versions."""

    work: Work
    extranonce: int
    time: int
    job: Job
    """The whole sheet."""

    windows: Windows


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a sheet, for one device."""

    sheet: Sheet
    job: Job

    def solution(self, hit: Hit) -> Solution:
        """What a hit of this window means for the work."""
        own = int.from_bytes(self.job.header[:4], "little")
        version = own if hit.version is None else hit.version
        return Solution(self.sheet.work, self.sheet.extranonce, version, self.sheet.time, hit.nonce, hit.digest)


class Space:
    """Everything that can be tried for one work. Its methods may be called from any thread.

    Nonces come first, then versions, then extranonces, then times: a later time is the last resort.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.stale = False
        """Whether other work has replaced it."""

        self.solved = False
        """Whether a solution is on its way or accepted, where one is enough."""

        self._lock = threading.Lock()
        self._groups = self._all_groups()
        self._open: dict[bool, list[Sheet]] = {False: [], True: []}
        """Sheets of which windows are left: those of one version, and those to be rolled."""

    def take(self, hashes: int, rolling: bool) -> Window | None:
        """A window of at most `hashes`, at least one nonce; of several versions if `rolling` and there are any.

        None when nothing is left, though a window that a device holds may still come back.
        """
        with self._lock:
            while sheet := self._sheet(rolling):
                window = sheet.windows.take(max(1, hashes // sheet.job.rolls))
                if window:
                    start, count = window
                    return Window(sheet, replace(sheet.job, start=start, count=count))
                self._open[bool(sheet.job.versions)].pop()
            return None

    def give_back(self, window: Window) -> None:
        """Undone work, for another device."""
        sheet = window.sheet
        with self._lock:
            sheet.windows.give_back(window.job.start, window.job.count)
            still_open = self._open[bool(sheet.job.versions)]
            if sheet not in still_open:
                still_open.append(sheet)

    def _sheet(self, rolling: bool) -> Sheet | None:
        """That from which to take: one of the wanted kind, a new one, or what is left of the other kind."""
        rolling = rolling and self.work.version_mask != 0
        wanted = self._open[rolling]
        if not wanted and (group := next(self._groups, None)):
            extranonce, time, versions = group
            header = self.work.header(extranonce, versions[0], time)
            # The last is taken first.
            parts = [versions] if rolling else [(version,) for version in reversed(versions)]
            for part in parts:
                rolled = part if rolling else ()
                job = Job(with_version(header, part[0]), self.work.target, 0, NONCES, rolled)
                wanted.append(Sheet(self.work, extranonce, time, job, Windows(0, NONCES)))
        other = self._open[not rolling]
        return wanted[-1] if wanted else other[-1] if other else None

    def _all_groups(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        work = self.work
        for time in range(work.time, work.time_last + 1):
            for extranonce in range(1 << 8 * work.extranonce_bytes):
                rolled = versions(work)
                while group := tuple(islice(rolled, ROLLED_VERSIONS)):
                    yield extranonce, time, group


def versions(work: Work) -> Iterator[int]:
    """All versions that a work allows, its own first."""
    bits = [1 << place for place in range(32) if work.version_mask >> place & 1]
    for number in range(1 << len(bits)):
        yield work.version ^ _spread(number, bits)


def _spread(number: int, bits: Sequence[int]) -> int:
    """The bits of a number in other places."""
    return sum(bit for place, bit in enumerate(bits) if number >> place & 1)
