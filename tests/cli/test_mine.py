"""quorate mine: which options go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Quorate

GENESIS = (
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc"
    "3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--versions", "5"], "--versions is about --header, which is missing"),
        (["--count", "5"], "--count is about --header, which is missing"),
        (["--start", "0"], "--start is about --header"),
        (["--target", "ff" * 32], "--target is about --header"),
        (["--header", GENESIS, "--blocks", "5"], "--blocks is about blocks, and --header is not"),
        (["--header", GENESIS, "--address", "x"], "--address is about blocks"),
        (["--header", GENESIS, "--datadir", "x"], "--datadir is about the chain of this machine"),
        (["--header", GENESIS, "--network", "regtest"], "--network is about blocks"),
        (["--blocks", "0"], "'--blocks': Input should be greater than or equal to 1"),
        (["--blocks", "-1"], "'--blocks': Input should be greater than or equal to 1"),
        (["--network", "moon"], "moon"),
        (["--network", "signet"], "blocks of signet need the signature of its operators"),
        (["--network", "testnet4"], "--address is missing: on testnet4 the reward should belong to somebody"),
        (["--address", "nobody"], "'nobody' is no address on regtest"),
        (["--address", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"], "is it one of another network"),
        (["--devices", "faulty:white:cpu"], "there is no lie 'white'"),
        (["--devices", "cpu,,reference"], "has an empty name in it"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence_before_anything_is_written(
    quorate: Quorate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    datadir = [] if "--header" in arguments else ["--datadir", tmp_path / "chains"]
    ran = quorate("mine", *arguments, *datadir)
    assert ran.code == 2
    assert ran.out == ""
    assert sentence in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
