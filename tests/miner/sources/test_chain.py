"""The local chain as a source: its blocks are found, validated whole and stored, one on the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import time

import pytest

from quorate.chain.chainstate import Chainstate
from quorate.chain.check_store import check_store
from quorate.chain.hashes import hash256
from quorate.chain.params import network
from quorate.chain.store import Store, StoreError
from quorate.kernels.backend import Backend
from quorate.kernels.catalog import open_verifier
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.mining import Miner
from quorate.miner.sources import chain as chain_source
from quorate.miner.sources.chain import ChainSource
from quorate.miner.space import Space
from quorate.miner.work import Outcome, Solution, SourceError, Work
from quorate.miner.worker import Worker

SCRIPT = bytes.fromhex("0014") + bytes(20)
REGTEST = network("regtest")


@contextmanager
def opened(folder: Path) -> Iterator[Chainstate]:
    store = Store(folder, REGTEST)
    try:
        yield Chainstate(store, open_verifier("reference"))
    finally:
        store.close()


def solve(work: Work, number: int = 0) -> Solution:
    """The solution in the first window that has one, or a later one of that window."""
    space, worker = Space(work), Worker(ReferenceBackend())
    while window := space.take(64, rolling=False):
        hits = worker.search(window.job)
        if len(hits) > number:
            return window.solution(hits[number])
    raise AssertionError("every second hash is a hit")


def mine(folder: Path, blocks: int, backends: list[Backend] | None = None) -> None:
    with closing(ChainSource(opened(folder), SCRIPT)) as source:
        workers = [Worker(backend) for backend in backends or [ReferenceBackend()]]
        report = Miner(source, workers, blocks).run(threading.Event(), lambda _: None)
    assert (report.accepted, report.stale, dict(report.rejected)) == (blocks, 0, {})


def test_mined_blocks_are_the_chain_and_mining_goes_on_from_there(tmp_path: Path) -> None:
    mine(tmp_path, 20, [ReferenceBackend(), ReferenceBackend()])
    with opened(tmp_path) as chain:
        assert chain.tip.height == 20
        tip = chain.tip.hash
        assert chain.store.coins.total() == (20, 20 * 50 * 10**8)
        assert {coin.output.script_pubkey for _, coin in chain.store.coins.items()} == {SCRIPT}
        assert abs(chain.tip.header.time - time()) < 600
    mine(tmp_path, 3)
    with opened(tmp_path) as chain:
        assert chain.tip.height == 23
        assert chain.tip.at(20).hash == tip
        assert len(chain.tree) == 24, "no block was mined beside the chain"
        report = check_store(chain, open_verifier("reference"), int(time()))
        assert (report.valid, report.detail) == (True, None)


def test_a_block_is_what_the_miner_hashed(tmp_path: Path) -> None:
    """Extranonce and version too, which a miner may choose."""
    with closing(ChainSource(opened(tmp_path), SCRIPT)) as source:
        work = source.work(None, 1)
        assert work is not None
        assert (work.height, work.once, work.replaces) == (1, True, True)
        version = work.version ^ 1 << 20
        header = work.header(0x01020304, version, work.time)
        nonce = int(ReferenceBackend().search(header, 0, 64, work.target).nonces[0])
        digest = hash256(header[:76] + nonce.to_bytes(4, "little"))
        solution = Solution(work, 0x01020304, version, work.time, nonce, digest)
        assert source.submit(solution).result().outcome is Outcome.ACCEPTED
        assert source.tip.hash == digest
        following = source.work(work, 1)
        assert following is not None
        assert (following.height, following.previous, following.replaces) == (2, digest, True)
        assert source.work(following, 0.01) is None


def test_what_comes_too_late_is_stale_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    with closing(ChainSource(opened(tmp_path), SCRIPT)) as source:
        work = source.work(None, 1)
        assert work is not None
        first, second = solve(work), solve(work, 1)
        wrong = Solution(work, 0, work.version, work.time, _miss(work), bytes(32))
        answer = source.submit(wrong).result()
        assert (answer.outcome, answer.reason) == (Outcome.REJECTED, "high-hash")
        assert source.submit(first).result().outcome is Outcome.ACCEPTED
        assert source.submit(second).result().outcome is Outcome.STALE
        assert source.tip.height == 1


def test_an_old_work_is_renewed_and_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(ChainSource(opened(tmp_path), SCRIPT)) as source:
        work = source.work(None, 1)
        assert work is not None
        monkeypatch.setattr(chain_source, "RENEWED_AFTER", 0.0)
        renewed = source.work(work, 1)
        assert renewed is not None
        assert (renewed.previous, renewed.replaces) == (work.previous, False)
        assert source.submit(solve(work)).result().outcome is Outcome.ACCEPTED


def test_no_work_while_blocks_would_lie_too_far_in_the_future(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain that grows faster than the clock: each block is later than the median of those below."""
    monkeypatch.setattr(chain_source, "MAX_FUTURE_SECONDS", 3)
    with closing(ChainSource(opened(tmp_path), SCRIPT)) as source:
        work = source.work(None, 1)
        while work is not None and source.tip.height < 100:
            source.submit(solve(work)).result()
            work = source.work(work, 0)
        height = source.tip.height
        assert 10 < height < 100
        later = None
        for _ in range(30):
            later = later or source.work(work, 0.1)
        assert later is not None


def test_a_chain_that_cannot_be_opened_is_told_and_leaves_no_thread(tmp_path: Path) -> None:
    with closing(ChainSource(opened(tmp_path), SCRIPT)), pytest.raises(StoreError, match="in use"):
        ChainSource(opened(tmp_path), SCRIPT)
    assert "chain_0" not in {thread.name for thread in threading.enumerate()}


def test_a_disk_that_fails_ends_the_source_with_one_sentence(tmp_path: Path) -> None:
    with closing(ChainSource(opened(tmp_path), SCRIPT)) as source:
        work = source.work(None, 1)
        assert work is not None
        (tmp_path / "blocks").rmdir()
        with pytest.raises(SourceError, match="cannot write to the block file"):
            source.submit(solve(work)).result()
        with pytest.raises(SourceError, match="cannot write to the block file"):
            source.work(work, 1)


def _miss(work: Work) -> int:
    header = work.header(0, work.version, work.time)
    hits = set(ReferenceBackend().search(header, 0, 64, work.target).nonces.tolist())
    return next(nonce for nonce in range(64) if nonce not in hits)
