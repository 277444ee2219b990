"""quorate validate block and blocks: real blocks, altered ones, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Quorate


@pytest.fixture
def real(vectors: Path) -> Path:
    return vectors / "blocks" / "mainnet_866342.raw"


@pytest.fixture
def prevouts(vectors: Path) -> Path:
    return vectors / "blocks" / "mainnet_866342_prevouts.json"


def test_a_whole_block_raw_and_as_hex(quorate: Quorate, real: Path, prevouts: Path, tmp_path: Path) -> None:
    as_hex = tmp_path / "block.hex"
    as_hex.write_text(real.read_bytes().hex() + "\n")
    for file in (real, as_hex):
        ran = quorate("validate", "block", file, "--prevouts", prevouts, "--json")
        document = ran.json
        assert (ran.code, document["valid"], document["reason"]) == (0, True, None)
        assert (document["height"], document["transactions"], document["inputs"]) == (866_342, 4_864, 7_972)
        assert document["hash"] == "000000000000000000014ce9ba7c6760053c3c82ce6ab43d60afb101d3c8f1f1"
        assert document["signatures"]["ecdsa"] >= 5_502
        assert document["signatures"]["schnorr"] >= 2_223
        assert set(document["seconds"]) == {"parse", "pow", "rules", "scripts", "signatures"}


def test_another_amount_is_refused(quorate: Quorate, real: Path, prevouts: Path, tmp_path: Path) -> None:
    coins = json.loads(prevouts.read_text())
    coins[1]["txout"]["value"] += 1  # a fee more, which its signature does not cover
    file = tmp_path / "prevouts.json"
    file.write_text(json.dumps(coins))
    ran = quorate("validate", "block", real, "--prevouts", file, "--json")
    assert (ran.code, ran.json["valid"], ran.json["reason"]) == (1, False, "block-script-verify-flag-failed")


def test_other_bytes_are_refused(quorate: Quorate, real: Path, prevouts: Path, tmp_path: Path) -> None:
    raw = real.read_bytes()
    file = tmp_path / "block.raw"
    for bad, reason in (
        (raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], "high-hash"),
        (raw[:-10] + bytes([raw[-10] ^ 1]) + raw[-9:], "bad-witness-merkle-match"),
        (raw[:-1], "bad-block"),
    ):
        file.write_bytes(bad)
        ran = quorate("validate", "block", file, "--prevouts", prevouts, "--device", "reference", "--json")
        assert (ran.code, ran.json["reason"]) == (1, reason)


def test_wrong_input_is_one_sentence(quorate: Quorate, vectors: Path, real: Path, tmp_path: Path) -> None:
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.write_bytes(b"")
    text.write_text("no block")
    for arguments, words in (
        ((empty,), "is empty"),
        ((text,), "not hexadecimal"),
        ((tmp_path / "none",), "No such file"),
        ((real, "--device", "reference"), "spends 7972 outputs and 0 are given"),
        ((real, "--prevouts", text), "no spent outputs"),
        ((real, "--network", "litecoin"), "litecoin"),
        ((vectors / "blocks" / "mainnet_170.raw",), "--height"),
    ):
        ran = quorate("validate", "block", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
        assert len(ran.err.splitlines()) == 1


def test_blocks_of_a_file(quorate: Quorate, vectors: Path, tmp_path: Path) -> None:
    file = vectors / "blocks" / "mainnet_1_255.dat"
    ran = quorate("validate", "blocks", file, "--device", "reference", "--json")
    assert (ran.code, ran.json["valid"], ran.json["height"], ran.json["accepted"]) == (0, True, 255, 255)
    ran = quorate("validate", "blocks", vectors / "blocks" / "reorg_0_to_4.dat", "--device", "reference", "--json")
    assert (ran.code, ran.json["valid"]) == (1, False)
    assert ran.json["refused"][0]["reason"] == "bad-txns-premature-spend-of-coinbase"
    assert quorate("validate", "blocks", tmp_path / "none.dat", "--device", "reference").code == 2
