from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.kernels.catalog import verifiers
from quorate.miner.signing import N, sign

from .conftest import Quorate

VERIFIERS = [device.name for device in verifiers()]


@pytest.fixture
def block(vectors: Path) -> Path:
    return vectors / "signatures" / "mainnet_413567_p2pkh.csv"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "signatures"


@pytest.fixture
def few(block: Path, file: Path) -> Path:
    """The header and the first ten signatures of a block, in a file to change."""
    file.write_text("\n".join(block.read_text().splitlines()[:11]) + "\n")
    return file


@pytest.mark.parametrize("device", VERIFIERS)
def test_real_blocks_as_they_are(quorate: Quorate, vectors: Path, device: str) -> None:
    for name, count in (("mainnet_413567_p2pkh", 3957), ("mainnet_866342", 7725)):
        ran = quorate("verify", vectors / "signatures" / f"{name}.csv", "--device", device, "--json")
        assert ran.code == 0
        document = ran.json
        assert (document["valid"], document["checked"], document["device"]) == (True, count, device)
        assert document["invalid"] == document["malformed"] == document["findings"] == []
        assert document["seconds"] > 0


@pytest.mark.parametrize("device", VERIFIERS)
def test_bip340_as_it_is(quorate: Quorate, vectors: Path, device: str) -> None:
    command = ("verify", vectors / "bips" / "bip340.csv", "--scheme", "schnorr", "--device", device)
    ran = quorate(*command, "--json")
    assert ran.code == 1
    assert (ran.json["valid"], ran.json["checked"], ran.json["invalid_count"]) == (False, 19, 10)
    assert ran.json["reasons"] == {"key": 2, "equation": 6, "range": 2}
    assert ran.json["invalid"][0] == {"line": 7, "reason": "key"}
    people = quorate(*command)
    assert people.code == 1
    assert "10 of 19 signatures are invalid (6 for equation, 2 for key, 2 for range); " in people.out
    assert "\nline 7: key\nline 8: equation\n" in people.out
    assert "not listed" not in people.out


def test_the_fastest_device_is_the_default(quorate: Quorate, few: Path) -> None:
    ran = quorate("verify", few)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("10 of 10 signatures are valid; ")
    assert ran.out.endswith(f" signatures/s on {VERIFIERS[0]}\n")


def test_as_many_bad_lines_are_listed_as_asked_for(quorate: Quorate, few: Path) -> None:
    few.write_text(few.read_text().replace(",30", ",31"))
    ran = quorate("verify", few, "--limit", 2, "--json")
    assert (ran.code, ran.json["invalid_count"], ran.json["reasons"]) == (1, 10, {"encoding": 10})
    assert ran.json["invalid"] == [{"line": 2, "reason": "encoding"}, {"line": 3, "reason": "encoding"}]
    assert "8 more bad lines are not listed; --limit N" in quorate("verify", few, "--limit", 2).out
    assert len(quorate("verify", few, "--json").json["invalid"]) == 10


def test_options_of_ecdsa(quorate: Quorate, file: Path) -> None:
    its = sign(2)["ecdsa-uncompressed"]
    key, signature, digest = its.keys[0], its.signatures[0], its.messages[0].hex()
    high = signature[:32] + (N - int.from_bytes(signature[32:])).to_bytes(32)
    hybrid = bytes([6 + key[64] % 2]) + key[1:]
    for its_key, its_signature, options, reasons in (
        (key, signature, ["--low-s"], {}),
        (key, high, [], {}),
        (key, high, ["--low-s"], {"high-s": 1}),
        (hybrid, signature, [], {"key": 1}),
        (hybrid, signature, ["--hybrid"], {}),
    ):
        file.write_text(json.dumps({"hash": digest, "sig": its_signature.hex(), "pubkey": its_key.hex()}))
        ran = quorate("verify", file, "--scheme", "ecdsa", "--encoding", "compact", *options, "--json")
        assert (ran.code, ran.json["reasons"]) == (1 if reasons else 0, reasons)


