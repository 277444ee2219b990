from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from .conftest import Quorate

WORKS = ("search", "search_versions", "fingerprint", "hash_headers")
ONCE = ("bench", "--devices", "reference", "--rounds", 1)


def test_rates_of_chosen_devices(quorate: Quorate) -> None:
    ran = quorate("bench", "--devices", "reference,cpu", "--rounds", 1, "--json")
    assert ran.code == 0
    results = {(r["device"], r["work"]): r for r in ran.json["results"]}
    assert set(results) == {(device, work) for device in ("reference", "cpu") for work in WORKS}
    assert results["cpu", "search"]["median"] > results["reference", "search"]["median"]
    assert all(r["lowest"] <= r["median"] <= r["highest"] for r in results.values())
    assert all(results["reference", work]["times_reference"] == 1 for work in WORKS)
    assert results["cpu", "search"]["times_reference"] > 1
    # SIMD lanes beat hashlib on the same core, whatever the number of cores
    assert results["cpu", "search"]["per_core"] > results["reference", "search"]["per_core"]
    assert results["cpu", "search"]["cycles_per_hash"] < results["reference", "search"]["cycles_per_hash"]


def test_what_cannot_be_had_is_null_with_a_reason(quorate: Quorate) -> None:
    document = quorate(*ONCE, "--json").json
    for figure in ("per_core", "cycles_per_hash", "joules_per_hash"):
        reason = document["unavailable"].get(figure, {}).get("reference", "")
        assert all((r[figure] is None) == bool(reason) for r in document["results"])


def test_people_see_a_table(quorate: Quorate) -> None:
    ran = quorate(*ONCE)
    assert ran.code == 0
    for words in ("nonce scan", "version rolling", "fingerprint", "header batch", "H/s"):
        assert words in ran.out
    assert "energy per hash of reference: not available" in ran.out or "J" in ran.out
    rolling = next(line for line in ran.out.splitlines() if "version rolling" in line)
    assert "nonce scan" not in rolling
    # one round shows no spread
    assert "%" not in ran.out


def test_a_later_result_is_compared_with_an_earlier_one(quorate: Quorate, tmp_path: Path) -> None:
    file = tmp_path / "earlier.json"
    first = quorate(*ONCE, "--save", file, "--json")
    assert json.loads(file.read_text()) == first.json
    assert [path.name for path in tmp_path.iterdir()] == ["earlier.json"]
    then = {r["work"]: r["median"] for r in first.json["results"]}
    second = quorate(*ONCE, "--against", file, "--json")
    assert all(r["times_earlier"] == r["median"] / then[r["work"]] for r in second.json["results"])
    assert "was another then" not in second.err
    assert "earlier" in quorate(*ONCE, "--against", file).out


def test_an_earlier_result_of_another_machine_is_pointed_out(quorate: Quorate, tmp_path: Path) -> None:
    file = tmp_path / "earlier.json"
    document = quorate(*ONCE, "--save", file, "--json").json
    for row in document["results"]:
        row["machine"] = "an abacus, wood"
    document["results"].pop()
    document["noise"] = []
    file.write_text(json.dumps(document))
    ran = quorate(*ONCE, "--against", file, "--json")
    assert ran.code == 0
    assert ran.err.count("reference was another then: an abacus, wood; now: hashlib") == 1
    assert "noisy to judge when the earlier result was measured" not in ran.err
    assert [r["times_earlier"] is None for r in ran.json["results"]] == [False, False, False, True]


def test_an_earlier_result_of_a_noisy_machine_is_pointed_out(quorate: Quorate, tmp_path: Path) -> None:
    file = tmp_path / "earlier.json"
    document = quorate(*ONCE, "--save", file, "--json").json
    file.write_text(json.dumps(document | {"noise": ["the neighbours were mining"]}))
    assert "noisy to judge when the earlier result was measured" in quorate(*ONCE, "--against", file).err


