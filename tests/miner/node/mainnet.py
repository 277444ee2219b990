"""A real block of mainnet, turned back into the template from which it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quorate.chain.block import Block
from quorate.chain.header import display_hash

HEIGHT = 866342


def mainnet_template(vectors: Path) -> dict[str, Any]:
    """What Bitcoin Core would have given to the miner of the block."""
    block = Block.parse((vectors / "blocks/mainnet_866342.raw").read_bytes())
    spent = iter(json.loads((vectors / "blocks/mainnet_866342_prevouts.json").read_text()))
    coinbase, *others = block.transactions
    [commitment] = [o.script_pubkey for o in coinbase.outputs if o.script_pubkey.startswith(b"\x6a\x24\xaa\x21")]
    header = block.header
    return {
        "capabilities": ["proposal"],
        "version": 0x20000000,
        "rules": ["csv", "!segwit", "taproot"],
        "vbavailable": {},
        "vbrequired": 0,
        "previousblockhash": display_hash(header.prev_hash),
        "transactions": [
            {
                "data": transaction.raw.hex(),
                "txid": display_hash(transaction.txid),
                "hash": display_hash(transaction.wtxid),
                "depends": [],
                "fee": sum(_satoshis(next(spent)) for _ in transaction.inputs)
                - sum(output.value for output in transaction.outputs),
                "weight": transaction.weight,
            }
            for transaction in others
        ],
        "coinbaseaux": {},
        "coinbasevalue": sum(output.value for output in coinbase.outputs),
        "longpollid": f"{display_hash(header.prev_hash)}1",
        "target": "000000000000000000030ecd" + 40 * "0",
        "mintime": header.time - 3000,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": "00000000ffffffff",
        "sigoplimit": 80000,
        "sizelimit": 4000000,
        "weightlimit": 4000000,
        "curtime": header.time,
        "bits": f"{header.bits:08x}",
        "height": HEIGHT,
        "default_witness_commitment": commitment.hex(),
    }


def _satoshis(prevout: Any) -> int:
    return int(prevout["txout"]["value"])
