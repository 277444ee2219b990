"""The signatures of a file on several devices, their verdicts compared one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..kernels.backend import Backend, Device, DeviceError, UsageError
from ..kernels.findings import Finding, findings
from ..kernels.quorum import Quorum
from ..kernels.signatures import Scheme, SignatureBatch, Verdict
from .compare import WINDOWS, Transcript
from .interrupt import interrupt_requested
from .signaturefile import SignatureFile

FIRST = 1 << 12
"""Lines by which the windows are chosen."""

LONGEST = 256
"""Signatures asked about at once; the wait between Ctrl-C and the end is the slowest device's time for them."""

CURVES = ((Scheme.ECDSA, Scheme.SCHNORR), (Scheme.ED25519,))
"""Some devices know the first curve only, so each has a quorum of its own."""


@dataclass(slots=True)
class Verdicts:
    """What one device answered, before anybody judged it."""

    device: Device
    checked: int = 0
    valid: int = 0
    seconds: float = 0.0
    failure: str = ""
    sum: hashlib._Hash = field(default_factory=hashlib.sha256)
    """SHA-256 over its verdicts, a byte each."""


@dataclass(slots=True)
class SignatureComparison:
    results: list[Verdicts]
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    """Devices found wrong, failed or slow; empty when all agree."""

    interrupted: bool = False


def compare_signatures(
    backends: Sequence[Backend], file: SignatureFile, progress: Callable[[int, str], None] | None = None
) -> SignatureComparison:
    """Verify the signatures of `file` on every backend.

    `progress` is called with the bytes read and a remark. An interrupt (Ctrl-C) ends it after the window at
    work. Raises `UsageError` for a file that `verify` would refuse, and for fewer than two backends that know
    the curves of its signatures; `DeviceError` when every one of them fails.
    """
    transcripts = [Transcript(backend) for backend in backends]
    comparison = SignatureComparison([Verdicts(backend.device) for backend in backends])
    quorums: dict[tuple[Scheme, ...], Quorum] = {}
    size = 0
    with interrupt_requested() as stop:
        file.lines.stop = stop
        while (piece := file.read(FIRST)) is not None and not stop.is_set():
            size = size or min(LONGEST, -(-len(piece.lines) // WINDOWS))
            for first in range(0, len(piece.lines), size):
                if stop.is_set():
                    break
                rows = np.arange(first, min(first + size, len(piece.lines)))
                for curve in CURVES:
                    batch = piece.batch.take(rows[np.isin(piece.batch.schemes[rows], curve)])
                    if len(batch) and curve not in quorums:
                        quorums[curve] = _quorum(transcripts, curve)
                    if len(batch):
                        _ask(quorums[curve], batch, transcripts, comparison.results)
                comparison.checked += len(rows)
                if progress:
                    progress(file.lines.done, f"{comparison.checked:,} signatures")
        comparison.interrupted = stop.is_set()
    for quorum in quorums.values():
        comparison.findings += findings(quorum)
        for transcript, result in zip(transcripts, comparison.results, strict=True):
            if transcript in quorum.members:
                result.failure = result.failure or quorum.records[quorum.members.index(transcript)].failure
    return comparison


def _quorum(transcripts: Sequence[Transcript], curve: tuple[Scheme, ...]) -> Quorum:
    """Of those that know the curve. All are asked, which also compiles what they need: that is not compared."""
    count = len(curve)
    one_of_each = SignatureBatch.of(curve, [bytes(32)] * count, [bytes(64)] * count, [bytes(32)] * count)

    def knows(transcript: Transcript) -> bool:
        try:
            Quorum([transcript], need=1).verify(one_of_each)
        except UsageError:
            return False
        except DeviceError:
            return True
        return True

    members = [transcript for transcript in transcripts if knows(transcript)]
    if len(members) < 2:
        schemes = " and ".join(scheme.name for scheme in curve)
        raise UsageError(
            f"comparing takes two or more devices, and of those named {len(members)} verify {schemes}, "
            "which is in the file"
        )
    return Quorum(members, need=0)  # where nobody is wholly right, that is what to report


def _ask(
    quorum: Quorum, batch: SignatureBatch, transcripts: Sequence[Transcript], results: Sequence[Verdicts]
) -> None:
    for transcript in transcripts:
        transcript.batch, transcript.verdicts = batch, None
    quorum.verify(batch)
    for transcript, result in zip(transcripts, results, strict=True):
        verdicts = transcript.verdicts
        if verdicts is not None:
            result.checked += len(verdicts)
            result.valid += int((verdicts == Verdict.VALID).sum())
            result.sum.update(verdicts.tobytes())
        result.seconds = transcript.seconds