def test_the_rules_of_ed25519(quorate: Quorate, file: Path) -> None:
    """y = 2^255 - 18 is 1 in a form that is not canonical, and its point of order 1; R the same, S = 0."""
    one, other = (1).to_bytes(32, "little"), (2**255 - 18).to_bytes(32, "little")
    file.write_text(json.dumps({"message": "", "sig": (one + bytes(32)).hex(), "key": other.hex()}))
    command = ("verify", file, "--scheme", "ed25519", "--device", "reference", "--json")
    assert quorate(*command).json["reasons"] == {"key": 1}
    assert quorate(*command, "--ed25519-rule", "rfc8032").code == 1
    assert quorate(*command, "--ed25519-rule", "zip215").code == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty; it needs a header row, or a JSON object on each line"),
        ("sighash,sig_der,pubkey\n", "has a header and no signatures below it"),
        ("sighash,sig,pubkey\n0,1,2\n", "--scheme ecdsa, schnorr or ed25519 says it for all of them"),
        ("sighash,sig_der\n", "has no column for the key, named public key, pubkey, key or pk"),
        ("sighash,sig_der,pubkey\n00,11\n", "line 2 of {file} has 2 fields, and the header 3"),
        (
            "sighash,sig_der,pubkey\n00,1,22\n",
            "line 2 of {file} has a signature of 1 hex digit, an odd number",
        ),
        ("sighash,sig_der,pubkey\n00,11,2x\n", "line 2 of {file} has a key that is not hexadecimal: 'x' at"),
        (
            "sighash,sig_der,pubkey\n00,11,22\n",
            "line 2 of {file} has a hash of 1 byte; one that ECDSA signs has 32",
        ),
        ('{"hash": "00"', "line 1 of {file} is no JSON: Expecting ',' delimiter at character 14"),
        ('{"hash": "00", "sig_der": "00"}\n', "line 1 of {file} has no key: nothing in it is named public key"),
        ('[{"hash": "00"}]', "begins like a JSON array; JSON lines have one object each"),
        ("sighash,sig_der,pubkey\n" + "00" * 32 + "," + "11" * 64 + ",22\n", "--encoding compact reads them"),
    ],
)
def test_a_file_that_cannot_be_read(quorate: Quorate, file: Path, content: str, sentence: str) -> None:
    file.write_text(content)
    ran = quorate("verify", file, "--device", "reference")
    assert (ran.code, ran.out) == (2, "")
    assert sentence.format(file=file) in ran.err
    assert ran.err.count("\n") == 1
    assert quorate("verify", file, "--device", "reference", "--json").json["error"] in ran.err


def test_one_of_anything_is_one(quorate: Quorate, few: Path) -> None:
    header, first, *_ = few.read_text().splitlines()
    few.write_text(f"{header}\n{first}\nnonsense\n")
    ran = quorate("verify", few, "--keep-going", "--limit", 0)
    assert ran.out.startswith("1 of 1 signature is valid; ")
    assert "\n1 line could not be read\n" in ran.out
    assert "\n1 more bad line is not listed; " in ran.out


def test_a_header_with_control_characters(quorate: Quorate, file: Path) -> None:
    file.write_bytes(b"\x1b[31mhash,sig\x07,\xc2\x9bkey\n00,11,22\n")
    ran = quorate("verify", file, "--scheme", "ecdsa", "--device", "reference")
    assert (ran.code, ran.out) == (2, "")
    assert r"its header has \x1b[31mhash, sig\x07, \x9bkey" in ran.err


@pytest.mark.parametrize("device", ["faulty:false-hit:reference", "quorum:cpu+faulty:slow:reference"])
def test_a_lie_that_no_verdict_shows(quorate: Quorate, few: Path, device: str) -> None:
    for ran in (
        quorate("verify", few, "--device", device),
        quorate("compare", "--signatures", few, "--devices", f"reference,{device}"),
    ):
        assert (ran.code, ran.out) == (2, "")
        assert "cannot show where signatures are verified; false-accept, false-refusal," in ran.err


def test_a_truncated_last_line(quorate: Quorate, few: Path) -> None:
    whole = few.read_bytes()
    for cut in (20, 40, 100, 250):
        few.write_bytes(whole[:-cut])
        ran = quorate("verify", few, "--device", "reference")
        assert (ran.code, ran.out) == (2, "")
        assert f"line 11 of {few} has " in ran.err


