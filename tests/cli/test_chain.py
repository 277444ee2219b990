"""quorate chain: a chain of mainnet's first blocks, a forked one, and wrong input."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import Quorate, Ran

TIP = "00000000d0a75c861fabf9ff7b92022f60e4afeed9331fe5aa073d8e4706fe3c"
PIZZA = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
"""The first payment, in block 170."""


@pytest.fixture
def chain(quorate: Quorate, vectors: Path, tmp_path: Path) -> Path:
    """The folder of a chain of 256 blocks."""
    file = vectors / "blocks" / "mainnet_1_255.dat"
    ran = quorate(
        "chain", "import", file, "--datadir", tmp_path, "--network", "mainnet", "--device", "reference", "--json"
    )
    assert (ran.code, ran.json["accepted"], ran.json["tip"]) == (0, 255, TIP)
    return tmp_path


def test_a_chain_is_told_about(quorate: Quorate, chain: Path, vectors: Path) -> None:
    def ask(*arguments: object) -> Ran:
        return quorate("chain", *arguments, "--datadir", chain, "--json")

    info = ask("info").json
    assert (info["height"], info["tip"], int(info["work"], 16)) == (255, TIP, 256 * 0x100010001)
    assert ask("block", 170).json["txids"][1] == PIZZA
    assert ask("block", TIP).json["height"] == 255
    found = ask("tx", PIZZA).json
    assert (found["height"], [output["satoshis"] for output in found["outputs"]]) == (
        170,
        [10 * 10**8, 40 * 10**8],
    )
    assert ask("utxo", f"{PIZZA}:0").json["satoshis"] == 10 * 10**8
    assert ask("utxo", f"{PIZZA}:2").code == 1
    assert ask("tx", "00" * 32).code == 1
    assert [tip["status"] for tip in ask("tips").json["tips"]] == ["tip"]
    assert ask("export", chain / "out.dat").json["blocks"] == 256
    assert (chain / "out.dat").read_bytes().endswith((vectors / "blocks/mainnet_1_255.dat").read_bytes())


def test_verify_finds_damage(quorate: Quorate, chain: Path) -> None:
    def verify() -> Ran:
        return quorate("chain", "verify", "--datadir", chain, "--device", "reference", "--json")

    assert (verify().code, verify().json["valid"]) == (0, True)
    [file] = chain.glob("mainnet/blocks/*.dat")
    good = file.read_bytes()
    for bad, words in ((good[:-1], "is cut off"), (good[:-9] + b"!" + good[-8:], "is damaged")):
        file.write_bytes(bad)
        ran = verify()
        assert (ran.code, ran.json["valid"]) == (1, False)
        assert words in ran.json["reason"]


def test_the_tree_as_text_and_picture(quorate: Quorate, vectors: Path, tmp_path: Path) -> None:
    files = [vectors / "blocks" / f"reorg_{name}.dat" for name in ("5A", "4A", "0_to_4", "3A")]
    where = ("--datadir", tmp_path, "--network", "mainnet")
    assert quorate("chain", "import", *files, *where, "--device", "reference").code == 1
    picture = tmp_path / "tree.svg"
    ran = quorate("chain", "tree", *where, "--svg", picture)
    assert ran.code == 0
    assert [line.split("  ")[0] for line in ran.out.splitlines()] == ["● 0 to 1", "✗ 2", "├─ ✗ 3 to 4", "✗ 3 to 5"]
    boxes = ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}rect")
    assert [box.get("class") for box in boxes] == [None, "chain", "refused", "refused", "refused"]


def test_wrong_input_is_one_sentence(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("chain", "info", "--datadir", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no chain of regtest" in ran.err
    for _ in range(2):
        assert quorate("chain", "init", "--datadir", tmp_path, "--json").json["height"] == 0
    for arguments in (
        ("block", "7"),
        ("block", "xyz"),
        ("tx", "12"),
        ("utxo", "12"),
        ("export", tmp_path / "no" / "out.dat"),
        ("tree", "--svg", tmp_path / "tree.png"),
        ("info", "--network", "litecoin"),
        ("import", tmp_path / "none.dat"),
    ):
        ran = quorate("chain", *arguments, "--datadir", tmp_path)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert len(ran.err.splitlines()) == 1
