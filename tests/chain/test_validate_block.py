"""A block alone with what it spends: mainnet's 866342, whole and altered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.coins import Coin
from quorate.chain.params import network
from quorate.chain.script.checker import CheckKind
from quorate.chain.validate_block import FAST_FROM, BlockReport, read_prevouts, validate_block
from quorate.kernels.backend import UsageError

from .regtest import block_verifier

MAINNET = network("mainnet")


@pytest.fixture(scope="module")
def raw(vectors: Path) -> bytes:
    return (vectors / "blocks" / "mainnet_866342.raw").read_bytes()


@pytest.fixture(scope="module")
def prevouts(vectors: Path) -> list[Coin]:
    return read_prevouts(vectors / "blocks" / "mainnet_866342_prevouts.json")


def validate(raw: bytes, prevouts: list[Coin], height: int = 866_342) -> BlockReport:
    return validate_block(raw, prevouts, MAINNET, height, block_verifier())


def test_a_valid_block(raw: bytes, prevouts: list[Coin]) -> None:
    report = validate(raw, prevouts)
    assert report.refusal is None
    assert report.hash == "000000000000000000014ce9ba7c6760053c3c82ce6ab43d60afb101d3c8f1f1"
    assert (report.transactions, report.inputs) == (4_864, 7_972)
    # The list of signatures made from this block leaves out 247 inputs, so there are more here.
    assert report.checks[CheckKind.ECDSA] >= 5_502
    assert report.checks[CheckKind.SCHNORR] >= 2_223
    assert set(report.seconds) == {"parse", "pow", "rules", "scripts", "signatures"}
    assert min(report.seconds.values()) > 0


def test_both_roads_report_the_same(raw: bytes, prevouts: list[Coin], monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(raw) > FAST_FROM
    with monkeypatch.context() as patch:
        patch.delattr(Block, "parse")  # the first step of the plain road
        fast = validate(raw, prevouts)
    monkeypatch.setattr("quorate.chain.validate_block.FAST_FROM", len(raw) + 1)
    plain = validate(raw, prevouts)
    assert replace(fast, seconds={}) == replace(plain, seconds={})
    assert set(fast.seconds) == set(plain.seconds)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (0, "high-hash"),
        (75, "high-hash"),
        (80, "bad-block"),
        (500_000, "bad-witness-merkle-match"),
        (1_000_000, "bad-txnmrklroot"),
    ],
)
def test_a_flipped_bit(raw: bytes, prevouts: list[Coin], place: int, reason: str) -> None:
    altered = raw[:place] + bytes((raw[place] ^ 0x80,)) + raw[place + 1 :]
    refusal = validate(altered, prevouts).refusal
    assert refusal
    assert refusal.reason == reason


def test_an_altered_amount_fails_its_signature(raw: bytes, prevouts: list[Coin]) -> None:
    first = prevouts[0]
    output = first.output._replace(value=first.output.value + 1)
    report = validate(raw, [first._replace(output=output), *prevouts[1:]])
    assert report.refusal
    assert report.refusal.reason == "block-script-verify-flag-failed"
    assert "transaction 1 (" in report.refusal.detail


def test_another_height(raw: bytes, prevouts: list[Coin]) -> None:
    refusal = validate(raw, prevouts, height=866_343).refusal
    assert refusal
    assert refusal.reason == "bad-cb-height"


def test_too_few_outputs(raw: bytes, prevouts: list[Coin]) -> None:
    with pytest.raises(UsageError, match="spends 7972 outputs and 7971 are given"):
        validate(raw, prevouts[1:])


@pytest.mark.parametrize("text", ["{", "[1]", '[{"txout": {"value": 1}}]'])
def test_files_of_another_form(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spent.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"spent\.json has no spent outputs: a JSON list is needed"):
        read_prevouts(path)
    with pytest.raises(UsageError, match="cannot read the spent outputs"):
        read_prevouts(tmp_path / "none.json")