def ours(rest: bytes) -> bytes:
    return b'{"format": "quorate bench 1"' + rest + b"}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no result of `quorate bench`"),
        (b"[1, 2]", "is no result of"),
        (b'{"results": []}', "is no result of"),
        (b"\xff\xfe", "is no result of"),
        (b"[" * 100_000, "is no result of"),
        (ours(b""), "is a damaged"),
        (ours(b', "results": 3'), "is a damaged"),
        (ours(b', "results": []'), "is a damaged"),
        (ours(b', "results": [{"device": [], "work": "", "median": 1.0, "machine": ""}]'), "is a damaged"),
        (
            ours(b', "results": [{"device": "a", "work": "b", "median": 0.0, "machine": ""}]'),
            "is a damaged result",
        ),
        (
            ours(b', "results": [{"device": "a", "work": "b", "median": NaN, "machine": ""}]'),
            "is a damaged result",
        ),
    ],
)
def test_a_file_that_is_no_earlier_result(quorate: Quorate, tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "earlier.json"
    file.write_bytes(content)
    ran = quorate(*ONCE, "--against", file)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    [
        ("--against", "nowhere", "--against cannot read"),
        ("--against", ".", "Is a directory"),
        ("--save", ".", "is a directory or a device"),
        ("--save", "/dev/null", "is a directory or a device"),
        ("--save", "nowhere/file", "there is no directory"),
        ("--save", "x" * 300, "File name too long"),
        ("--plot", "rates.png", "--plot writes .svg files only"),
        ("--plot", "rates", "--plot writes .svg files only"),
    ],
)
def test_files_are_refused_before_anything_is_measured(
    quorate: Quorate, tmp_path: Path, option: str, name: str, sentence: str
) -> None:
    began = time.perf_counter()
    ran = quorate("bench", "--devices", "reference", "--rounds", 1000, option, tmp_path / name)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert time.perf_counter() - began < 30
    assert list(tmp_path.iterdir()) == []


def test_the_plot_shows_every_rate(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate(*ONCE, "--plot", tmp_path / "rates.svg")
    assert ran.code == 0
    shown = " ".join(ET.parse(tmp_path / "rates.svg").getroot().itertext())
    for words in ("nonce scan", "version rolling", "fingerprint", "header batch", "reference", "H/s"):
        assert words in shown


def test_ctrl_c_shows_what_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "partial.json"
    command = [sys.executable, "-m", "quorate", "bench", "--devices", "reference", "--rounds", "1000", "--json"]
    # Nobody tells when the first measurement is done; a busy machine gets another try with more time.
    for seconds in (5, 20, 60):
        process = subprocess.Popen([*command, "--save", file], stdout=-1, stderr=-1, text=True)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        if file.exists():
            break
    assert process.returncode == 130
    document = json.loads(out)
    assert 0 < document["left"] < 4000
    assert sum(r["rounds"] for r in document["results"]) == 4000 - document["left"]
    assert f"interrupted with {document['left']:,} measurements not made" in err
    assert "Traceback" not in err
    assert json.loads(file.read_text()) == document


def test_signatures_beside_the_best_libraries(quorate: Quorate) -> None:
    ran = quorate("bench", "signatures", "--devices", "reference", "--rounds", 1, "--sizes", "4,8", "--json")
    assert ran.code == 0
    results = {(r["device"], r["work"], r["batch"]): r for r in ran.json["results"] if not r["library"]}
    works = ("ecdsa", "ecdsa-uncompressed", "schnorr", "ed25519-rfc8032", "ed25519-zip215")
    assert set(results) == {("reference", work, size) for work in works for size in (4, 8)}
    libraries = {r["work"]: r for r in ran.json["results"] if r["library"]}
    for r in results.values():
        assert r["lowest"] <= r["median"] <= r["highest"]
        assert r["microseconds"] == pytest.approx(1e6 / r["median"])
        if r["work"] in libraries:
            # the reference is slower than any library that is made to be fast
            assert r["times_library"] < 1
    assert all(r["times_library"] == 1 for r in libraries.values())
    assert {"ed25519-rfc8032", "ed25519-zip215"} <= set(libraries)


def test_people_see_microseconds(quorate: Quorate) -> None:
    ran = quorate("bench", "signatures", "--devices", "reference", "--rounds", 1, "--sizes", 4)
    assert ran.code == 0
    for words in ("keys of 33 bytes", "BIP 340 Schnorr", "Ed25519, zip215", "one by one", "µs", "× library"):
        assert words in ran.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["signatures", "--sizes", "8,0"], "--sizes takes numbers from 1 to"),
        (["signatures", "--sizes", "8,x"], "--sizes takes numbers from 1 to"),
        (["signatures", "--sizes", ""], "--sizes takes numbers from 1 to"),
        (["signatures", "--sizes", "9999999"], "--sizes takes numbers from 1 to 1,048,576"),
        (["signatures", "--devices", "opencl"], "opencl"),
        (["signatures", "--rounds", "0"], "--rounds"),
        (["--rounds", "1", "signatures"], "options of `bench signatures` come after its name"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage(quorate: Quorate, arguments: list[str], sentence: str) -> None:
    ran = quorate("bench", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert ran.err.count("\n") == 1
