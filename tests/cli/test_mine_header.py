"""quorate mine --header: every hit of a window, on every device, and one sentence for every mistake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

import pytest

from quorate.miner.sources.bundled import BUNDLED

from .conftest import Quorate

GENESIS = BUNDLED[0].header.hex()
NONCE = 2083236893
GENESIS_HASH = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


@pytest.mark.parametrize("digits", [160, 152])
def test_a_header_is_searched_with_its_own_target(quorate: Quorate, digits: int) -> None:
    ran = quorate("mine", "--header", GENESIS[:digits], "--start", NONCE - 1000, "--count", 2000, "--json")
    assert ran.code == 0
    assert ran.json["hits"] == [{"nonce": NONCE, "hash": GENESIS_HASH}]
    assert (ran.json["start"], ran.json["count"], ran.json["hashes"]) == (NONCE - 1000, 2000, 2000)
    assert int(ran.json["target"], 16) == 0xFFFF << 208


def test_every_hit_of_the_window_ascending(quorate: Quorate) -> None:
    target = f"{1 << 246:064x}"
    ran = quorate(
        "mine", "--header", GENESIS, "--count", 20000, "--target", target, "--json", "--devices", "cpu,reference"
    )
    header = bytes.fromhex(GENESIS)[:76]
    expected = []
    for nonce in range(20000):
        digest = sha256(sha256(header + nonce.to_bytes(4, "little")).digest()).digest()
        if int.from_bytes(digest, "little") <= 1 << 246:
            expected.append({"nonce": nonce, "hash": digest[::-1].hex()})
    assert len(expected) > 5
    assert ran.json["hits"] == expected
    assert ran.json["device"] == "cpu,reference"
    assert sum(d["hashes"] for d in ran.json["devices"]) == 20000


def test_rolled_versions_are_reported_as_what_they_are(quorate: Quorate) -> None:
    work = ["--header", GENESIS, "--start", NONCE - 100, "--count", 200, "--versions", 3]
    ran = quorate("mine", *work, "--devices", "reference", "--json")
    assert ran.code == 0
    assert ran.json["hits"] == [{"nonce": NONCE, "hash": GENESIS_HASH, "version": 1}]
    assert ran.json["versions"] == [1, 1 + (1 << 13), 1 + (2 << 13)]
    assert (ran.json["count"], ran.json["hashes"]) == (200, 600)
    people = quorate("mine", *work, "--devices", "reference")
    assert f"nonce {NONCE}  version 0x00000001  hash {GENESIS_HASH}" in people.out
    assert "for each of 3 versions" in people.out


def test_nothing_found_exits_with_1(quorate: Quorate) -> None:
    ran = quorate("mine", "--header", GENESIS, "--count", 100, "--devices", "reference")
    assert ran.code == 1
    assert "0 hits in the window of 100 nonces" in ran.out


def test_the_window_ends_at_the_last_nonce_by_default(quorate: Quorate) -> None:
    ran = quorate("mine", "--header", GENESIS, "--start", 2**32 - 50, "--devices", "reference", "--json")
    assert (ran.json["count"], ran.json["hashes"]) == (50, 50)


def test_a_device_that_fails_is_named_and_the_rest_goes_on(quorate: Quorate) -> None:
    ran = quorate(
        "mine", "--header", GENESIS, "--start", NONCE - 500, "--count", 1000,
        "--devices", "faulty:false-hit:reference,reference", "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert [h["nonce"] for h in ran.json["hits"]] == [NONCE]
    errors = [d["error"] for d in ran.json["devices"]]
    assert ran.json["errors"] == [] or "hardware error" in errors[0]


def test_when_no_device_is_left_exit_is_3(quorate: Quorate) -> None:
    ran = quorate("mine", "--header", GENESIS, "--count", 1000, "--devices", "faulty:false-hit:reference")
    assert ran.code == 3
    assert "no device is left, and 1,000 nonces were not searched" in ran.err
    assert "hardware error" in ran.err


def test_a_quorum_mines_and_says_who_was_wrong(quorate: Quorate) -> None:
    ran = quorate(
        "mine", "--header", GENESIS, "--count", 5000, "--target", f"{1 << 250:064x}",
        "--devices", "quorum:reference+cpu+faulty:withheld-hit:cpu", "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert [(f["device"], f["kind"]) for f in ran.json["findings"]] == [
        ("faulty:withheld-hit:cpu", "withheld-hit")
    ]


def test_ctrl_c_ends_with_a_summary() -> None:
    command = [sys.executable, "-m", "quorate", "mine", "--header", GENESIS, "--devices", "reference"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "hashes in" in out
    assert "interrupted with" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--header", GENESIS[:-1]], "--header has 159 hex digits, an odd number"),
        (["--header", "zz" + GENESIS[2:]], "--header is not hexadecimal: 'z' at digit 1"),
        (["--header", GENESIS[:158]], "--header has 79 bytes; a header has 80"),
        (["--header", ""], "--header has 0 bytes"),
        (["--header", GENESIS, "--count", "-1"], "a window starts at 0 or later and has 0 or more nonces, not -1"),
        (
            ["--header", GENESIS, "--start", "-5", "--count", "1"],
            "--start is a nonce, from 0 to 4294967295, not -5",
        ),
        (["--header", GENESIS, "--start", "1", "--count", str(2**32)], "ends past 2^32; at most 4294967295 fit"),
        (["--header", GENESIS, "--start", str(2**32 + 1)], "--start is a nonce"),
        (["--header", GENESIS, "--target", "ff"], "--target has 2 hex digits; a target has 64"),
        (["--header", "00" * 80], "the header's nBits 0x00000000 is zero and no target; give one with --target"),
        (["--header", GENESIS, "--devices", "gpu"], "there is no device 'gpu'"),
        (["--header", GENESIS, "--devices", "cpu,,reference"], "has an empty name in it"),
        (["--header", GENESIS, "--devices", "faulty:white:cpu"], "there is no lie 'white'"),
        (["--header", GENESIS, "--versions", "0"], "1 to 65536 versions to roll (BIP 320), not 0"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(quorate: Quorate, arguments: list[str], sentence: str) -> None:
    ran = quorate("mine", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert sentence in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_device_that_is_not_available_is_refused_with_its_reason(quorate: Quorate) -> None:
    absent = [d for d in quorate("devices", "--json").json["devices"] if not d["available"]]
    if not absent:
        pytest.skip("every kind of device is available on this machine")
    ran = quorate("mine", "--header", GENESIS, "--devices", absent[0]["name"])
    assert ran.code == 2
    assert absent[0]["reason"] in ran.err
