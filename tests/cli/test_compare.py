from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from quorate.kernels.faulty import LIES

from .conftest import Quorate


def test_all_devices_agree_on_the_default_work(quorate: Quorate) -> None:
    usable = [
        d["name"] for d in quorate("devices", "--json").json["devices"] if d["available"] and not d["simulator"]
    ]
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


@pytest.mark.parametrize("lie", LIES)
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


def test_when_every_device_fails_exit_is_3(quorate: Quorate) -> None:
    ran = quorate("compare", "--devices", "faulty:crash:cpu,faulty:crash:reference")
    assert ran.code == 3
    assert "every member of the quorum failed" in ran.err
