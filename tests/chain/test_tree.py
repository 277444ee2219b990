"""The tree alone, with headers that nobody mined. Jumps and forks of every pair are in `test_chainstate.py`."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from quorate.chain.header import BlockHeader
from quorate.chain.params import Network, network
from quorate.chain.refusal import Reason, Refusal
from quorate.chain.tree import BlockTree, Node, fork_point

from .mining import LIMIT, REGTEST, TESTNET_BIP94

HARDER = 0x201FFFFF
"""Four times the work of `LIMIT`."""

FAULT = Refusal(Reason.BAD_CB_AMOUNT, "too much")


def grow(tree: BlockTree, parent: Node, count: int, seconds: int = 600, bits: int = LIMIT, nonce: int = 0) -> Node:
    """So many blocks on `parent`; the last."""
    for _ in range(count):
        header = BlockHeader(4, parent.hash, bytes(32), parent.header.time + seconds, bits, nonce)
        parent = tree.add(header, header.hash())
    return parent


@pytest.fixture
def tree() -> BlockTree:
    return BlockTree(REGTEST)


def test_it_begins_with_genesis(tree: BlockTree) -> None:
    assert (len(tree), tree.root.height, tree.root.parent, tree.best(), tree.tips()) == (
        1,
        0,
        None,
        tree.root,
        [tree.root],
    )
    assert tree.root.work == 2  # every second hash is a hit
    assert tree.get(REGTEST.genesis.hash()) is tree.root
    assert tree.get(bytes(32)) is None


def test_most_work_and_of_equals_the_first(tree: BlockTree) -> None:
    first = grow(tree, tree.root, 3)
    second = grow(tree, tree.root, 3, nonce=1)
    assert tree.best() is first
    assert tree.tips() == [first, second]
    higher = grow(tree, second, 1)
    assert tree.best() is higher
    fewer_but_harder = grow(tree, tree.root, 2, bits=HARDER)
    assert (higher.work, fewer_but_harder.work) == (10, 18)
    assert tree.best() is fewer_but_harder
    assert tree.tips() == [fewer_but_harder, higher, first]
    assert [node.sequence for node in tree] == [*range(len(tree))]


def test_a_refusal_goes_up_and_is_taken_back(tree: BlockTree) -> None:
    low = grow(tree, tree.root, 2)
    top = grow(tree, low, 2)
    aside = grow(tree, low, 1, nonce=1)
    spared = grow(tree, tree.root, 1, nonce=2)
    tree.refuse(low, FAULT)
    assert tree.best() is low.parent
    assert (low.refusal, spared.refusal) == (FAULT, None)
    for above in (top, aside):
        assert above.refusal
        assert above.refusal.reason is Reason.BAD_PREVBLK
        assert low.name in above.refusal.detail
    late = grow(tree, top, 1)
    assert late.refusal == top.refusal
    assert tree.tips()[0] is spared
    own = Refusal(Reason.BAD_TXNS_NONFINAL, "of its own")
    later = grow(tree, late, 1)
    tree.refuse(later, own)

    assert set(tree.reconsider(top)) == {low, *[n for n in top.branch() if n.height > 2], late, later}
    assert aside.refusal is not None  # neither above nor below
    assert [node.refusal for node in (low, top, late, later)] == [None] * 4
    assert tree.best() is later


def test_a_fault_of_its_own_is_kept_when_one_below_is_found(tree: BlockTree) -> None:
    low = grow(tree, tree.root, 1)
    top = grow(tree, low, 1)
    tree.refuse(top, FAULT)
    tree.refuse(low, Refusal(Reason.MARKED_INVALID, "by hand"))
    assert top.refusal == FAULT


def test_heights_that_are_not_there(tree: BlockTree) -> None:
    tip = grow(tree, tree.root, 5)
    assert [tip.at(height).height for height in range(6)] == [*range(6)]
    with pytest.raises(ValueError, match="no height -1"):
        tip.at(-1)
    other = BlockTree(network("mainnet"))
    with pytest.raises(ValueError, match="two trees"):
        fork_point(tree.root, other.root)


def test_median_times(tree: BlockTree) -> None:
    """Of eleven the sixth; of fewer the one in the middle, the later of two."""
    times = random.Random(2).sample(range(2_000_000_000, 2_000_001_000), 20)
    node = tree.root
    known = [node.header.time]
    for time in times:
        node = tree.add(replace(REGTEST.genesis, prev_hash=node.hash, time=time), time.to_bytes(32))
        known.append(time)
        window = sorted(known[-11:])
        assert node.median_time_past() == window[len(window) // 2]
    for height in range(1, 21):
        assert node.median_time_before(height) == node.at(height - 1).median_time_past()
    assert node.median_time_before(0) == tree.root.header.time


@pytest.mark.parametrize("rules", [REGTEST, TESTNET_BIP94], ids=lambda rules: rules.name)
def test_what_is_known_below_is_the_same_for_every_way_to_get_there(rules: Network) -> None:
    """The ancestry is carried along where it can be; here it is also asked in no order, and afresh."""
    tree = BlockTree(rules)
    rng = random.Random(3)
    nodes = [tree.root]
    for number in range(60):
        nodes.append(grow(tree, rng.choice(nodes[-3:]), 1, rng.choice((1, 600, 1300)), nonce=number))
    order = [*nodes, *rng.sample(nodes, 60)]
    for node in order:
        fresh = BlockTree(tree.network)
        for below in reversed([*node.branch()][:-1]):
            fresh.add(below.header, below.hash)
        carried = tree.ancestry(node)
        anew = fresh.ancestry(fresh.get(node.hash) or fresh.root)
        for time in (node.header.time + 1, node.header.time + 5000):
            assert carried.required_bits(time) == anew.required_bits(time)
        assert (carried.median_time_past(), carried.height) == (anew.median_time_past(), anew.height)
        context = tree.context(node)
        assert (context.height, context.median_time) == (node.height + 1, node.median_time_past())


def test_the_block_at_bip34s_height_is_named() -> None:
    tree = BlockTree(replace(REGTEST, bip34_height=3))
    low, tip = grow(tree, tree.root, 2), grow(tree, tree.root, 6, nonce=1)
    assert tree.context(low).bip34_block is None
    assert tree.context(tip).bip34_block == tip.at(3).name
