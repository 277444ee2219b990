"""What miners get and hand in: every answer, in Bitcoin Core's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quorate.chain.block import Block, witness_commitment
from quorate.chain.chainstate import Chainstate
from quorate.chain.params import network
from quorate.chain.pow import bits_to_target
from quorate.chain.rpc import blocks, mining
from quorate.chain.rpc.blocks import Served
from quorate.chain.rpc.protocol import Code, RpcError
from quorate.chain.store import Store
from quorate.chain.transaction import TxIn, TxOut
from quorate.chain.tree import Node

from ..regtest import REGTEST, block_on, grow, open_chain, remade, reward, solve, spend, verifier

SEGWIT = {"rules": ["segwit"]}


@pytest.fixture
def its(tmp_path: Path) -> Served:
    chain = open_chain(tmp_path)
    return Served(chain, verifier(), lambda: 4_000_000_000)


def submit(its: Served, block: Block) -> str | None:
    return mining.submitblock(its, block.serialise().hex())


def propose(its: Served, block: Block) -> Any:
    return mining.getblocktemplate(its, {"mode": "proposal", "data": block.serialise().hex()})


def template(its: Served) -> dict[str, Any]:
    found = mining.getblocktemplate(its, SEGWIT)
    assert isinstance(found, dict)
    return found


def next_block(its: Served, extra: bytes = b"") -> Block:
    return block_on(its.chain, its.chain.tip, extra=extra)


def unsolved(block: Block) -> Block:
    """The block with the first nonce that is no hit."""
    nonce = 0
    while int.from_bytes(block.header.hash(), "little") <= bits_to_target(block.header.bits):
        nonce += 1
        block = replace(block, header=replace(block.header, nonce=nonce))
    return block


def paying(block: Block, satoshis: int) -> Block:
    """The block with a coinbase that pays so much, and a root to match."""
    coinbase = block.transactions[0]
    first, *others = coinbase.outputs
    changed = replace(coinbase, outputs=(first._replace(value=satoshis), *others))
    return remade(block, changed, *block.transactions[1:])


def test_a_template_is_what_the_chain_demands(its: Served) -> None:
    first = next_block(its)
    found = template(its)
    assert found["previousblockhash"] == its.chain.tip.name
    assert (found["height"], found["bits"], found["coinbasevalue"]) == (1, "207fffff", 50_0000_0000)
    assert found["default_witness_commitment"] == first.transactions[0].outputs[1].script_pubkey.hex()
    assert int(found["target"], 16) == bits_to_target(0x207FFFFF)
    assert found["mintime"] == its.chain.tip.median_time_past() + 1
    assert found["curtime"] == 4_000_000_000
    assert found["rules"] == ["csv", "!segwit", "taproot"]
    assert (found["sigoplimit"], found["sizelimit"], found["weightlimit"]) == (80_000, 4_000_000, 4_000_000)
    assert found["longpollid"].startswith(its.chain.tip.name)
    assert submit(its, first) is None
    assert template(its)["height"] == 2
    grow(its.chain, 149)
    assert template(its)["coinbasevalue"] == 25_0000_0000


def test_a_clock_that_is_behind_does_not_make_a_template_too_old(tmp_path: Path) -> None:
    its = Served(open_chain(tmp_path), verifier(), lambda: 0)
    grow(its.chain, 12)
    found = template(its)
    assert found["curtime"] == found["mintime"] == its.chain.tip.median_time_past() + 1


def test_before_segwit_a_template_has_the_old_limits(tmp_path: Path) -> None:
    its = Served(open_chain(tmp_path, replace(REGTEST, segwit_height=5)), verifier(), lambda: 4_000_000_000)
    found = template(its)
    assert (found["sigoplimit"], found["sizelimit"], found["rules"]) == (20_000, 1_000_000, ["csv"])
    assert "default_witness_commitment" not in found
    assert "weightlimit" not in found


@pytest.mark.parametrize("request_", [None, {}, {"rules": []}, {"rules": "segwit"}, {"rules": ["csv"]}])
def test_miners_have_to_know_segwit(its: Served, request_: object) -> None:
    with pytest.raises(RpcError, match="called with the segwit rule set") as raised:
        mining.getblocktemplate(its, request_)
    assert raised.value.code == Code.PARAMETER


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"mode": "other"}, Code.PARAMETER),
        ({"mode": 3}, Code.PARAMETER),
        ([], Code.TYPE),
        ("x", Code.TYPE),
        ({"mode": "proposal"}, Code.TYPE),
        ({"mode": "proposal", "data": 3}, Code.TYPE),
        ({"mode": "proposal", "data": "xyz"}, Code.DESERIALIZATION),
        ({"mode": "proposal", "data": "00" * 80}, Code.DESERIALIZATION),
    ],
)
def test_requests_that_make_no_sense(its: Served, request_: object, code: Code) -> None:
    with pytest.raises(RpcError) as raised:
        mining.getblocktemplate(its, request_)
    assert raised.value.code == code


def test_signet_gives_no_templates(tmp_path: Path) -> None:
    chain = Chainstate(Store(tmp_path, network("signet")), verifier())
    with pytest.raises(RpcError, match="have to be signed"):
        mining.getblocktemplate(Served(chain, verifier(), lambda: 0), {"rules": ["segwit", "signet"]})


def test_what_becomes_of_a_block(its: Served) -> None:
    first, rival = next_block(its), next_block(its, b"rival")
    above = block_on_block(its, rival)
    assert submit(its, unsolved(first)) == "high-hash"
    assert submit(its, above) == "prev-blk-not-found"
    assert submit(its, first) is None
    assert submit(its, first) == "duplicate"
    assert mining.getblocktemplate(its, {"mode": "proposal", "data": first.serialise().hex()}) == "duplicate"
    assert submit(its, rival) == "inconclusive"
    assert its.chain.tip.hash == above.header.hash()  # it had been held, and its branch is the longer one now
    assert propose(its, first) == "duplicate-inconclusive"


def block_on_block(its: Served, below: Block) -> Block:
    """A block on one that the chain does not have."""
    parent = its.chain.tip
    node = Node(below.header, below.header.hash(), parent, parent, parent.height + 1, 0, 0)
    return solve(replace(block_on(its.chain, node)))


def test_what_becomes_of_an_invalid_block(its: Served) -> None:
    block = next_block(its)
    for bad, reason in (
        (paying(block, 50_0000_0001), "bad-cb-amount"),
        (remade(block, version=1), "bad-version"),
        (remade(block, time=REGTEST.genesis.time), "time-too-old"),
        (remade(block, time=4_000_007_201), "time-too-new"),
        (solve(replace(block, header=replace(block.header, merkle_root=bytes(32)))), "bad-txnmrklroot"),
        (remade(block, *[block.transactions[0]] * 2), "bad-txns-duplicate"),
        (
            remade(block, replace(block.transactions[0], inputs=(_script(block, b"\x02\x09\x09"),))),
            "bad-cb-height",
        ),
    ):
        assert propose(its, bad) == reason
        assert propose(its, unsolved(bad)) == reason
        assert submit(its, bad) == reason
    assert submit(its, paying(block, 50_0000_0001)) == "duplicate-invalid"
    assert propose(its, paying(block, 50_0000_0001)) == "duplicate-invalid"
    assert its.chain.tip.height == 0
    assert propose(its, unsolved(block)) is None
    assert its.chain.tip.height == 0


def _script(block: Block, script: bytes) -> TxIn:
    return block.transactions[0].inputs[0]._replace(script_sig=script)


def test_proposals_are_judged_by_the_coins_too(its: Served) -> None:
    below = grow(its.chain, 3)
    good = spend(reward(below[0]), value=49_0000_0000)
    greedy = spend(reward(below[1]), value=51_0000_0000)
    tip = its.chain.tip
    assert propose(its, block_on(its.chain, tip, [good], fees=1_0000_0000)) is None
    assert propose(its, block_on(its.chain, tip, [greedy])) == "bad-txns-in-belowout"
    assert propose(its, block_on(its.chain, tip, [good, spend(reward(below[0]), value=1)])) == (
        "bad-txns-inputs-missingorspent"
    )
    unlocked = replace(good, inputs=(good.inputs[0]._replace(script_sig=b"\x6a"),))
    assert propose(its, block_on(its.chain, tip, [unlocked])) == "block-script-verify-flag-failed"
    assert tip is its.chain.tip
    assert propose(its, block_on(its.chain, its.chain.tree.root, extra=b"late")) == "inconclusive-not-best-prevblk"


def test_the_coinbases_witness_may_be_left_to_the_node(its: Served) -> None:
    """As cgminer and cpuminer do."""
    block = next_block(its)
    coinbase = block.transactions[0]
    assert witness_commitment(coinbase) is not None
    bare = replace(coinbase, inputs=(coinbase.inputs[0]._replace(witness=()),))
    assert submit(its, replace(block, transactions=(bare,))) is None
    assert its.chain.read(its.chain.tip) == block


@pytest.mark.parametrize("data", ["", "zz", "00" * 79, "00" * 200, None, 3])
def test_what_is_no_block(its: Served, data: object) -> None:
    with pytest.raises(RpcError) as raised:
        mining.submitblock(its, data)
    assert raised.value.code == (Code.DESERIALIZATION if isinstance(data, str) else Code.TYPE)


def test_the_chain_tells_of_itself(its: Served) -> None:
    grown = grow(its.chain, 3)
    aside = block_on(its.chain, its.chain.tip.at(1), extra=b"aside")
    assert submit(its, aside) == "inconclusive"
    names = [blocks.getblockhash(its, height) for height in range(4)]
    assert names[0] == REGTEST.genesis_hash
    assert (blocks.getblockcount(its), blocks.getbestblockhash(its)) == (3, names[3])
    block = blocks.getblock(its, names[2])
    assert isinstance(block, dict)
    assert (block["height"], block["confirmations"], block["nTx"]) == (2, 2, 1)
    assert (block["previousblockhash"], block["nextblockhash"]) == (names[1], names[3])
    assert block["tx"] == [grown[1].transactions[0].txid[::-1].hex()]
    assert (block["size"], block["weight"]) == (grown[1].size, grown[1].weight)
    assert blocks.getblock(its, names[2], 0) == grown[1].serialise().hex()
    assert blocks.getblockheader(its, names[2], False) == grown[1].header.serialise().hex()
    side = blocks.getblockheader(its, aside.header.hash()[::-1].hex())
    assert isinstance(side, dict)
    assert side["confirmations"] == -1
    info = blocks.getblockchaininfo(its)
    assert (info["chain"], info["blocks"], info["chainwork"]) == ("regtest", 3, f"{8:064x}")
    assert blocks.getmininginfo(its)["networkhashps"] == 6 / 1800
    assert blocks.getdifficulty(its) == pytest.approx(4.6565423739069247e-10)  # as Bitcoin Core prints it


def test_what_the_chain_does_not_have(its: Served) -> None:
    for height, code in ((1, Code.PARAMETER), (-1, Code.PARAMETER), ("1", Code.TYPE), (True, Code.TYPE)):
        with pytest.raises(RpcError) as raised:
            blocks.getblockhash(its, height)
        assert raised.value.code == code
    for given, verbosity, code in (
        ("00" * 32, 1, Code.ADDRESS_OR_KEY),
        ("00", 1, Code.PARAMETER),
        ("x" * 64, 1, Code.PARAMETER),
        (REGTEST.genesis_hash, "x", Code.TYPE),
    ):
        with pytest.raises(RpcError) as raised:
            blocks.getblock(its, given, verbosity)
        assert raised.value.code == code
    name = refused_for_its_bytes(its)
    with pytest.raises(RpcError, match="not available"):
        blocks.getblock(its, name)


def refused_for_its_bytes(its: Served) -> str:
    """The hash of a block that is refused for its bytes, so that only its header is kept."""
    block = next_block(its, b"other")
    bad = remade(block, replace(block.transactions[0], outputs=(TxOut(-1, b""),)))
    assert submit(its, bad) == "bad-txns-vout-negative"
    return bad.header.hash()[::-1].hex()


def test_addresses(its: Served) -> None:
    found = blocks.validateaddress(its, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
    assert (found["isvalid"], found["iswitness"], found["isscript"]) == (True, True, False)
    assert (found["witness_version"], found["witness_program"]) == (0, "751e76e8199196d454941c45d1b3a323f1433bd6")
    found = blocks.validateaddress(its, "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn")
    assert (found["isvalid"], found["iswitness"], found["isscript"]) == (True, False, False)
    assert not blocks.validateaddress(its, "nonsense")["isvalid"]
