"""Forks, reorganisations, orphans and refusals, on chains of real blocks and on regtest."""

from __future__ import annotations

import csv
import itertools
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.chain.block import Block
from quorate.chain.block_files import BlockFile
from quorate.chain.chainstate import Chainstate, Status
from quorate.chain.check_store import check_store
from quorate.chain.params import network
from quorate.chain.store import Store, StoreError
from quorate.chain.transaction import OutPoint
from quorate.chain.tree import fork_point
from quorate.kernels.backend import UsageError

from .regtest import (
    ANYONE_BY_WITNESS,
    MAINNET_YOUNG,
    block_on,
    give,
    grow,
    open_chain,
    remade,
    reward,
    spend,
    utxo_digest,
    verifier,
)


@pytest.fixture
def chain(tmp_path: Path) -> Chainstate:
    return open_chain(tmp_path / "chain")


def read_all(path: Path) -> list[Block]:
    blocks = [Block.parse(raw) for _, raw in BlockFile(path, MAINNET_YOUNG).blocks()]
    return [block for block in blocks if block.header != MAINNET_YOUNG.genesis]


def test_an_alternate_mainnet_with_a_retarget(vectors: Path, tmp_path: Path) -> None:
    with (vectors / "blocks" / "alt_mainnet_1_2016.csv").open() as file:
        rows = list(csv.DictReader(file))
    chain = open_chain(tmp_path, network("mainnet"))
    for row in rows:
        [outcome] = chain.accept(bytes.fromhex(row["block"]))
        assert (outcome.status, outcome.height, outcome.hash) == (Status.TIP, int(row["height"]), row["hash"])
    assert len(rows) == chain.tip.height == 2016
    assert chain.tip.header.bits != network("mainnet").genesis.bits
    assert chain.store.coins.total() == (2016, 2016 * 50 * 10**8)


def test_mainnet_begins(vectors: Path, tmp_path: Path) -> None:
    """Block 170 has the first payment: Satoshi Nakamoto to Hal Finney, out of block 9."""
    chain = open_chain(tmp_path, network("mainnet"))
    for block in read_all(vectors / "blocks" / "mainnet_1_255.dat"):
        assert give(chain, block).status == Status.TIP
    assert chain.tip.height == 255
    assert chain.tip.at(170).name == "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
    count, value = chain.store.coins.total()
    assert (count, value) == (260, 255 * 50 * 10**8)
    report = check_store(chain, verifier(), int(time.time()))
    assert (report.valid, report.blocks) == (True, 256)


def test_a_real_reorganisation_there_and_back(vectors: Path, tmp_path: Path) -> None:
    folder = vectors / "blocks"
    main = read_all(folder / "reorg_0_to_4.dat")
    branch = [read_all(folder / f"reorg_{name}.dat")[0] for name in ("3A", "4A", "5A")]
    chain = open_chain(tmp_path, MAINNET_YOUNG)
    for block in main:
        assert give(chain, block).status == Status.TIP
    before = utxo_digest(chain)
    outcomes = [give(chain, block) for block in branch]
    assert [(outcome.status, outcome.disconnected) for outcome in outcomes] == [
        (Status.BRANCH, 0),
        (Status.BRANCH, 0),
        (Status.TIP, 2),
    ]
    after = utxo_digest(chain)
    assert after != before

    straight = open_chain(tmp_path / "straight", MAINNET_YOUNG)
    for block in (*main[:2], *branch):
        give(straight, block)
    assert utxo_digest(straight) == after

    chain.invalidate(branch[0].header.hash())
    assert (chain.tip.hash, utxo_digest(chain)) == (main[-1].header.hash(), before)
    chain.reconsider(branch[0].header.hash())
    assert (chain.tip.hash, utxo_digest(chain)) == (branch[-1].header.hash(), after)


def test_of_equal_work_the_first_seen_stays(chain: Chainstate) -> None:
    root = chain.tip
    [first] = grow(chain, 1)
    second = block_on(chain, root, extra=b"later")
    outcome = give(chain, second)
    assert outcome.status == Status.BRANCH
    assert chain.tip.hash == first.header.hash()
    assert [tip.hash for tip in chain.tree.tips()] == [first.header.hash(), second.header.hash()]
    assert give(chain, second).status == Status.KNOWN


