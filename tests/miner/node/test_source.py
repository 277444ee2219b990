"""A real node as a source of work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.kernels.backend import UsageError
from quorate.miner.node.answers import explain
from quorate.miner.node.credentials import Credentials
from quorate.miner.node.propose import propose
from quorate.miner.node.source import NodeSource
from quorate.miner.work import Answer, Outcome, SourceError

from .node import PAID_TO, Node, mine, node, solve


@pytest.fixture(scope="module")
def regtest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("chains")) as it:
        yield it


@pytest.fixture
def source(regtest: Node) -> Iterator[NodeSource]:
    it = regtest.source()
    yield it
    it.close()


def test_a_hundred_blocks(tmp_path: Path) -> None:
    """Mined through the node, paid to the address, and there after it has started again."""
    with node(tmp_path) as it:
        source = it.source()
        assert mine(source, 100) == [Answer(Outcome.ACCEPTED)] * 100
        source.close()
    with node(tmp_path) as it:
        rpc = it.rpc()
        assert rpc.call("getblockcount") == 100
        for height in (1, 16, 17, 100):
            raw = rpc.call("getblock", [rpc.call("getblockhash", [height]), 0])
            assert isinstance(raw, str)
            assert Block.parse(bytes.fromhex(raw)).transactions[0].outputs[0] == (50_0000_0000, PAID_TO)
        rpc.close()


def test_a_new_tip_is_known_at_once(regtest: Node, source: NodeSource) -> None:
    """By long polling: somebody else's block is work for us within 100 ms of the node's answer to them."""
    rpc = regtest.rpc()
    time.sleep(0.3)  # until the source waits at the node
    for _ in range(10):
        work = source.work(None, 5)
        assert work is not None
        solution = solve(work)
        block = work.block(solution.header, 0)
        assert rpc.call("submitblock", [block.hex()]) is None
        began = time.monotonic()
        newer = source.work(work, 5)
        assert newer is not None
        assert time.monotonic() - began < 0.1
        assert newer.previous == solution.digest
        assert newer.replaces
        time.sleep(0.02)
    rpc.close()


def test_without_anything_new_there_is_no_other_work(source: NodeSource) -> None:
    work = source.work(None, 5)
    began = time.monotonic()
    assert source.work(work, 0.3) is None
    assert time.monotonic() - began >= 0.29


def test_every_answer_of_the_node(source: NodeSource, caplog: pytest.LogCaptureFixture) -> None:
    work = source.work(None, 5)
    assert work is not None
    first, second = solve(work, 1), solve(work, 2)
    assert source.submit(solve(work, 3, hit=False)).result(5) == Answer(Outcome.REJECTED, "high-hash")
    assert source.submit(first).result(5) == Answer(Outcome.ACCEPTED)
    assert source.submit(first).result(5) == Answer(Outcome.REJECTED, "duplicate")
    assert source.submit(second).result(5) == Answer(Outcome.STALE, "inconclusive")
    unknown = replace(work, previous=bytes(range(32)))
    assert source.submit(solve(unknown)).result(5) == Answer(Outcome.STALE, "prev-blk-not-found")
    late = replace(work, time=work.time + 8000)
    assert source.submit(solve(late)).result(5) == Answer(Outcome.REJECTED, "time-too-new")
    assert source.submit(solve(replace(work, bits=0x1F7FFFFF))).result(5).reason == "bad-diffbits"
    for reason in ("high-hash", "duplicate", "inconclusive", "prev-blk-not-found", "time-too-new"):
        assert explain(reason)
        assert f"{reason}: {explain(reason)}" in caplog.text


def test_the_node_judges_proposals(regtest: Node, source: NodeSource) -> None:
    work = source.work(None, 5)
    assert work is not None
    rpc = regtest.rpc()
    assert propose(rpc, work) is None
    before, after = work.coinbase
    greedy = after.replace((50_0000_0000).to_bytes(8, "little"), (50_0000_0001).to_bytes(8, "little"))
    assert propose(rpc, replace(work, coinbase=(before, greedy))) == "bad-cb-amount"
    assert propose(rpc, replace(work, commits=False)) == "bad-witness-nonce-size"
    assert propose(rpc, replace(work, previous=bytes(range(32)))) is None  # says nothing about the block
    rpc.close()


def test_signet_and_wrong_addresses_are_refused(regtest: Node, tmp_path: Path) -> None:
    with node(tmp_path, network="signet") as it, pytest.raises(SourceError, match="signature"):
        it.source()
    with pytest.raises(UsageError, match="no address on regtest"):
        NodeSource(regtest.url, Credentials(regtest.cookie), "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")


def test_a_block_that_is_found_while_the_node_is_down_is_not_lost(tmp_path: Path) -> None:
    """Killed, and started again with another cookie: the block goes in, and new work follows."""
    with node(tmp_path) as it:
        source = it.source()
        work = source.work(None, 5)
        assert work is not None
        port = int(it.url.rpartition(":")[2])
        os.kill(it.process.pid, signal.SIGKILL)
        it.process.wait()
        answer = source.submit(solve(work))
        time.sleep(0.5)
        assert not answer.done()
        assert source.work(work, 0) is None  # and the old work stays
    with node(tmp_path, port) as it:
        assert answer.result(10) == Answer(Outcome.ACCEPTED)
        newer = source.work(work, 10)
        assert newer is not None
        assert newer.height == 2
        source.close()
