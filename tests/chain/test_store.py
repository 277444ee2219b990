"""What is on the disk survives: closing, killing, cutting, damaging, a second process, a full disk."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.block_files import BlockFile
from quorate.chain.chainstate import Chainstate
from quorate.chain.check_store import check_store
from quorate.chain.import_blocks import import_files
from quorate.chain.params import network
from quorate.chain.store import Store, StoreError

from .regtest import REGTEST, block_on, give, grow, open_chain, reward, spend, utxo_digest, verifier

IMPORTER = """
import sys
from pathlib import Path
from quorate.chain.chainstate import Chainstate
from quorate.chain.import_blocks import import_files
from quorate.chain.params import network
from quorate.chain.store import Store
from quorate.kernels.catalog import open_verifier

chain = Chainstate(Store(Path(sys.argv[1]), network("mainnet")), open_verifier("reference"))
print(chain.tip.height, flush=True)
import_files([Path(sys.argv[2])], chain)
sys.stdin.read()
"""


@pytest.fixture
def chain(tmp_path: Path) -> Chainstate:
    return open_chain(tmp_path / "chain")


def test_a_chain_is_found_as_it_was_left(chain: Chainstate) -> None:
    first = grow(chain, 3)[0]
    give(chain, block_on(chain, chain.tip, [spend(reward(first), value=1)]))
    give(chain, block_on(chain, chain.tree.root, extra=b"branch"))
    before = [(node.hash, node.height, node.work, node.sequence) for node in chain.tree]
    coins, tip = utxo_digest(chain), chain.tip.hash
    chain.store.close()
    again = open_chain(chain.store.folder)
    assert [(node.hash, node.height, node.work, node.sequence) for node in again.tree] == before
    assert (utxo_digest(again), again.tip.hash) == (coins, tip)


def test_a_second_process_is_told_why(chain: Chainstate) -> None:
    command = [sys.executable, "-c", IMPORTER, str(chain.store.folder), "none"]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode != 0
    sentence = f"the chain in {chain.store.folder} is in use by another process; stop it or use another folder"
    assert sentence in second.stderr


@pytest.mark.slow
def test_killed_a_hundred_times(vectors: Path, tmp_path: Path) -> None:
    kill_and_look(vectors, tmp_path, times=100)


def test_killed_while_importing(vectors: Path, tmp_path: Path) -> None:
    kill_and_look(vectors, tmp_path, times=4)


def kill_and_look(vectors: Path, tmp_path: Path, times: int) -> None:
    """Each time: everything on the disk is checked anew, and the coins are those that the blocks leave.

    At least so many times, and until a kill came in the middle, which is up to the machine.
    """
    rng = random.Random(5)
    source = vectors / "blocks" / "mainnet_1_255.dat"
    folder = tmp_path / "chain"
    heights: set[int] = set()
    for time_of_kill in range(20 * times):
        if time_of_kill >= times and any(0 < height < 255 for height in heights):
            break
        command = [sys.executable, "-c", IMPORTER, str(folder), str(source)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline()
            time.sleep(rng.uniform(0, 0.15))
            os.kill(process.pid, signal.SIGKILL)
        chain = open_chain(folder, network("mainnet"))
        heights.add(chain.tip.height)
        report = check_store(chain, verifier(), int(time.time()))
        assert report.valid, report.detail
        assert report.blocks == chain.tip.height + 1 == len(chain.tree)
        done = chain.tip.height == 255
        chain.store.close()
        if done:
            for path in (folder / "blocks").iterdir():
                path.unlink()
            for path in folder.glob("chain.sqlite*"):
                path.unlink()
    assert any(0 < height < 255 for height in heights)
    chain = open_chain(folder, network("mainnet"))
    import_files([source], chain)
    straight = open_chain(tmp_path / "straight", network("mainnet"))
    import_files([source], straight)
    assert utxo_digest(chain) == utxo_digest(straight)
    assert chain.tip.hash == straight.tip.hash


def test_bytes_behind_the_last_block_are_written_over(chain: Chainstate) -> None:
    grow(chain, 2)
    chain.store.close()
    path = chain.store.folder / "blocks" / "blk00000.dat"
    whole = path.read_bytes()
    path.write_bytes(whole + b"half a block that nobody knows")
    again = open_chain(chain.store.folder)
    grow(again, 1)
    assert path.read_bytes().startswith(whole + REGTEST.magic)
    assert [Block.parse(raw).header.hash() for _, raw in BlockFile(path, REGTEST).blocks()] == [
        node.hash for node in again.tree if node.parent
    ]


def test_a_cut_block_file_is_named(chain: Chainstate) -> None:
    grow(chain, 2)
    chain.store.close()
    path = chain.store.folder / "blocks" / "blk00000.dat"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"blk00000\.dat is cut off: \d+ bytes expected, \d+ found"):
        open_chain(chain.store.folder)


def test_a_damaged_block_is_found(chain: Chainstate) -> None:
    grow(chain, 3)
    path = chain.store.folder / "blocks" / "blk00000.dat"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    report = check_store(chain, verifier(), 4_000_000_000)
    assert not report.valid
    assert report.blocks == 3
    assert report.detail
    place = data.rindex(REGTEST.magic) + 8
    assert f"blk00000.dat is damaged at byte {place}, where block {chain.tip.name}" in report.detail


def test_a_damaged_block_is_not_taken_for_an_invalid_one(chain: Chainstate) -> None:
    """Where a reorganisation needs it: nothing changes, and the block is not refused for what the disk did."""
    first, second = grow(chain, 2)
    chain.invalidate(second.header.hash())
    chain.invalidate(first.header.hash())
    path = chain.store.folder / "blocks" / "blk00000.dat"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged at byte"):
        chain.reconsider(second.header.hash())
    assert chain.tip.height == 0
    assert [node.refusal and node.refusal.reason for node in chain.tree] == [
        None,
        "marked-invalid",
        "marked-invalid",
    ]


@pytest.mark.parametrize("statement", ["UPDATE coins SET value = value + 1", "DELETE FROM coins WHERE height = 2"])
def test_changed_coins_are_found(chain: Chainstate, statement: str) -> None:
    grow(chain, 3)
    chain.store.close()
    with sqlite3.connect(chain.store.folder / "chain.sqlite") as database:
        database.execute(statement)
    database.close()
    report = check_store(open_chain(chain.store.folder), verifier(), 4_000_000_000)
    assert not report.valid
    assert report.detail
    assert report.detail.startswith("the coins are not those that the blocks leave")


def test_a_damaged_database_is_one_sentence(chain: Chainstate) -> None:
    grow(chain, 3)
    chain.store.close()
    path = chain.store.folder / "chain.sqlite"
    path.write_bytes(b"not SQLite's bytes" * 1000)
    with pytest.raises(StoreError, match=r"chain\.sqlite is damaged \(file is not a database\)"):
        open_chain(chain.store.folder)


def test_another_version_is_refused(chain: Chainstate) -> None:
    chain.store.close()
    with sqlite3.connect(chain.store.folder / "chain.sqlite") as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(StoreError, match="has format 7 and this Quorate reads 1"):
        open_chain(chain.store.folder)


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "chain.sqlite") as database:
        database.execute("CREATE TABLE other (x)")
    database.close()
    with pytest.raises(StoreError, match="is no chain of Quorate"):
        Store(tmp_path, REGTEST)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        Store(tmp_path / "file" / "chain", REGTEST)


def test_a_full_disk_leaves_the_chain_as_it_was(chain: Chainstate) -> None:
    """The limit on file sizes stands in for a full disk: writing fails with an error of the same kind."""
    grow(chain, 2)
    tip, coins = chain.tip.hash, utxo_digest(chain)
    block = block_on(chain, chain.tip, script=bytes(50_000))
    size = (chain.store.folder / "blocks" / "blk00000.dat").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10_000, before[1]))
    try:
        with pytest.raises(StoreError, match="cannot write to the block file"):
            chain.accept(block.serialise())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (chain.tip.hash, utxo_digest(chain)) == (tip, coins)
    assert give(chain, block).status == "tip"
    assert check_store(chain, verifier(), 4_000_000_000).valid