def test_orphans_follow_when_their_parent_comes(chain: Chainstate, tmp_path: Path) -> None:
    elsewhere = open_chain(tmp_path / "elsewhere")
    blocks = grow(elsewhere, 5)
    for block in (blocks[4], blocks[2], blocks[3], blocks[1]):
        assert give(chain, block).status == Status.ORPHAN
    outcomes = chain.accept(blocks[0].serialise())
    assert [(outcome.status, outcome.height) for outcome in outcomes] == [(Status.TIP, h) for h in range(1, 6)]
    assert utxo_digest(chain) == utxo_digest(elsewhere)


def test_an_orphan_without_work_is_not_held(chain: Chainstate, tmp_path: Path) -> None:
    block = grow(open_chain(tmp_path / "elsewhere"), 2)[1]
    weak = Block(replace(block.header, bits=0x1D00FFFF), block.transactions)
    outcome = give(chain, weak)
    assert outcome.refusal
    assert outcome.refusal.reason == "high-hash"


def test_a_refused_block_takes_its_descendants_with_it(chain: Chainstate) -> None:
    root = chain.tip
    blocks = grow(chain, 2)
    greedy = block_on(chain, root, fees=1)
    assert give(chain, greedy).status == Status.BRANCH
    above = chain.tree.get(greedy.header.hash())
    assert above
    second = block_on(chain, above)
    assert give(chain, second).status == Status.BRANCH
    above = chain.tree.get(second.header.hash())
    assert above
    outcome = give(chain, block_on(chain, above))
    assert outcome.refusal
    assert outcome.refusal.reason == "bad-prevblk"
    marked = chain.tree.get(greedy.header.hash())
    assert marked
    assert marked.refusal
    assert marked.refusal.reason == "bad-cb-amount"
    assert chain.tip.hash == blocks[-1].header.hash()

    reopened = reopen(chain)
    assert [node.refusal and node.refusal.reason for node in reopened.tree] == [
        node.refusal and node.refusal.reason for node in chain.tree
    ]


def reopen(chain: Chainstate) -> Chainstate:
    chain.store.close()
    return open_chain(chain.store.folder)


def test_a_deep_reorganisation_undoes_what_was_spent(chain: Chainstate, tmp_path: Path) -> None:
    root = chain.tip
    common = grow(chain, 3)
    fork = chain.tip
    by_witness = spend(reward(common[0]), value=49 * 10**8, to=ANYONE_BY_WITNESS)
    give(chain, block_on(chain, chain.tip, [by_witness]))
    grow(chain, 20)
    before = utxo_digest(chain)
    parent = fork
    branch = []
    for number in range(22):
        branch.append(block_on(chain, parent, [spend(reward(common[0]), value=1)] if number == 20 else (), b"B"))
        outcome = give(chain, branch[-1])
        found = chain.tree.get(branch[-1].header.hash())
        assert found
        parent = found
    assert (outcome.status, outcome.disconnected) == (Status.TIP, 21)
    straight = open_chain(tmp_path / "straight")
    for block in (*common, *branch):
        assert give(straight, block).status == Status.TIP
    assert utxo_digest(chain) == utxo_digest(straight)
    chain.invalidate(branch[0].header.hash())
    assert utxo_digest(chain) == before
    chain.invalidate(common[0].header.hash())
    assert (chain.tip, chain.store.coins.total()) == (root, (0, 0))
    with pytest.raises(UsageError, match="genesis cannot"):
        chain.invalidate(root.hash)


def test_a_branch_that_turns_out_invalid_leaves_no_trace(chain: Chainstate) -> None:
    """It has the most work, and its second block spends what is not there: the reorganisation is undone."""
    grow(chain, 2)
    tip, before = chain.tip, utxo_digest(chain)
    root = chain.tree.root
    first = block_on(chain, root, extra=b"B")
    give(chain, first)
    node = chain.tree.get(first.header.hash())
    assert node
    bad = block_on(chain, node, [spend(reward(first), value=1), spend(reward(first), value=2)], b"B")
    assert give(chain, bad).status == Status.BRANCH
    node = chain.tree.get(bad.header.hash())
    assert node
    outcome = give(chain, block_on(chain, node))
    assert outcome.status == Status.REFUSED
    assert outcome.refusal
    assert outcome.refusal.reason == "bad-prevblk"
    assert chain.tip is tip
    assert utxo_digest(chain) == before == utxo_digest(reopen(chain))


