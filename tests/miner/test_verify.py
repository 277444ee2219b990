"""Whole files on one device."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels.backend import Device, DeviceError, UsageError
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, Scheme, SignatureBatch
from quorate.miner.signaturefile import Reading, Reason, SignatureFile
from quorate.miner.tablefile import Lines
from quorate.miner.verify import FEWEST, MOST, Invalid, Progress, Report, verify


class Watched(ReferenceBackend):
    """The reference, and how much it was asked at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def verify(self, batch: SignatureBatch) -> Codes:
        self.sizes.append(len(batch))
        return super().verify(batch)


def run(
    path: Path,
    reading: Reading | None = None,
    *,
    backend: ReferenceBackend | Faulty | None = None,
    keep_going: bool = False,
    limit: int = 1000,
    progress: Progress | None = None,
) -> Report:
    with Lines(path) as lines:
        file = SignatureFile(lines, reading or Reading())
        return verify(backend or ReferenceBackend(), file, keep_going, limit, progress)


def spoiled(block: Path, path: Path, change: Callable[[int, list[str]], list[str]], rows: int) -> Path:
    """The first rows of a block's signatures, each changed: row number and cells to cells."""
    header, *lines = block.read_text().splitlines()[: rows + 1]
    path.write_text("\n".join([header, *(",".join(change(at, line.split(","))) for at, line in enumerate(lines))]))
    return path


@pytest.fixture
def block(vectors: Path) -> Path:
    return vectors / "signatures" / "mainnet_413567_p2pkh.csv"


def test_a_block(block: Path) -> None:
    report = run(block)
    assert (report.valid, report.checked, report.invalid_count, report.malformed_count) == (True, 3957, 0, 0)
    assert report.seconds > 0
    assert not report.interrupted


def test_bip340(vectors: Path) -> None:
    report = run(vectors / "bips" / "bip340.csv", Reading(Scheme.SCHNORR))
    assert not report.valid
    assert report.checked == 19
    reasons = dict.fromkeys([7, 16], Reason.KEY) | dict.fromkeys(range(8, 14), Reason.EQUATION)
    reasons |= dict.fromkeys([14, 15], Reason.RANGE)
    assert report.invalid == [Invalid(line, reason) for line, reason in sorted(reasons.items())]


def test_invalid_lines_have_their_numbers_and_are_counted_beyond_the_limit(block: Path, tmp_path: Path) -> None:
    def change(at: int, cells: list[str]) -> list[str]:
        return [*cells[:1], "00" * 32, *cells[2:]] if at % 3 == 1 else cells

    report = run(spoiled(block, tmp_path / "spoiled.csv", change, 1000), limit=5)
    assert (report.checked, report.invalid_count) == (1000, 333)
    assert report.reasons == {Reason.EQUATION: 333}
    assert report.invalid == [Invalid(3 + 3 * i, Reason.EQUATION) for i in range(5)]


def test_malformed_lines_are_an_error_or_passed_over(block: Path, tmp_path: Path) -> None:
    def change(at: int, cells: list[str]) -> list[str]:
        return cells[:3] if at % 5 == 4 else cells

    path = spoiled(block, tmp_path / "spoiled.csv", change, 1000)
    with pytest.raises(UsageError, match="line 6 of .* has 3 fields, and the header 7"):
        run(path)
    report = run(path, keep_going=True, limit=3)
    assert (report.valid, report.checked, report.invalid_count, report.malformed_count) == (False, 800, 0, 200)
    assert [its.line for its in report.malformed] == [6, 11, 16]


def test_a_file_with_nothing_but_malformed_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("sighash,sig_der,pubkey\n" + "x\n" * 1000)
    report = run(path, keep_going=True)
    assert (report.valid, report.checked, report.malformed_count) == (False, 0, 1000)


def test_pieces_grow_with_the_speed_of_the_device(block: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    header, _, body = block.read_text().partition("\n")
    path.write_text(header + "\n" + body * 2)
    watched = Watched()
    assert run(path, backend=watched).checked == sum(watched.sizes) == 2 * 3957
    assert watched.sizes[0] == FEWEST
    assert FEWEST < max(watched.sizes) <= MOST


def test_progress_ends_at_the_end(block: Path) -> None:
    seen: list[tuple[int, str]] = []
    run(block, progress=lambda done, remark: seen.append((done, remark)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == block.stat().st_size
    assert seen[-1][1].startswith("3,957 signatures, ")


def test_an_interrupt_ends_it_with_what_was_checked(block: Path) -> None:
    def ctrl_c(_: int, remark: str) -> None:
        if not remark.startswith(f"{FEWEST} "):
            os.kill(os.getpid(), signal.SIGINT)

    report = run(block, progress=ctrl_c)
    assert report.interrupted
    assert not report.valid
    assert FEWEST < report.checked < 3957


def test_a_device_that_fails(block: Path) -> None:
    with pytest.raises(DeviceError, match="faulty:crash:reference: .*on purpose"):
        run(block, backend=Faulty(ReferenceBackend(), "crash"))


def test_what_a_device_says_is_reported(block: Path) -> None:
    """One good signature in each batch is refused."""
    report = run(block, backend=Faulty(ReferenceBackend(), "false-refusal"))
    assert report.invalid[0] == Invalid(2, Reason.EQUATION)
    assert 2 <= report.invalid_count < 30


def test_no_device_makes_a_signature_of_what_is_none(tmp_path: Path, block: Path) -> None:
    class Credulous(ReferenceBackend):
        def verify(self, batch: SignatureBatch) -> Codes:
            return np.zeros(len(batch), np.uint8)

    path = spoiled(
        block, tmp_path / "spoiled.csv", lambda at, cells: [*cells[:2], "30" * (at + 1), *cells[3:]], 10
    )
    report = run(path, backend=Credulous(Device("reference", "reference", "")))
    assert report.reasons == {Reason.ENCODING: 10}
