"""What the chain tells of itself and of its blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...kernels.backend import Backend, UsageError
from ..address import address_to_script
from ..chainstate import Chainstate
from ..header import display_hash
from ..pow import bits_to_target
from ..script.parse import is_p2sh, witness_program
from ..tree import Node
from .params import block_hash, integer, text
from .protocol import Code, RpcError


@dataclass(frozen=True, slots=True)
class Served:
    """What every method is given, in the chain's thread."""

    chain: Chainstate

    backend: Backend
    """It verifies the signatures of proposed blocks."""

    clock: Callable[[], float]
    """Unix seconds."""


CHAIN_NAMES = {"mainnet": "main", "testnet3": "test"}
"""What Bitcoin Core calls networks that it does not call as we do."""

_DIFFICULTY_1 = 0xFFFF << 208
"""The target whose difficulty is 1."""

_RATE_BLOCKS = 120
"""Over which the network's hash rate is estimated."""


def getblockchaininfo(its: Served) -> dict[str, Any]:
    chain, tip = its.chain, its.chain.tip
    return {
        "chain": _chain_name(chain),
        "blocks": tip.height,
        "headers": tip.height,
        "bestblockhash": tip.name,
        "bits": f"{tip.header.bits:08x}",
        "target": f"{bits_to_target(tip.header.bits):064x}",
        "difficulty": _difficulty(tip.header.bits),
        "time": tip.header.time,
        "mediantime": tip.median_time_past(),
        "verificationprogress": 1,
        "initialblockdownload": False,
        "chainwork": f"{tip.work:064x}",
        "pruned": False,
        "warnings": [],
    }


def getblockcount(its: Served) -> int:
    return its.chain.tip.height


def getbestblockhash(its: Served) -> str:
    return its.chain.tip.name


def getdifficulty(its: Served) -> float:
    return _difficulty(its.chain.tip.header.bits)


def getblockhash(its: Served, height: object) -> str:
    wanted = integer(height)
    if not 0 <= wanted <= its.chain.tip.height:
        raise RpcError(Code.PARAMETER, "Block height out of range")
    return its.chain.tip.at(wanted).name


def getblockheader(its: Served, blockhash: object, verbose: object = None) -> str | dict[str, Any]:
    node = _find(its.chain, blockhash)
    return node.header.serialise().hex() if verbose is False else _header_facts(its.chain, node)


def getblock(its: Served, blockhash: object, verbosity: object = None) -> str | dict[str, Any]:
    """Verbosity 0 is the block in hex, 1 its header's fields and its txids; no more is told here."""
    node = _find(its.chain, blockhash)
    level = int(verbosity) if isinstance(verbosity, bool) else integer(verbosity, default=1)
    try:
        block = its.chain.read(node)
    except UsageError as error:
        raise RpcError(Code.MISC, f"Block not available ({error})") from None
    if level <= 0:
        return block.serialise().hex()
    return {
        **_header_facts(its.chain, node),
        "nTx": len(block.transactions),
        "strippedsize": block.stripped_size,
        "size": block.size,
        "weight": block.weight,
        "tx": [display_hash(transaction.txid) for transaction in block.transactions],
    }


def getmininginfo(its: Served) -> dict[str, Any]:
    chain, bits = its.chain, its.chain.tip.header.bits
    return {
        "blocks": chain.tip.height,
        "bits": f"{bits:08x}",
        "difficulty": _difficulty(bits),
        "target": f"{bits_to_target(bits):064x}",
        "networkhashps": getnetworkhashps(its),
        "pooledtx": 0,
        "chain": _chain_name(chain),
        "warnings": [],
    }


def getnetworkhashps(its: Served) -> float:
    """Hashes a second, from the work and the times of the last blocks."""
    tip = its.chain.tip
    first = tip.at(max(0, tip.height - _RATE_BLOCKS))
    times = [node.header.time for node, _ in zip(tip.branch(), range(_RATE_BLOCKS + 1), strict=False)]
    seconds = max(times) - min(times)
    return (tip.work - first.work) / seconds if seconds else 0


def validateaddress(its: Served, address: object) -> dict[str, Any]:
    given = text(address)
    try:
        script = address_to_script(given, its.chain.network)
    except UsageError as error:
        return {"isvalid": False, "error": str(error)}
    program = witness_program(script)
    document = {
        "isvalid": True,
        "address": given,
        "scriptPubKey": script.hex(),
        "isscript": is_p2sh(script) or (program is not None and len(program.program) == 32),
        "iswitness": program is not None,
    }
    if program is None:
        return document
    return {**document, "witness_version": program.version, "witness_program": program.program.hex()}


def _find(chain: Chainstate, blockhash: object) -> Node:
    node = chain.tree.get(block_hash(blockhash, "blockhash"))
    if node is None:
        raise RpcError(Code.ADDRESS_OR_KEY, "Block not found")
    return node


def _header_facts(chain: Chainstate, node: Node) -> dict[str, Any]:
    header = node.header
    in_chain = chain.in_chain(node)
    document = {
        "hash": node.name,
        "confirmations": chain.tip.height - node.height + 1 if in_chain else -1,
        "height": node.height,
        "version": header.version,
        "versionHex": f"{header.version & 0xFFFFFFFF:08x}",
        "merkleroot": display_hash(header.merkle_root),
        "time": header.time,
        "mediantime": node.median_time_past(),
        "nonce": header.nonce,
        "bits": f"{header.bits:08x}",
        "target": f"{bits_to_target(header.bits):064x}",
        "difficulty": _difficulty(header.bits),
        "chainwork": f"{node.work:064x}",
    }
    if node.parent:
        document["previousblockhash"] = node.parent.name
    if in_chain and node is not chain.tip:
        document["nextblockhash"] = chain.tip.at(node.height + 1).name
    return document


def _chain_name(chain: Chainstate) -> str:
    return CHAIN_NAMES.get(chain.network.name, chain.network.name)


def _difficulty(bits: int) -> float:
    return _DIFFICULTY_1 / bits_to_target(bits)