def test_a_mutated_copy_does_not_shut_out_the_block(chain: Chainstate) -> None:
    """The hash does not cover witnesses, nor a repeated end of the list of transactions (CVE-2012-2459)."""
    first = grow(chain, 3)[0]
    one = spend(reward(first), value=1, to=ANYONE_BY_WITNESS)
    block = block_on(chain, chain.tip, [one, spend(OutPoint(one.txid, 0), value=1)], b"")
    outcome = give(chain, Block(block.header, (*block.transactions, block.transactions[-1])))
    assert outcome.refusal
    assert outcome.refusal.reason == "bad-txns-duplicate"
    assert chain.tree.get(block.header.hash()) is None


def test_bytes_that_are_no_block(chain: Chainstate) -> None:
    [outcome] = chain.accept(b"\1" * 100)
    assert outcome.refusal
    assert outcome.refusal.reason == "bad-block"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_tree_in_any_order_gives_the_coins_of_its_best_branch(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A random tree with spends on its branches, given in any order; then its best branch alone, in its order."""
    rng = random.Random(seed)
    source = open_chain(tmp_path_factory.mktemp("source"))
    blocks: dict[bytes, Block] = {}
    for number in range(14):
        parent = rng.choice([*source.tree][-4:])
        rewards = [reward(blocks[node.hash]) for node in parent.branch() if node.hash in blocks]
        candidates = rewards[1:] if len(rewards) > 1 else []
        payments = [spend(rng.choice(candidates), value=rng.randrange(10**9))] if candidates else []
        block = block_on(source, parent, payments, bytes((number,)))
        give(source, block)
        blocks[block.header.hash()] = block

    target = open_chain(tmp_path_factory.mktemp("target"))
    shuffled = list(blocks.values())
    rng.shuffle(shuffled)
    for block in shuffled:
        target.accept(block.serialise())
    assert len(target.tree) == len(source.tree)
    assert target.tip.work == source.tip.work

    straight = open_chain(tmp_path_factory.mktemp("straight"))
    for height in range(1, target.tip.height + 1):
        assert give(straight, blocks[target.tip.at(height).hash]).status == Status.TIP
    assert straight.tip.hash == target.tip.hash
    assert utxo_digest(straight) == utxo_digest(target)
    assert check_store(target, verifier(), 4_000_000_000).valid


def test_a_reconsidered_block_is_judged_anew(chain: Chainstate) -> None:
    root = chain.tip
    grow(chain, 1)
    greedy = block_on(chain, root, fees=1)
    give(chain, greedy)
    node = chain.tree.get(greedy.header.hash())
    assert node
    give(chain, block_on(chain, node))
    assert node.refusal
    chain.reconsider(node.hash)
    assert node.refusal.reason == "bad-cb-amount"
    assert chain.tip.hash != node.hash


def test_a_block_refused_for_its_bytes_cannot_be_reconsidered(chain: Chainstate) -> None:
    block, other = block_on(chain, chain.tip), block_on(chain, chain.tip, extra=b"other")
    twice = remade(block, block.transactions[0], other.transactions[0])
    outcome = give(chain, twice)
    assert outcome.refusal
    assert outcome.refusal.reason == "bad-cb-multiple"
    with pytest.raises(UsageError, match="own bytes"):
        chain.reconsider(twice.header.hash())
    assert give(chain, twice).status == Status.REFUSED


def test_heights_and_forks_of_every_pair(chain: Chainstate) -> None:
    """The jumps of the tree against plain walking."""
    rng = random.Random(1)
    for number in range(40):
        give(chain, block_on(chain, rng.choice([*chain.tree][-5:]), extra=bytes((number,))))
    nodes = [*chain.tree]
    for node in nodes:
        assert [node.at(height) for height in range(node.height, -1, -1)] == [*node.branch()]
    for one, other in itertools.product(nodes, nodes):
        below = [*other.branch()]
        assert fork_point(one, other) is next(node for node in one.branch() if node in below)


def test_another_networks_chain_is_not_opened(chain: Chainstate) -> None:
    chain.store.close()
    with pytest.raises(StoreError, match="is one of regtest, not of mainnet"):
        Store(chain.store.folder, network("mainnet"))
