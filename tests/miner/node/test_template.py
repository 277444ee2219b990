"""Templates: a real block's, and many that lie."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.block import Block, witness_commitment
from quorate.chain.check_block import check_block
from quorate.chain.hashes import hash256
from quorate.chain.params import network
from quorate.miner.node.errors import TemplateError
from quorate.miner.node.template import TAG, NodeWork, merkle_branch, read_template
from quorate.miner.work import Work

from .mainnet import HEIGHT, mainnet_template

MAINNET, TESTNET4, REGTEST = network("mainnet"), network("testnet4"), network("regtest")
PAY_TO = b"\0\x14" + bytes(range(20))


@pytest.fixture(scope="module")
def block(vectors: Path) -> Block:
    return Block.parse((vectors / "blocks/mainnet_866342.raw").read_bytes())


@pytest.fixture(scope="module")
def template(vectors: Path) -> dict[str, Any]:
    return mainnet_template(vectors)


def read(document: object, empty: bool = False, rules: Any = MAINNET, before: Work | None = None) -> NodeWork:
    return read_template(document, rules, PAY_TO, empty, before)


def assembled(work: NodeWork, extranonce: int = 7) -> Block:
    return Block.parse(work.block(work.header(extranonce, work.version, work.time), extranonce))


def test_a_real_block_comes_out_of_its_template(block: Block, template: dict[str, Any]) -> None:
    work = read(template)
    root = block.transactions[0].txid
    for sibling in work.branch:
        root = hash256(root + sibling)
    assert root == block.header.merkle_root
    assert work.transactions == tuple(transaction.raw for transaction in block.transactions[1:])
    assert (work.previous, work.bits) == (block.header.prev_hash, block.header.bits)

    ours = assembled(work)
    assert ours.merkle_root() == (ours.header.merkle_root, False)
    coinbase = ours.transactions[0]
    assert witness_commitment(coinbase) == witness_commitment(block.transactions[0])
    assert coinbase.outputs[0] == (317526183, PAY_TO)
    assert coinbase.inputs[0].script_sig.startswith(bytes.fromhex("0326380d") + bytes((len(TAG),)) + TAG)
    assert coinbase.inputs[0].script_sig.endswith((7).to_bytes(8))
    assert check_block(ours, bytes(32), MAINNET) is None  # whose proof of work nobody has done


def test_transactions_left_out(template: dict[str, Any]) -> None:
    work = read(template, empty=True)
    assert (work.branch, work.transactions) == ((), ())
    ours = assembled(work)
    assert ours.transactions[0].outputs[0] == (312500000, PAY_TO)
    assert ours.header.merkle_root == ours.transactions[0].txid
    assert check_block(ours, bytes(32), MAINNET) is None


@pytest.mark.parametrize("count", [*range(10), 31, 32, 33])
def test_branches_lead_to_the_root(count: int) -> None:
    txids = [hash256(bytes((number,))) for number in range(count)]
    root = hash256(b"coinbase")
    level = [root, *txids]
    for sibling in merkle_branch(txids):
        root = hash256(root + sibling)
    while len(level) > 1:  # the tree as Bitcoin's paper draws it
        level += level[-1:] * (len(level) % 2)
        level = [hash256(level[place] + level[place + 1]) for place in range(0, len(level), 2)]
    assert root == level[0]


def small(**changes: Any) -> dict[str, Any]:
    """A template of regtest without transactions."""
    commitment = "6a24aa21a9ed" + hash256(bytes(64)).hex()
    return {
        "version": 0x20000000,
        "rules": ["csv", "!segwit", "taproot"],
        "vbavailable": {},
        "vbrequired": 0,
        "previousblockhash": REGTEST.genesis_hash,
        "transactions": [],
        "coinbaseaux": {},
        "coinbasevalue": 5_000_000_000,
        "mintime": 1_700_000_000,
        "curtime": 1_700_000_100,
        "mutable": ["time", "transactions", "prevblock"],
        "bits": "207fffff",
        "height": 1,
        "default_witness_commitment": commitment,
    } | changes


MISSING = object()

LIES: list[tuple[dict[str, Any], str]] = [
    ({"height": -1}, "height = -1"),
    ({"height": True}, "height = True"),
    ({"height": 1.0}, "height = 1.0"),
    ({"height": 1 << 40}, "height ="),
    ({"height": MISSING}, "has no height"),
    ({"bits": "207ffff"}, "bits = '207ffff'; it is 8 hex digits"),
    ({"bits": "20 7fff "}, "8 hex digits"),
    ({"bits": "00000000"}, "difficulty"),
    ({"bits": "217fffff"}, "difficulty"),
    ({"bits": 7}, "bits = 7"),
    ({"target": "00" * 32}, "target that is not that of its bits"),
    ({"previousblockhash": "00"}, "64 hex digits"),
    ({"previousblockhash": None}, "previousblockhash = None"),
    ({"version": 1 << 33}, "version"),
    ({"curtime": 1_699_999_999}, "outside of mintime"),
    ({"maxtime": 1_700_000_099}, "maxtime"),
    ({"curtime": -1}, "curtime"),
    ({"coinbasevalue": 5_000_000_001}, "the subsidy 5000000000 and the fees 0"),
    ({"coinbasevalue": 4_999_999_999}, "the subsidy 5000000000 and the fees 0"),
    ({"coinbasevalue": 1 << 62}, "coinbasevalue"),
    ({"coinbasevalue": MISSING, "coinbasetxn": {"data": ""}}, "prescribes the coinbase"),
    ({"coinbaseaux": {"flags": "00" * 80}}, "coinbaseaux of 80 bytes"),
    ({"coinbaseaux": {"flags": "zz"}}, "coinbaseaux.flags = 'zz'; it is hexadecimal"),
    ({"coinbaseaux": 3}, "coinbaseaux is no object"),
    ({"default_witness_commitment": "6a24aa21a9ed" + "00" * 32}, "another default_witness_commitment"),
    ({"default_witness_commitment": "xyz"}, "hexadecimal"),
    ({"transactions": {}}, "transactions = {}; it is a list"),
    ({"transactions": [3]}, r"transactions\[0\] is no object"),
    ({"transactions": [{"data": "00"}]}, "transaction 0 malformed"),
    ({"transactions": [{"data": "gg"}]}, r"transactions\[0\].data = 'gg'"),
    ({"transactions": [{}]}, r"has no transactions\[0\].data"),
    ({"rules": ["!segwit", "!signet"]}, "signet"),
    ({"rules": ["!teleport"]}, "'teleport', which Quorate does not know"),
    ({"rules": "segwit"}, "rules = 'segwit'; it is a list"),
    ({"noncerange": "000000000000ffff"}, "nonces"),
    ({"vbrequired": "x"}, "vbrequired"),
    ({"vbavailable": {"x": 40}}, "vbavailable.x = 40"),
    ({"weightlimit": 400}, "weight units; the most is 400"),
    ({"workid": 3}, "workid = 3; it is a text"),
]


@pytest.mark.parametrize(("changes", "words"), LIES)
def test_lies_are_named(changes: dict[str, Any], words: str) -> None:
    document = {name: value for name, value in small(**changes).items() if value is not MISSING}
    with pytest.raises(TemplateError, match=words):
        read(document, rules=REGTEST)


@pytest.mark.parametrize("document", [None, [], "x", 3, True, {}])
def test_what_is_no_template(document: object) -> None:
    with pytest.raises(TemplateError, match="template"):
        read(document)


def test_a_transaction_under_a_wrong_name(template: dict[str, Any]) -> None:
    for field in ("txid", "hash"):
        document = {**template, "transactions": deepcopy(template["transactions"][:3])}
        document["transactions"][1][field] = "11" * 32
        with pytest.raises(TemplateError, match=f"wrong {field} at transaction 1"):
            read(document)


def test_transactions_with_other_witnesses_than_committed(template: dict[str, Any]) -> None:
    listed = list(template["transactions"])
    listed[5], listed[6] = listed[6], listed[5]
    with pytest.raises(TemplateError, match="default_witness_commitment"):
        read({**template, "transactions": listed})


def test_fees_have_to_add_up(template: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="coinbasevalue"):
        read({**template, "coinbasevalue": template["coinbasevalue"] + 1})
    listed = [{"data": item["data"]} for item in template["transactions"]]  # the fees are not told: nothing to add
    assert read({**template, "transactions": listed}).height == HEIGHT
    with pytest.raises(TemplateError, match="the subsidy alone"):
        read({**template, "transactions": listed, "coinbasevalue": 312499999})


def test_times_are_rolled_where_that_is_allowed() -> None:
    def times(rules: Any = REGTEST, **changes: Any) -> tuple[int, int]:
        work = read(small(**changes), rules=rules)
        return work.time, work.time_last

    assert times() == (1_700_000_100, 1_700_003_700)
    assert times(maxtime=1_700_000_200) == (1_700_000_100, 1_700_000_200)
    assert times(mutable=[]) == (1_700_000_100, 1_700_000_100)
    assert times(rules=TESTNET4, bits="1d00ffff") == (1_700_000_100, 1_700_000_100)


def test_versions_are_rolled_where_that_is_allowed() -> None:
    def mask(**changes: Any) -> int:
        return read(small(**changes), rules=REGTEST).version_mask

    assert mask() == 0x1FFFE000
    assert mask(vbrequired=1 << 13) == 0x1FFFC000
    assert mask(vbavailable={"testdummy": 28}) == 0x0FFFE000
    assert mask(version=4) == 0


def test_aux_and_works_that_differ() -> None:
    first = read(small(coinbaseaux={"flags": "0461626364"}), rules=REGTEST)
    second = read(small(), rules=REGTEST, before=first)
    assert b"\x51\x04abcd" in first.coinbase[0]
    assert (first.replaces, second.replaces) == (True, False)
    assert first.coinbase != second.coinbase
    assert first.id != second.id
    assert read(small(previousblockhash="11" * 32), rules=REGTEST, before=second).replaces


def test_without_segwit_nothing_is_committed() -> None:
    document = small()
    del document["default_witness_commitment"]
    ours = assembled(read(document, rules=REGTEST))
    assert len(ours.transactions[0].outputs) == 1
    assert not ours.transactions[0].has_witness


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("00" * 32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*sorted(small()), "target", "maxtime", "workid", "weightlimit"]), JSON))
def test_anything_else_is_refused_by_name(changes: dict[str, Any]) -> None:
    """Whatever stands in a template, it makes a sound block or a `TemplateError`."""
    try:
        work = read(small(**changes), rules=REGTEST)
    except TemplateError:
        return
    ours = assembled(work)
    assert ours.merkle_root().root == ours.header.merkle_root
    assert check_block(ours, bytes(32), REGTEST) is None
