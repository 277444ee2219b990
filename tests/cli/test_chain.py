"""quorate chain: a chain of mainnet's first blocks, a forked one, and wrong input."""

from __future__ import annotations

import csv
import itertools
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import pytest

from quorate.chain.block_files import frame
from quorate.chain.params import network

from .conftest import Quorate, Ran

TIP = "00000000d0a75c861fabf9ff7b92022f60e4afeed9331fe5aa073d8e4706fe3c"
PIZZA = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
"""The first payment, in block 170."""


HAL = (
    "04ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5"
    "c72a704f7e6cd84c"
)
SATOSHI = (
    "0411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f99"
    "9b8643f656b412a3"
)


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
    assert found["fee"] == 0
    assert found["inputs"][0]["spent"]["satoshis"] == 50 * 10**8
    assert found["inputs"][0]["script_sig_asm"].endswith("[ALL]")
    assert [output["script_pubkey_asm"] for output in found["outputs"]] == [
        f"{HAL} OP_CHECKSIG",
        f"{SATOSHI} OP_CHECKSIG",
    ]
    coinbase = ask("tx", ask("block", 170).json["txids"][0]).json
    assert (coinbase["fee"], coinbase["inputs"][0]["script_sig_asm"]) == (None, None)
    assert ask("utxo", f"{PIZZA}:0").json["satoshis"] == 10 * 10**8
    assert ask("utxo", f"{PIZZA}:2").code == 1
    assert ask("tx", "00" * 32).code == 1
    assert [tip["status"] for tip in ask("tips").json["tips"]] == ["tip"]
    assert ask("export", chain / "out.dat").json["blocks"] == 256
    assert (chain / "out.dat").read_bytes().endswith((vectors / "blocks/mainnet_1_255.dat").read_bytes())


def test_the_coins_of_a_script_or_an_address(quorate: Quorate, chain: Path) -> None:
    def utxo(*arguments: object) -> Ran:
        return quorate("chain", "utxo", *arguments, "--datadir", chain, "--network", "mainnet", "--json")

    found = utxo("--script", f"41{HAL}ac").json
    assert (found["coins"], found["satoshis"]) == (1, 10 * 10**8)
    assert (found["unspent"][0]["txid"], found["unspent"][0]["vout"], found["unspent"][0]["height"]) == (
        PIZZA,
        0,
        170,
    )
    whole = utxo().json
    assert (whole["coins"], whole["satoshis"]) == (260, 255 * 50 * 10**8)
    with sqlite3.connect(chain / "mainnet" / "chain.sqlite") as database:
        scripts = {bytes(script) for (script,) in database.execute("SELECT script FROM coins")}
    database.close()
    each = [utxo("--script", script.hex()).json for script in scripts]
    assert sum(one["coins"] for one in each) == whole["coins"]
    assert sum(one["satoshis"] for one in each) == whole["satoshis"]
    none = utxo("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").json
    assert (none["coins"], none["satoshis"], none["unspent"]) == (0, 0, [])
    shown = quorate("chain", "utxo", "--script", f"41{HAL}ac", "--datadir", chain).out.splitlines()
    assert shown[3:5] == ["satoshis 1,000,000,000", "unspent 0"]


def test_the_coins_of_an_address(quorate: Quorate, vectors: Path, tmp_path: Path) -> None:
    with (vectors / "blocks" / "alt_mainnet_1_2016.csv").open() as file:
        blocks = [bytes.fromhex(row["block"]) for row in itertools.islice(csv.DictReader(file), 3)]
    source = tmp_path / "three.dat"
    source.write_bytes(b"".join(frame(block, network("mainnet")) for block in blocks))
    where = ("--datadir", tmp_path, "--network", "mainnet")
    assert quorate("chain", "import", source, *where, "--device", "reference").code == 0
    address = "1NQpH6Nf8QtR2HphLRcvuVqfhXBXsiWn8r"
    found = quorate("chain", "utxo", address, *where, "--json").json
    assert (found["coins"], found["satoshis"]) == (3, 3 * 50 * 10**8)
    assert [(coin["height"], coin["address"], coin["coinbase"]) for coin in found["unspent"]] == [
        (height, address, True) for height in (1, 2, 3)
    ]


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
        ("utxo", "12:x"),
        ("utxo", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081"),
        ("utxo", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        ("utxo", "--script", "5x"),
        ("utxo", "12", "--script", "51"),
        ("export", tmp_path / "no" / "out.dat"),
        ("tree", "--svg", tmp_path / "tree.png"),
        ("info", "--network", "litecoin"),
        ("import", tmp_path / "none.dat"),
    ):
        ran = quorate("chain", *arguments, "--datadir", tmp_path)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert len(ran.err.splitlines()) == 1
