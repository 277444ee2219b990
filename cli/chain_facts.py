"""What is told of a block, a transaction, an output and a tip, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..chain.block import Block
    from ..chain.chainstate import Chainstate
    from ..chain.coins import Coin
    from ..chain.transaction import Transaction, TxIn, TxOut
    from ..chain.tree import Node


_COUNTS = frozenset(("height", "blocks", "coins", "satoshis", "fee", "size", "weight", "transactions"))
"""Numbers that people compare, so that a comma helps."""

_FOR_MACHINES = frozenset(("hex", "script_sig", "script_pubkey", "witness"))
"""Bytes that people see as scripts, or not at all."""


def block_facts(its: Chainstate, node: Node) -> dict[str, Any]:
    from ..chain.header import display_hash

    header, refusal = node.header, node.refusal
    kept = node.parent is None or its.store.read_block(node.hash) is not None
    found: Block | None = its.read(node) if kept else None
    return {
        "hash": node.name,
        "height": node.height,
        "in_chain": its.in_chain(node),
        "reason": refusal.reason.value if refusal else None,
        "detail": refusal.detail if refusal else None,
        "previous": display_hash(header.prev_hash),
        "merkle_root": display_hash(header.merkle_root),
        "version": header.version,
        "time": header.time,
        "bits": f"{header.bits:08x}",
        "nonce": header.nonce,
        "work": f"{node.work:064x}",
        "size": found.size if found else None,
        "weight": found.weight if found else None,
        "transactions": len(found.transactions) if found else None,
        "txids": [display_hash(transaction.txid) for transaction in found.transactions] if found else [],
    }


def transaction_facts(its: Chainstate, node: Node, index: int) -> dict[str, Any]:
    """The transaction at that place of a block of the chain."""
    from ..chain.header import display_hash

    found = its.read(node)
    transaction = found.transactions[index]
    spent = None if transaction.is_coinbase else _spent(its, node, found, transaction)
    paid = sum(output.value for output in transaction.outputs)
    return {
        "txid": display_hash(transaction.txid),
        "wtxid": display_hash(transaction.wtxid),
        "block": node.name,
        "height": node.height,
        "index": index,
        "version": transaction.version,
        "locktime": transaction.locktime,
        "weight": transaction.weight,
        "fee": None if spent is None else sum(output.value for output in spent) - paid,
        "inputs": [
            input_facts(its, source, None if spent is None else spent[number])
            for number, source in enumerate(transaction.inputs)
        ],
        "outputs": [output_facts(its, output) for output in transaction.outputs],
        "hex": transaction.raw.hex(),
    }


def _spent(its: Chainstate, node: Node, found: Block, transaction: Transaction) -> list[TxOut]:
    """What the inputs spend: coins that the block's undo data hold, or outputs of the block itself."""
    coins = {place: coin.output for place, coin in its.store.read_undo(node.hash)}
    inside = {other.txid: other.outputs for other in found.transactions}
    places = [source.outpoint for source in transaction.inputs]
    return [coins[place] if place in coins else inside[place.txid][place.vout] for place in places]


def input_facts(its: Chainstate, source: TxIn, spent: TxOut | None) -> dict[str, Any]:
    """An input and the output that it spends; None for a coinbase, whose script is no script."""
    from ..chain.header import display_hash
    from ..chain.script.disassemble import Revealed, disassemble, revealed

    scripts = revealed(source, spent.script_pubkey) if spent else Revealed(None, None)
    return {
        "txid": display_hash(source.outpoint.txid),
        "vout": source.outpoint.vout,
        "script_sig": source.script_sig.hex(),
        "script_sig_asm": disassemble(source.script_sig, hash_types=True) if spent else None,
        "sequence": source.sequence,
        "witness": [item.hex() for item in source.witness],
        "redeem_script_asm": None if scripts.redeem_script is None else disassemble(scripts.redeem_script),
        "witness_script_asm": None if scripts.witness_script is None else disassemble(scripts.witness_script),
        "spent": output_facts(its, spent) if spent else None,
    }


def output_facts(its: Chainstate, output: TxOut) -> dict[str, Any]:
    from ..chain.address import script_to_address
    from ..chain.script.disassemble import disassemble

    return {
        "satoshis": output.value,
        "script_pubkey": output.script_pubkey.hex(),
        "script_pubkey_asm": disassemble(output.script_pubkey),
        "address": script_to_address(output.script_pubkey, its.network),
    }


def coin_facts(its: Chainstate, coin: Coin) -> dict[str, Any]:
    return {**output_facts(its, coin.output), "height": coin.height, "coinbase": coin.is_coinbase}


def tip_facts(its: Chainstate, node: Node) -> dict[str, Any]:
    aside = 0
    for below in node.branch():
        if its.in_chain(below):
            break
        aside += 1
    return {
        "height": node.height,
        "hash": node.name,
        "status": "refused" if node.refusal else "tip" if node is its.tip else "branch",
        "length": aside,
        "reason": node.refusal.reason.value if node.refusal else None,
        "work": f"{node.work:064x}",
    }


def lines(document: dict[str, Any]) -> Iterator[str]:
    """The facts for people: a line each, those of a list set in under its name and number."""
    width = max(map(len, document))
    for name, told in document.items():
        match told:
            case None | [] | "":
                pass
            case _ if name in _FOR_MACHINES:
                pass
            case [{}, *_]:
                for number, facts in enumerate(told):
                    yield f"{name.removesuffix('s')} {number}"
                    yield from (f"  {line}" for line in lines(facts))
            case {}:
                yield name
                yield from (f"  {line}" for line in lines(told))
            case list():
                yield from (f"{name:<{width}} {item}" for item in told)
            case int() if name in _COUNTS:
                yield f"{name:<{width}} {told:,}"
            case _:
                yield f"{name:<{width}} {told}"