def test_all_malformed_lines_with_keep_going(quorate: Quorate, few: Path) -> None:
    lines = few.read_text().splitlines()
    lines[3] = lines[3].replace(",30", ",3")
    lines[5] = "nonsense"
    lines[7] = lines[7].replace(",02", ",05").replace(",03", ",05")
    few.write_text("\n".join(lines))
    ran = quorate("verify", few, "--keep-going", "--json")
    assert (ran.code, ran.json["valid"], ran.json["checked"]) == (2, False, 8)
    assert [its["line"] for its in ran.json["malformed"]] == [4, 6]
    assert ran.json["malformed"][1]["error"] == "has 1 field, and the header 7"
    assert ran.json["invalid"] == [{"line": 8, "reason": "key"}]
    people = quorate("verify", few, "--keep-going")
    assert people.code == 2
    for words in ("1 of 8 signatures are invalid (1 for key)", "line 6 has 1 field", "2 lines could not be read"):
        assert words in people.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--scheme", "rsa"], "--scheme is one of ecdsa, schnorr, ed25519, not 'rsa'"),
        (["--encoding", "ber"], "--encoding is one of der, lax-der, compact, not 'ber'"),
        (["--ed25519-rule", "x"], "--ed25519-rule is one of rfc8032, zip215, not 'x'"),
        (["--device", "gpu"], "there is no device 'gpu'"),
        (["--device", "opencl"], "opencl"),
        (["--device", "cpu,reference"], "--device takes one device here"),
        (["--limit", "-1"], "Invalid value for '--limit'"),
    ],
)
def test_wrong_options(quorate: Quorate, few: Path, options: list[str], sentence: str) -> None:
    ran = quorate("verify", few, *options)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_files_that_are_not_there(quorate: Quorate, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no", "No such file"), (tmp_path, "Is a directory")):
        ran = quorate("verify", path)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err


def test_a_device_that_fails(quorate: Quorate, block: Path) -> None:
    ran = quorate("verify", block, "--device", "faulty:crash:reference")
    assert ran.code == 3
    assert "faulty:crash:reference: " in ran.err


def test_a_quorum_finds_the_liar_and_the_truth(quorate: Quorate, few: Path) -> None:
    other = VERIFIERS[0]
    device = f"quorum:reference+faulty:false-refusal:{other}+{other}"
    ran = quorate("verify", few, "--device", device, "--json")
    assert (ran.code, ran.json["valid"], ran.json["checked"]) == (0, True, 10)
    assert [finding["kind"] for finding in ran.json["findings"]] == ["false-refusal"]
    assert "false-refusal in 1 of 1 batches" in quorate("verify", few, "--device", device).out


def piped(*options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "quorate", "verify", "-", "--device", "reference", "--json", *options]
    return subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1)


def test_standard_input(few: Path) -> None:
    out, err = piped().communicate(few.read_bytes(), timeout=60)
    assert json.loads(out)["checked"] == 10
    out, err = piped().communicate(few.read_bytes() + b"x\n", timeout=60)
    assert b"line 12 of standard input has 1 field" in err


def test_ctrl_c_ends_a_pipe_that_says_no_more(block: Path) -> None:
    """256 signatures are verified at once, so of 300 lines 44 are waited for company."""
    text = "".join(line + "\n" for line in block.read_text().splitlines()[:301])
    for seconds in (3, 10, 60):  # a busy machine gets another try with more time
        process = piped()
        assert process.stdin is not None
        process.stdin.write(text.encode())
        process.stdin.flush()
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGINT)
        # communicate would close the pipe, and with it end what is read
        code = process.wait(timeout=30)
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = process.stdout.read(), process.stderr.read()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        if out and "checked" in json.loads(out) and json.loads(out)["checked"]:
            break
    assert code == 130
    document = json.loads(out)
    assert (document["checked"], document["interrupted"], document["valid"]) == (256, True, False)
    assert document["invalid"] == []
    assert b"interrupted after 256 signatures" in err
    assert b"Traceback" not in err
