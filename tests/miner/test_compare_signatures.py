"""The signatures of a file on several devices."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.kernels.backend import Backend, DeviceError, UsageError
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, Scheme, SignatureBatch
from quorate.miner.compare import WINDOWS
from quorate.miner.compare_signatures import SignatureComparison, compare_signatures
from quorate.miner.signaturefile import Reading, SignatureFile
from quorate.miner.signing import sign
from quorate.miner.tablefile import Lines


class OneCurve(ReferenceBackend):
    """Knows no Ed25519, as libsecp256k1 does not."""

    def verify(self, batch: SignatureBatch) -> Codes:
        if (batch.schemes == Scheme.ED25519).any():
            raise UsageError("no Ed25519 here")
        return super().verify(batch)


def run(path: Path, *backends: Backend, progress: Callable[[int, str], None] | None = None) -> SignatureComparison:
    """The signatures of these files are compact, or all strict DER."""
    reading = Reading(encoding="compact" if path.suffix == ".jsonl" else None)
    with Lines(path) as lines:
        return compare_signatures(backends, SignatureFile(lines, reading), progress)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """60 signatures of three schemes in turn; of each the last ten are spoiled."""
    rows = []
    for name, its in sign(20).items():
        if name == "ecdsa-uncompressed":
            continue
        for at in range(20):
            message = its.messages[at] if at < 10 else its.messages[at - 1]
            signature = its.signatures[at].hex()
            rows.append((at, {"scheme": name, "hash": message.hex(), "sig": signature, "pk": its.keys[at].hex()}))
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps(cells) + "\n" for _, cells in sorted(rows, key=lambda its: its[0])))
    return path


def test_everybody_agrees(mixed: Path) -> None:
    comparison = run(mixed, ReferenceBackend(), ReferenceBackend())
    assert comparison.findings == []
    assert comparison.checked == 60
    assert [(its.checked, its.valid, its.failure) for its in comparison.results] == [(60, 30, "")] * 2
    assert len({its.sum.digest() for its in comparison.results}) == 1
    assert all(its.seconds > 0 for its in comparison.results)


def test_who_knows_one_curve_only_is_asked_about_that(mixed: Path) -> None:
    comparison = run(mixed, ReferenceBackend(), OneCurve(), ReferenceBackend())
    assert comparison.findings == []
    assert [(its.checked, its.valid) for its in comparison.results] == [(60, 30), (40, 20), (60, 30)]


def test_two_have_to_know_every_curve_of_the_file(mixed: Path) -> None:
    with pytest.raises(UsageError, match="1 verify ED25519, which is in the file"):
        run(mixed, ReferenceBackend(), OneCurve())


@pytest.mark.parametrize("lie", ["false-refusal", "late-onset", "intermittent", "crash"])
def test_lies_about_a_block(vectors: Path, tmp_path: Path, lie: str) -> None:
    block = (vectors / "signatures" / "mainnet_413567_p2pkh.csv").read_text().splitlines()
    path = tmp_path / "some.csv"
    path.write_text("\n".join(block[:401]))
    liar = Faulty(ReferenceBackend(), lie)
    comparison = run(path, ReferenceBackend(), liar)
    assert [(found.device, found.kind) for found in comparison.findings] == [(liar.device.name, lie)]
    honest, dishonest = comparison.results
    assert (honest.checked, honest.valid) == (400, 400)
    assert dishonest.valid < 400
    assert bool(dishonest.failure) == (lie == "crash")
    if lie == "false-refusal":
        assert (comparison.findings[0].wrong, comparison.findings[0].windows) == (WINDOWS, WINDOWS)


def test_there_are_windows_enough_for_late_faults(vectors: Path) -> None:
    seen: list[str] = []
    path = vectors / "signatures" / "mainnet_413567_p2pkh.csv"
    run(path, ReferenceBackend(), ReferenceBackend(), progress=lambda _, remark: seen.append(remark))
    assert len(seen) >= WINDOWS
    assert seen[-1] == "3,957 signatures"


def test_an_interrupt_ends_it(vectors: Path) -> None:
    def ctrl_c(_: int, remark: str) -> None:
        if remark == "496 signatures":
            os.kill(os.getpid(), signal.SIGINT)

    path = vectors / "signatures" / "mainnet_413567_p2pkh.csv"
    comparison = run(path, ReferenceBackend(), ReferenceBackend(), progress=ctrl_c)
    assert (comparison.interrupted, comparison.checked) == (True, 496)


def test_when_every_device_fails_that_is_an_error(vectors: Path) -> None:
    path = vectors / "signatures" / "mainnet_413567_p2pkh.csv"
    with pytest.raises(DeviceError, match="every member"):
        run(path, Faulty(ReferenceBackend(), "crash"), Faulty(ReferenceBackend(), "crash"))


def test_one_device_compares_with_nothing(vectors: Path) -> None:
    with pytest.raises(UsageError, match="two or more devices"):
        run(vectors / "signatures" / "mainnet_413567_p2pkh.csv", ReferenceBackend())
