"""The check of a whole store: what it finds, and that its memory does not grow with the coins.

Damaged files are in `test_store.py`.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from quorate.chain.chainstate import Chainstate
from quorate.chain.check_store import check_store
from quorate.chain.coins import digest
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

from .regtest import ANYONE, ANYONE_BY_WITNESS, block_on, give, grow, open_chain, reward, spend, verifier

LATER = 4_000_000_000

CHECK = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from quorate.chain.chainstate import Chainstate
from quorate.chain.check_store import check_store
from quorate.chain.params import network
from quorate.chain.store import Store
from quorate.kernels.catalog import open_verifier

backend = open_verifier("reference")
chain = Chainstate(Store(Path(sys.argv[1]), replace(network("regtest"), coinbase_maturity=2)), backend)
report = check_store(chain, backend, 4_000_000_000)
assert report.valid, report.detail
print(chain.store.coins.total()[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def chain(tmp_path: Path) -> Chainstate:
    """Two branches; the longer one spends coins of its own and of others."""
    chain = open_chain(tmp_path / "chain")
    root = chain.tip
    first = grow(chain, 4)[0]
    one = spend(reward(first), value=5000)
    give(chain, block_on(chain, chain.tip, [one, spend(OutPoint(one.txid, 0), value=4000)]))
    give(chain, block_on(chain, root, extra=b"aside"))
    return chain


def change(chain: Chainstate, statement: str) -> Chainstate:
    """The chain after somebody else has been at its database."""
    chain.store.close()
    with sqlite3.connect(chain.store.folder / "chain.sqlite") as database:
        database.execute(statement)
    database.close()
    return open_chain(chain.store.folder)


def test_a_good_chain_is_good(chain: Chainstate) -> None:
    heights: list[tuple[int, int]] = []
    report = check_store(chain, verifier(), LATER, lambda *pair: heights.append(pair))
    assert (report.valid, report.blocks, report.detail) == (True, 6, None)
    assert heights == [(height, 5) for height in range(1, 6)]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM coins WHERE height = 2", "1 are missing, 0 too many, 0 changed"),
        ("INSERT INTO coins VALUES (zeroblob(32), 7, 1, 0, 5, x'51')", "0 are missing, 1 too many, 0 changed"),
        ("UPDATE coins SET value = value + 1 WHERE height < 4", "0 are missing, 0 too many, 2 changed"),
        ("UPDATE coins SET script = x'52' WHERE height = 3", "0 are missing, 0 too many, 1 changed"),
        ("UPDATE coins SET vout = 9 WHERE height = 3", "1 are missing, 1 too many, 0 changed"),
    ],
)
def test_coins_that_are_others(chain: Chainstate, statement: str, words: str) -> None:
    good = digest(chain.store.coins.items())
    report = check_store(change(chain, statement), verifier(), LATER)
    assert (report.valid, report.blocks) == (False, 6)
    assert report.detail
    assert words in report.detail
    assert f"digest {good} expected" in report.detail


def test_a_block_that_should_have_been_refused(chain: Chainstate) -> None:
    """The index claims that it is good; its script says that it is not."""
    paid = spend(reward(grow(chain, 3)[0]), value=1, to=ANYONE_BY_WITNESS)
    give(chain, block_on(chain, chain.tip, [paid]))
    tip = chain.tip
    outcome = give(chain, block_on(chain, tip, [spend(OutPoint(paid.txid, 0), value=1)]))
    assert outcome.status == "refused"
    bad = bytes.fromhex(outcome.hash)[::-1]
    chain.store.set_refusal(bad, None)
    chain.store.tip = bad
    chain.store.close()
    report = check_store(open_chain(chain.store.folder), verifier(), LATER)
    assert (report.valid, report.blocks) == (False, tip.height + 1)
    assert report.detail
    assert report.detail.startswith(f"block {outcome.hash} at height {tip.height + 1}: block-script-verify")


def test_a_clock_that_is_behind(chain: Chainstate) -> None:
    report = check_store(chain, verifier(), 0)
    assert report.detail
    assert "time-too-new" in report.detail


def test_memory_does_not_grow_with_the_coins(tmp_path: Path) -> None:
    """4,500 coins against 45,000."""
    peaks = []
    for outputs in (250, 2_500):
        folder = tmp_path / str(outputs)
        chain = open_chain(folder)
        blocks = grow(chain, 20)
        for block in blocks[:-2]:
            many = Transaction(2, (TxIn(reward(block), b""),), (TxOut(1, ANYONE),) * outputs)
            assert give(chain, block_on(chain, chain.tip, [many])).status == "tip"
        chain.store.close()
        command = [sys.executable, "-c", CHECK, str(folder)]
        count, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert int(count) > 18 * outputs
        peaks.append(int(peak))
    assert (
        peaks[1] - peaks[0] < 65536 + 16384
    )  # two caches of at most 64 MiB have filled up, of which one was full
