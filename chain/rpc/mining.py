"""Templates for new blocks, proposals, and blocks that are handed in (BIP 22, 23, 9, 145)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..block import Block, witness_commitment
from ..build import build_block
from ..chainstate import Chainstate, Status
from ..check_block import check_block
from ..check_block_context import check_block_context
from ..check_header import MAX_TIMEWARP_SECONDS, check_header
from ..check_transaction import MAX_WEIGHT
from ..connect_block import check_scripts, connect_block
from ..pow import bits_to_target
from ..refusal import Reason, Refusal
from ..script.opcodes import Op
from ..serialise import MalformedError
from ..sigops import MAX_BLOCK_SIGOPS_COST
from ..transaction import WITNESS_SCALE, Transaction
from .blocks import Served
from .params import text
from .protocol import Code, RpcError

_NO_WORK = bytes(32)
"""Stands for a proposed block's hash where its proof of work is checked, which it does not have yet."""

_RESERVED = bytes(32)
"""BIP 141's reserved value, where a miner has left it out of the coinbase."""


def getblocktemplate(its: Served, request: object = None) -> dict[str, Any] | str | None:
    if request is not None and not isinstance(request, dict):
        raise RpcError(Code.TYPE, "getblocktemplate takes an object")
    asked: dict[str, Any] = request or {}
    match asked.get("mode"):
        case "proposal":
            return _judge(its, asked.get("data"))
        case None | "template":
            return _template(its, asked.get("rules"))
    raise RpcError(Code.PARAMETER, "Invalid mode")


def submitblock(its: Served, hexdata: object, _: object = None) -> str | None:
    """None for a block that is the tip now, else why it is not; the second parameter is BIP 22's and unused."""
    chain = its.chain
    block = _with_reserved_value(_decode(text(hexdata)), chain)
    known = chain.tree.get(block.header.hash())
    if known:
        return "duplicate-invalid" if known.refusal else "duplicate"
    outcome = chain.accept(block.serialise())[0]
    match outcome.status:
        case Status.TIP:
            return None
        case Status.BRANCH:
            return "inconclusive"
        case Status.ORPHAN:
            return Reason.PREV_BLK_NOT_FOUND.value
    assert outcome.refusal is not None
    return outcome.refusal.reason.value


def _template(its: Served, rules: object) -> dict[str, Any]:
    chain, tip = its.chain, its.chain.tip
    network = chain.network
    if network.signet_challenge:
        raise RpcError(
            Code.PARAMETER, f"blocks of {network.name} have to be signed (BIP 325), and no signer is here"
        )
    if not isinstance(rules, list) or "segwit" not in rules:
        raise RpcError(
            Code.PARAMETER,
            'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})',
        )
    height = tip.height + 1
    earliest = tip.median_time_past() + 1
    if height % network.retarget_interval == 0:
        earliest = max(earliest, tip.header.time - MAX_TIMEWARP_SECONDS)  # a rule on testnet4, harmless elsewhere
    block = build_block(chain.tree, tip, Op.OP_1.to_bytes(1), max(earliest, int(its.clock())))
    reward, *commitments = block.transactions[0].outputs
    segwit = height >= network.segwit_height
    scale = 1 if segwit else WITNESS_SCALE
    template = {
        "capabilities": ["proposal"],
        "version": block.header.version,
        "rules": [*(["csv"] if height >= network.csv_height else []), *(["!segwit", "taproot"] if segwit else [])],
        "vbavailable": {},
        "vbrequired": 0,
        "previousblockhash": tip.name,
        "transactions": [],
        "coinbaseaux": {},
        "coinbasevalue": reward.value,
        "longpollid": f"{tip.name}0",
        "target": f"{bits_to_target(block.header.bits):064x}",
        "mintime": earliest,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": "00000000ffffffff",
        "sigoplimit": MAX_BLOCK_SIGOPS_COST // scale,
        "sizelimit": MAX_WEIGHT // scale,
        "curtime": block.header.time,
        "bits": f"{block.header.bits:08x}",
        "height": height,
    }
    if segwit:
        [commitment] = commitments
        template |= {"weightlimit": MAX_WEIGHT, "default_witness_commitment": commitment.script_pubkey.hex()}
    return template


def _judge(its: Served, data: object) -> str | None:
    """What would become of a block if it had its proof of work; nothing is kept of it."""
    if not isinstance(data, str):
        raise RpcError(Code.TYPE, "Missing data String key for proposal")
    block = _decode(data)
    chain = its.chain
    known = chain.tree.get(block.header.hash())
    if known:
        if known.refusal:
            return "duplicate-invalid"
        return "duplicate" if chain.in_chain(known) else "duplicate-inconclusive"
    if block.header.prev_hash != chain.tip.hash:
        return "inconclusive-not-best-prevblk"
    refusal = _check(block, its)
    return refusal.reason.value if refusal else None


def _check(block: Block, its: Served) -> Refusal | None:
    chain, tip = its.chain, its.chain.tip
    ancestry, context = chain.tree.ancestry(tip), chain.tree.context(tip)
    refusal = (
        check_header(block.header, _NO_WORK, ancestry, ancestry.required_bits(block.header.time), int(its.clock()))
        or check_block(block, _NO_WORK, chain.network)
        or check_block_context(block, context)
    )
    if refusal:
        return refusal
    found = connect_block(block, block.header.hash(), context, chain.store.coins)
    return found if isinstance(found, Refusal) else check_scripts(block, found, its.backend)[0]


def _decode(data: str) -> Block:
    try:
        return Block.parse(bytes.fromhex(data))
    except (ValueError, MalformedError) as error:
        raise RpcError(Code.DESERIALIZATION, f"Block decode failed: {error}") from None


def _with_reserved_value(block: Block, chain: Chainstate) -> Block:
    """The block with the one witness that its coinbase must have; many miners leave it to the node."""
    parent = chain.tree.get(block.header.prev_hash)
    if parent is None or parent.height + 1 < chain.network.segwit_height or not block.transactions:
        return block
    coinbase, *others = block.transactions
    if coinbase.has_witness or len(coinbase.inputs) != 1 or witness_commitment(coinbase) is None:
        return block
    spent = coinbase.inputs[0]._replace(witness=(_RESERVED,))
    filled = Transaction(coinbase.version, (spent,), coinbase.outputs, coinbase.locktime)
    return replace(block, transactions=(filled, *others))
