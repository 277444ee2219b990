"""quorate mine: blocks are found, stored and shown; it can be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quorate.chain.chainstate import Chainstate
from quorate.chain.check_store import check_store
from quorate.chain.coins import digest
from quorate.chain.import_blocks import import_files
from quorate.chain.params import network
from quorate.chain.store import Store
from quorate.kernels.catalog import open_verifier

from .conftest import Quorate

ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"


def opened(datadir: Path) -> Chainstate:
    return Chainstate(Store(datadir / "regtest", network("regtest")), open_verifier("reference"))


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def start(datadir: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "quorate", "mine", "--datadir", str(datadir), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_blocks_are_found_stored_and_found_again(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("mine", "--blocks", 5, "--datadir", tmp_path, "--devices", "cpu")
    assert ran.code == 0
    found = [line.split()[1:3] for line in ran.out.splitlines() if line.endswith("found by cpu, valid, stored")]
    assert [height for height, _ in found] == ["1", "2", "3", "4", "5"]
    assert ran.out.splitlines()[-1].startswith("5 blocks in ")
    assert "Anyone may spend the rewards (OP_TRUE)" in ran.err
    for height, name in found:
        assert quorate("chain", "block", height, "--datadir", tmp_path, "--json").json["hash"] == name
    again = quorate("mine", "--blocks", 2, "--datadir", tmp_path)
    assert "from height 5" in again.err
    info = quorate("chain", "info", "--datadir", tmp_path, "--json").json
    assert (info["height"], info["network"]) == (7, "regtest")
    assert f"has height 7, tip {info['tip']}" in again.out
    assert quorate("chain", "verify", "--datadir", tmp_path, "--json").json["valid"]


def test_the_reward_goes_to_the_address(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("mine", "--blocks", 1, "--datadir", tmp_path, "--address", ADDRESS, "--devices", "reference")
    assert ran.code == 0
    assert "OP_TRUE" not in ran.err
    block = quorate("chain", "block", 1, "--datadir", tmp_path, "--json").json
    coin = quorate("chain", "utxo", f"{block['txids'][0]}:0", "--datadir", tmp_path, "--json").json
    assert coin["address"] == ADDRESS


def test_an_event_a_line(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("mine", "--blocks", 3, "--datadir", tmp_path, "--devices", "cpu,reference", "--json")
    assert ran.code == 0
    events = lines(ran.out)
    assert [event["event"] for event in events] == ["begin", "block", "block", "block", "end"]
    begin, *blocks, end = events
    assert (begin["height"], begin["devices"], begin["script"]) == (0, ["cpu", "reference"], "51")
    assert [block["height"] for block in blocks] == [1, 2, 3]
    assert {block["outcome"] for block in blocks} == {"accepted"}
    assert {block["device"] for block in blocks} <= {"cpu", "reference"}
    assert (end["blocks"], end["height"], end["tip"]) == (3, 3, blocks[-1]["hash"])
    assert (end["stale"], end["rejected"], end["errors"], end["interrupted"]) == (0, {}, [], False)
    assert end["hashes"] == sum(device["hashes"] for device in end["devices"]) >= 3
    assert ran.err == ""
    [error] = lines(quorate("mine", "--blocks", 1, "--datadir", tmp_path, "--devices", "gpu", "--json").out)
    assert "no device 'gpu'" in error["error"]


def test_quiet_prints_the_end_only(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("mine", "--blocks", 3, "--datadir", tmp_path, "--devices", "reference", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    [line] = ran.out.splitlines()
    assert line.startswith("3 blocks in ")
    [end] = lines(
        quorate("mine", "--blocks", 1, "--datadir", tmp_path, "--devices", "reference", "--quiet", "--json").out
    )
    assert (end["event"], end["height"]) == ("end", 4)


def test_a_device_that_fails_is_named_and_the_rest_goes_on(quorate: Quorate, tmp_path: Path) -> None:
    liar = "faulty:crash:reference"
    ran = quorate("mine", "--blocks", 40, "--datadir", tmp_path, "--devices", f"{liar},reference", "--json")
    assert ran.code == 0
    end = lines(ran.out)[-1]
    assert end["blocks"] == 40
    assert [error.startswith(liar) for error in end["errors"]] in ([], [True])


def test_when_no_device_is_left_exit_is_3(quorate: Quorate, tmp_path: Path) -> None:
    ran = quorate("mine", "--datadir", tmp_path, "--devices", "faulty:false-hit:reference")
    assert ran.code == 3
    assert "hardware error" in ran.err
    assert "0 blocks in" in ran.out
    assert quorate("chain", "info", "--datadir", tmp_path, "--json").json["height"] == 0


def test_it_mines_until_ctrl_c_and_goes_on_from_there(quorate: Quorate, tmp_path: Path) -> None:
    """The first block within seconds, then one a second."""
    process = start(tmp_path, "--devices", "cpu")
    assert process.stdout
    assert "block 1 " in process.stdout.readline()
    began = time.monotonic()
    assert "block 2 " in process.stdout.readline()
    assert "block 3 " in process.stdout.readline()
    assert 1 < time.monotonic() - began < 10
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "blocks in" in out
    assert "interrupted; the same command goes on from there" in err
    assert "Traceback" not in err
    height = quorate("chain", "info", "--datadir", tmp_path, "--json").json["height"]
    assert height >= 3
    ran = quorate("mine", "--blocks", 1, "--datadir", tmp_path, "--devices", "reference", "--json")
    assert lines(ran.out)[1]["height"] == height + 1


def test_in_a_terminal_blocks_stand_whole_above_the_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "quorate", "mine", "--blocks", "3", "--datadir", str(tmp_path)]
    process = subprocess.Popen([*command, "--devices", "reference"], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):  # how a terminal says that nobody is left to write
        while part := os.read(ours, 1 << 16):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", shown.decode())
    assert "mining" in text
    assert re.findall(r"[\r\n]block (\d)  [0-9a-f]{64}  found by reference, valid, stored\r", text) == [
        "1",
        "2",
        "3",
    ]
    assert re.search(r"[\r\n]3 blocks in ", text)


def test_a_second_process_is_told_why(quorate: Quorate, tmp_path: Path) -> None:
    process = start(tmp_path, "--devices", "reference")
    try:
        assert process.stdout
        assert "block 1 " in process.stdout.readline()
        ran = quorate("mine", "--blocks", 1, "--datadir", tmp_path, "--devices", "reference")
        assert ran.code == 2
        assert "is in use by another process" in ran.err
        assert len(ran.err.splitlines()) == 1
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(quorate: Quorate, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ran = quorate("mine", "--blocks", 1, "--datadir", tmp_path / "new", "--devices", "reference")
    tmp_path.chmod(0o700)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)


def test_a_folder_that_is_a_file(quorate: Quorate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = quorate("mine", "--blocks", 1, "--datadir", tmp_path / "file", "--devices", "reference")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert f"cannot write to {tmp_path / 'file' / 'regtest'}: Not a directory" in ran.err


def test_a_full_disk_is_one_sentence_and_the_chain_is_whole(quorate: Quorate, tmp_path: Path) -> None:
    """A limit of the operating system to the size of files does what a full disk would."""
    limited = (
        "import resource, signal, sys; from quorate.cli.app import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000));"
        "sys.argv = ['quorate', *sys.argv[1:]]; main()"
    )
    mining = ["mine", "--blocks", "100000", "--devices", "reference", "--datadir", str(tmp_path), "--quiet"]
    ran = subprocess.run([sys.executable, "-c", limited, *mining], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    [sentence] = ran.stderr.splitlines()
    assert str(tmp_path) in sentence
    mined = int(ran.stdout.split()[0])
    assert mined > 10
    document = quorate("chain", "verify", "--datadir", tmp_path, "--json").json
    assert (document["valid"], document["height"]) == (True, mined)


@pytest.mark.slow
def test_killed_a_hundred_times(tmp_path: Path) -> None:
    kill_and_look(tmp_path, times=100)


def test_killed_while_mining(tmp_path: Path) -> None:
    kill_and_look(tmp_path, times=4)


def kill_and_look(tmp_path: Path, times: int) -> None:
    """Each time the chain is whole, has every block that was shown, and goes on from there."""
    rng = random.Random(7)
    shown: list[str] = []
    for _ in range(times):
        process = start(tmp_path, "--devices", "reference", "--blocks", "1000000")
        assert process.stdout
        shown.append(process.stdout.readline().split()[2])
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        out, _ = process.communicate()
        shown += [line.split()[2] for line in out.splitlines() if line.endswith("stored")]
        chain = opened(tmp_path)
        report = check_store(chain, open_verifier("reference"), int(time.time()))
        assert (report.valid, report.detail) == (True, None)
        names = [node.name for node in chain.tip.branch()]
        assert len(shown) <= chain.tip.height == len(chain.tree) - 1
        assert set(shown) <= set(names)
        chain.store.close()
    assert len(shown) > times, "no kill came in the middle"
    chain, rebuilt = opened(tmp_path), opened(tmp_path / "rebuilt")
    import_files([tmp_path / "regtest" / "blocks" / "blk00000.dat"], rebuilt)
    assert rebuilt.tip.hash == chain.tip.hash
    assert digest(rebuilt.store.coins.items()) == digest(chain.store.coins.items())
    chain.store.close()
    rebuilt.store.close()
