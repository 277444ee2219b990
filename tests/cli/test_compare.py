from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.kernels.catalog import verifiers
from quorate.kernels.evidence import VERDICT_FAULTS
from quorate.kernels.faulty import LIES

from .conftest import Quorate


def test_all_devices_agree_on_the_default_work(quorate: Quorate) -> None:
    listed = quorate("devices", "--json").json["devices"]
    usable = [d["name"] for d in listed if d["available"] and d["searches"] and not d["simulator"]]
    ran = quorate("compare", "--json")
    assert ran.code == 0
    document = ran.json
    assert document["agree"] is True
    assert document["findings"] == []
    assert [r["device"] for r in document["results"]] == usable
    assert len({r["digest"] for r in document["results"]}) == 1
    assert len({r["fingerprint"] for r in document["results"]}) == 1
    assert all(r["hits"] > 1000 for r in document["results"])
    assert all(r["seconds"] > 0 for r in document["results"])


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in VERDICT_FAULTS])
def test_each_lie_is_found_attributed_and_reported(quorate: Quorate, lie: str) -> None:
    ran = quorate("compare", "--devices", f"reference,faulty:{lie}:cpu", "--count", 1 << 17, "--json")
    assert ran.code == 1
    assert ran.json["agree"] is False
    assert [(f["device"], f["kind"]) for f in ran.json["findings"]] == [(f"faulty:{lie}:cpu", lie)]


def test_two_identical_liars_lose(quorate: Quorate) -> None:
    liar = "faulty:withheld-hit:cpu"
    ran = quorate("compare", "--devices", f"{liar},reference,{liar}", "--count", 20000, "--json")
    assert ran.code == 1
    assert [f["device"] for f in ran.json["findings"]] == [liar, liar]
    assert all(f["right"] == ["reference"] for f in ran.json["findings"])
    hits = [r["hits"] for r in ran.json["results"]]
    assert hits[1] > hits[0] == hits[2]


def test_the_work_can_be_chosen(quorate: Quorate) -> None:
    ran = quorate(
        "compare", "--devices", "cpu,reference", "--header", "11" * 76, "--start", 7, "--count", 500,
        "--target", "f" * 64, "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert (ran.json["start"], ran.json["count"]) == (7, 500)
    assert [r["hits"] for r in ran.json["results"]] == [500, 500]


def test_people_see_a_table_and_a_verdict(quorate: Quorate) -> None:
    good = quorate("compare", "--devices", "reference,cpu", "--count", 5000)
    assert "All agree, bit for bit: 2 devices, 2 of them independent." in good.out
    bad = quorate("compare", "--devices", "reference,faulty:flipped-bit:cpu", "--count", 5000)
    assert "faulty:flipped-bit:cpu: flipped-bit in 17 of 17 windows" in bad.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--devices", "cpu"], "two or more devices"),
        (["--devices", "cpu,gpu"], "no device 'gpu'"),
        (["--devices", "cpu,reference", "--count", "-3"], "0 or more nonces"),
        (["--devices", "cpu,reference", "--target", "x" * 64], "--target is not hexadecimal"),
        (["--devices", "cpu,reference", "--header", "00"], "--header has 1 bytes"),
    ],
)
def test_wrong_input(quorate: Quorate, arguments: list[str], sentence: str) -> None:
    ran = quorate("compare", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_ctrl_c_says_what_was_compared() -> None:
    command = [sys.executable, "-m", "quorate", "compare", "--devices", "reference,reference"]
    process = subprocess.Popen([*command, "--count", str(1 << 22)], stdout=-1, stderr=-1, text=True)
    time.sleep(3)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "fingerprint" in out
    assert "All agree" not in out
    assert "nonces not compared" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("lie", [*VERDICT_FAULTS, "late-onset", "intermittent", "crash"])
def test_each_lie_about_signatures_is_found(quorate: Quorate, vectors: Path, lie: str) -> None:
    ran = quorate(
        "compare", "--signatures", vectors / "bips" / "bip340.csv", "--scheme", "schnorr",
        "--devices", f"reference,faulty:{lie}:reference", "--json",
    )  # fmt: skip
    assert ran.code == 1
    assert ran.json["agree"] is False
    assert ran.json["checked"] == 19
    assert [(f["device"], f["kind"]) for f in ran.json["findings"]] == [(f"faulty:{lie}:reference", lie)]
    honest, liar = ran.json["results"]
    assert (honest["checked"], honest["valid"], honest["invalid"]) == (19, 9, 10)
    assert honest["digest"] != liar["digest"]


def test_all_verifiers_agree_on_a_block(quorate: Quorate, vectors: Path) -> None:
    ran = quorate("compare", "--signatures", vectors / "signatures" / "mainnet_413567_p2pkh.csv", "--json")
    if len(verifiers()) < 2:
        assert (ran.code, ran.json) == (2, {"error": ran.json["error"]})
        pytest.skip("the reference is the only device here that verifies")
    assert ran.code == 0
    assert (ran.json["agree"], ran.json["checked"]) == (True, 3957)
    assert [r["device"] for r in ran.json["results"]] == [device.name for device in verifiers()]
    assert len({r["digest"] for r in ran.json["results"]}) == 1
    assert all((r["checked"], r["valid"]) == (3957, 3957) for r in ran.json["results"])


def test_people_see_the_verdicts_of_each_device(quorate: Quorate, vectors: Path) -> None:
    command = ("compare", "--signatures", vectors / "bips" / "bip340.csv", "--scheme", "schnorr", "--devices")
    good = quorate(*command, "reference,reference")
    assert good.code == 0
    assert "All agree, verdict for verdict: 2 devices, 1 of them independent." in good.out
    bad = quorate(*command, "reference,faulty:false-accept:reference")
    assert bad.code == 1
    assert "faulty:false-accept:reference: false-accept in " in bad.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--devices", "reference"], "two or more devices"),
        (["--devices", "reference,opencl"], "opencl"),
        (["--devices", "reference,reference", "--start", "0"], "--start is about nonces, and --signatures is not"),
        (["--devices", "reference,reference", "--scheme", "x"], "--scheme is one of"),
        (["--devices", "reference,reference", "--scheme", "ecdsa"], "line 2 of {file} has a hash of 0 bytes"),
    ],
)
def test_wrong_input_about_signatures(
    quorate: Quorate, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    file = tmp_path / "signatures.csv"
    file.write_text(f"message,hash,signature,key\n,{'00' * 32},{'11' * 64},{'22' * 32}\n")
    if "ecdsa" in arguments:
        file.write_text(f"hash,signature,key\n,{'11' * 64},{'22' * 32}\n")
    scheme = [] if "--scheme" in arguments else ["--scheme", "schnorr"]
    ran = quorate("compare", "--signatures", file, *scheme, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence.format(file=file) in ran.err


@pytest.mark.parametrize(
    "option",
    [["--scheme", "ecdsa"], ["--encoding", "der"], ["--low-s"], ["--hybrid"], ["--ed25519-rule", "zip215"]],
)
def test_options_of_signatures_belong_to_them(quorate: Quorate, option: list[str]) -> None:
    ran = quorate("compare", *option)
    assert (ran.code, ran.out) == (2, "")
    assert f"{option[0]} belongs to --signatures, which is missing" in ran.err


def test_when_every_device_fails_exit_is_3(quorate: Quorate) -> None:
    ran = quorate("compare", "--devices", "faulty:crash:cpu,faulty:crash:reference")
    assert ran.code == 3
    assert "every member of the quorum failed" in ran.err
