"""The signatures of a file on one device: how many are valid, and which are not and why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import Backend, DeviceError, QuorateError
from .interrupt import interrupt_requested
from .signaturefile import REASONS, Piece, Reason, SignatureFile
from .tablefile import Malformed

FEWEST, MOST = 256, 1 << 14
"""Signatures verified at once; so many lines are in memory, and as many again that are being read."""

PIECE_SECONDS = 0.25
"""What a piece shall take, about: the wait between Ctrl-C and the end."""


@dataclass(frozen=True, slots=True)
class Invalid:
    line: int
    reason: Reason


@dataclass(slots=True)
class Report:
    checked: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    """How many are invalid, by reason."""

    invalid: list[Invalid] = field(default_factory=list)
    """The first of them."""

    malformed_count: int = 0
    malformed: list[Malformed] = field(default_factory=list)
    """The first lines that could not be read."""

    seconds: float = 0.0
    interrupted: bool = False

    @property
    def invalid_count(self) -> int:
        return self.reasons.total()

    @property
    def valid(self) -> bool:
        """Whether the whole file was read, and every signature in it is valid."""
        return not (self.interrupted or self.malformed_count or self.invalid_count) and self.checked > 0


Progress = Callable[[int, str], None]
"""Takes bytes read and a remark."""


def verify(
    backend: Backend, file: SignatureFile, keep_going: bool, limit: int, progress: Progress | None = None
) -> Report:
    """Verify every signature, and keep the first `limit` invalid and the first `limit` malformed lines.

    An interrupt (Ctrl-C) ends it after the piece at work. Raises `UsageError` where `SignatureFile.read` does,
    and `DeviceError` when the device fails.
    """
    report = Report()
    began = time.perf_counter()
    size = FEWEST
    with interrupt_requested() as stop, ThreadPoolExecutor(1) as reader:
        file.lines.stop = stop
        coming = reader.submit(file.read, size, keep_going)
        while (piece := coming.result()) is not None and not stop.is_set():
            coming = reader.submit(file.read, size, keep_going)
            try:
                seconds = _verify(backend, piece, report, limit)
            except QuorateError:
                stop.set()  # or the reader would wait for a pipe that says nothing
                raise
            size = max(FEWEST, min(MOST, 2 * size, int(size * PIECE_SECONDS / max(seconds, 1e-6))))
            report.seconds = time.perf_counter() - began
            if progress:
                rate = report.checked / report.seconds
                progress(file.lines.done, f"{report.checked:,} signatures, {rate:,.0f}/s")
        report.interrupted = stop.is_set()
    return report


def _verify(backend: Backend, piece: Piece, report: Report, limit: int) -> float:
    """Add a piece to the report; returns the seconds that the device took."""
    began = time.perf_counter()
    try:
        verdicts = backend.verify(piece.batch)
    except DeviceError as error:
        raise DeviceError(f"{backend.device.name}: {error}") from None
    seconds = time.perf_counter() - began
    codes = piece.reasons(verdicts)
    report.checked += len(codes)
    for row in np.flatnonzero(codes).tolist():
        reason = REASONS[codes[row]]
        report.reasons[reason] += 1
        if len(report.invalid) < limit:
            report.invalid.append(Invalid(piece.lines[row], reason))
    report.malformed_count += len(piece.malformed)
    report.malformed += piece.malformed[: limit - len(report.malformed)]
    return seconds
