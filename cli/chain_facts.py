"""What is told of a block, a transaction, an output and a tip, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..chain.block import Block
    from ..chain.chainstate import Chainstate
    from ..chain.transaction import Transaction
    from ..chain.tree import Node


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


def transaction_facts(its: Chainstate, node: Node, index: int, transaction: Transaction) -> dict[str, Any]:
    from ..chain.header import display_hash

    return {
        "txid": display_hash(transaction.txid),
        "wtxid": display_hash(transaction.wtxid),
        "block": node.name,
        "height": node.height,
        "index": index,
        "version": transaction.version,
        "locktime": transaction.locktime,
        "weight": transaction.weight,
        "inputs": [
            {
                "txid": display_hash(source.outpoint.txid),
                "vout": source.outpoint.vout,
                "script_sig": source.script_sig.hex(),
                "sequence": source.sequence,
                "witness": [item.hex() for item in source.witness],
            }
            for source in transaction.inputs
        ],
        "outputs": [output_facts(its, output.value, output.script_pubkey) for output in transaction.outputs],
        "hex": transaction.raw.hex(),
    }


def output_facts(its: Chainstate, value: int, script: bytes) -> dict[str, Any]:
    from ..chain.address import script_to_address

    return {"satoshis": value, "script_pubkey": script.hex(), "address": script_to_address(script, its.network)}


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
