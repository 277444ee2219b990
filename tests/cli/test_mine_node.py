"""quorate mine --node, against `quorate chain serve`: both in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ..miner.node.node import ADDRESS, Node, node
from .conftest import Quorate
from .mining import SLOW_NAMES, black_hole, events, mining, silent

COOKIE = ("--node", "http://127.0.0.1:1", "--cookie", "cookie")


@pytest.fixture(scope="module")
def regtest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("chains")) as it:
        yield it


def options(it: Node) -> tuple[object, ...]:
    return "--node", it.url, "--cookie", it.cookie, "--address", ADDRESS


def test_a_hundred_blocks(quorate: Quorate, tmp_path: Path) -> None:
    with node(tmp_path) as it, mining(*options(it), "--blocks", 100, "--devices", "cpu", "--json") as miner:
        ran = miner.end()
    assert (ran.code, ran.err) == (0, "")
    begin, *blocks, end = events(ran.out)
    assert (begin["event"], begin["node"], begin["network"]) == ("begin", it.url, "regtest")
    assert [block["height"] for block in blocks] == list(range(1, 101))
    assert {(block["event"], block["outcome"], block["device"]) for block in blocks} == {
        ("block", "accepted", "cpu")
    }
    assert (end["event"], end["blocks"], end["stale"], end["rejected"], end["unanswered"]) == (
        "end",
        100,
        0,
        {},
        0,
    )
    assert not end["interrupted"]
    verified = quorate("chain", "verify", "--datadir", tmp_path, "--json").json
    assert (verified["valid"], verified["height"]) == (True, 100)
    for height in (1, 50, 100):
        block = quorate("chain", "block", height, "--datadir", tmp_path, "--json").json
        assert block["hash"] == blocks[height - 1]["hash"]
        coin = quorate("chain", "utxo", f"{block['txids'][0]}:0", "--datadir", tmp_path, "--json").json
        assert coin["address"] == ADDRESS


def test_two_devices_and_a_password_in_a_file(quorate: Quorate, regtest: Node, tmp_path: Path) -> None:
    user, _, password = regtest.cookie.read_text().strip().partition(":")
    file = tmp_path / "password"
    file.write_text(password + "\n")
    ran = quorate(
        *("mine", "--node", regtest.url, "--user", user, "--password-file", file, "--address", ADDRESS),
        *("--blocks", 10, "--devices", "cpu,reference", "--empty", "--network", "regtest"),
    )
    assert ran.code == 0
    assert ran.out.count(", accepted\n") == 10
    assert "10 blocks in " in ran.out
    assert f"Mining for the node at {regtest.url}, on regtest, on cpu, reference." in ran.err
    assert password not in ran.out + ran.err


def test_without_a_number_it_is_a_block_a_second_until_ctrl_c(regtest: Node) -> None:
    with mining(*options(regtest), "--devices", "reference") as miner:
        for _ in range(2):
            assert miner.out.line().endswith("found by reference, accepted\n")
        ran, seconds = miner.interrupt()
    assert seconds < 1
    assert ran.code == 130
    assert f"; for the node at {regtest.url}\n" in ran.out
    assert "there is one a second" in ran.err
    assert ran.err.endswith("quorate: interrupted\n")


def test_a_node_that_goes_and_comes_back(tmp_path: Path) -> None:
    with node(tmp_path) as it, mining(*options(it), "--devices", "reference", "--json") as miner:
        port = int(it.url.rpartition(":")[2])
        for _ in range(2):
            miner.out.line()
        os.kill(it.process.pid, signal.SIGKILL)
        it.process.wait()
        told = miner.log.line()
        assert told.startswith("quorate: ")
        assert told.endswith(("; trying again\n", "is the node running, and is its RPC server on (server=1)?\n"))
        with node(tmp_path, port):
            heights = [1]
            while len(heights) < 4:
                [block] = events(miner.out.line())
                if block["outcome"] == "accepted":
                    heights.append(block["height"])
            ran, seconds = miner.interrupt()
    assert seconds < 1
    assert heights == [1, 2, 3, 4]
    end = events(ran.out)[-1]
    assert (ran.code, end["rejected"], end["unanswered"]) == (130, {}, 0)
    assert "Traceback" not in ran.err


def test_ctrl_c_while_the_node_cannot_be_reached_any_more(tmp_path: Path) -> None:
    """What it has found is told as unanswered."""
    with node(tmp_path) as it, mining(*options(it), "--devices", "reference", "--json") as miner:
        for _ in range(2):
            miner.out.line()
        time.sleep(0.3)  # until it has the work that follows; the pace lets it begin a second after the last
        os.kill(it.process.pid, signal.SIGKILL)
        it.process.wait()
        with black_hole(int(it.url.rpartition(":")[2])):
            miner.log.line("; trying again\n")
            time.sleep(2)  # until it has found its next block, and looks for the node to tell it
            ran, seconds = miner.interrupt()
    assert seconds < 1
    end = events(ran.out)[-1]
    assert (ran.code, end["event"], end["blocks"], end["unanswered"]) == (130, "end", 1, 1)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("silence", [silent, black_hole])
def test_ctrl_c_before_the_node_has_answered(silence: Callable[[], AbstractContextManager[int]]) -> None:
    with silence() as port:
        url = f"http://127.0.0.1:{port}"
        with mining("--node", url, "--user", "me", "--address", ADDRESS, "--devices", "reference") as miner:
            with pytest.raises(subprocess.TimeoutExpired):
                miner.process.wait(2)
            ran, seconds = miner.interrupt()
    assert seconds < 1
    assert (ran.code, ran.out, ran.err) == (130, "", "quorate: interrupted\n")


def test_ctrl_c_before_the_nodes_address_is_known() -> None:
    url = "http://node.example:8332"
    who = ("--node", url, "--user", "me", "--address", ADDRESS, "--devices", "reference")
    with mining(*who, before=SLOW_NAMES) as miner:
        with pytest.raises(subprocess.TimeoutExpired):
            miner.process.wait(2)
        ran, seconds = miner.interrupt()
    assert seconds < 1
    assert (ran.code, ran.out, ran.err) == (130, "", "quorate: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--node", "http://127.0.0.1:1", "--pool", "x"], "--node and --pool are two ways to mine; choose one"),
        ([*COOKIE], "--address is missing: the reward should belong to somebody"),
        (["--node", "http://127.0.0.1:1", "--address", ADDRESS], "--node wants either --cookie or --user"),
        ([*COOKIE, "--user", "me", "--address", ADDRESS], "--node wants either --cookie or --user"),
        ([*COOKIE, "--password-file", "f", "--address", ADDRESS], "--password-file is about --user"),
        ([*COOKIE, "--datadir", "d"], "--datadir is about the chain of this machine, and --node is not"),
        ([*COOKIE, "--start", "1"], "--start is about --header, and --node is not"),
        ([*COOKIE, "--header", "00"], "--header and --node are two ways to mine; choose one"),
        ([*COOKIE, "--address", ADDRESS, "--network", "signet"], "blocks of signet need the signature"),
        ([*COOKIE, "--address", ADDRESS, "--network", "mainnet"], "is no address on mainnet"),
        ([*COOKIE, "--address", ADDRESS], "cannot read the cookie file cookie: No such file or directory"),
        (["--node", "http://me:secret@127.0.0.1:1", "--user", "me", "--address", ADDRESS], "a file with --cookie"),
        (["--node", "ftp://127.0.0.1", "--user", "me", "--address", ADDRESS], "URL is like http://127.0.0.1:8332"),
        (["--node", "http://127.0.0.1:1", "--user", "me", "--address", ADDRESS], "nothing answers at http"),
        (["--cookie", "cookie"], "--cookie is about --node, which is missing"),
        (["--user", "me"], "--user is about --node or --pool, which is missing"),
        (["--empty"], "--empty is about --node, which is missing"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_in_one_sentence(
    quorate: Quorate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = quorate("mine", "--devices", "reference", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "secret" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_does_not_let_us_in(quorate: Quorate, regtest: Node, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("a wrong one")
    who = ("--user", "me", "--password-file", file)
    ran = quorate("mine", "--node", regtest.url, *who, "--address", ADDRESS, "--devices", "reference")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "does not accept our name and password (HTTP 401)" in ran.err
    assert "a wrong one" not in ran.err


def test_a_node_of_another_network(quorate: Quorate, regtest: Node) -> None:
    who = ("--node", regtest.url, "--cookie", regtest.cookie, "--devices", "reference")
    ran = quorate("mine", *who, "--address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "is no address on regtest" in ran.err
    both = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"  # base58 of the two begins alike
    ran = quorate("mine", *who, "--address", both, "--network", "testnet4")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert f"the node at {regtest.url} is on regtest, not on testnet4 as --network says" in ran.err
