"""Both roads to one verdict, for tests that hold them against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from quorate.chain.block import Block
from quorate.chain.build import commit
from quorate.chain.check_block import check_block
from quorate.chain.check_block_context import BlockContext, check_block_context
from quorate.chain.coins import CoinChanges, MemoryCoins
from quorate.chain.connect_block import check_scripts, connect_block
from quorate.chain.fast import road
from quorate.chain.fast.sources import ViewedCoins
from quorate.chain.params import network
from quorate.chain.refusal import Reason, Refusal
from quorate.chain.script.checker import CheckKind
from quorate.chain.serialise import MalformedError
from quorate.chain.transaction import Transaction
from quorate.chain.validate_block import read_prevouts
from quorate.kernels.backend import Backend

from ..regtest import remade

HEIGHT = 866_342

EASY = replace(network("mainnet"), pow_limit=network("regtest").pow_limit)
"""Mainnet's rules, with blocks that a few hashes mine."""

_EASIEST = 0x207FFFFF


class Case(NamedTuple):
    """A block, and all that its verdict depends on."""

    raw: bytes
    coins: MemoryCoins
    context: BlockContext


class Accepted(NamedTuple):
    """What both roads say about a valid block."""

    changes: CoinChanges
    fees: int
    checks: Counter[CheckKind]


def by_plain_road(case: Case, backend: Backend) -> Accepted | Refusal:
    try:
        block = Block.parse(case.raw)
    except MalformedError as error:
        return Refusal(Reason.BAD_BLOCK, str(error))
    digest = block.header.hash()
    refusal = check_block(block, digest, case.context.network) or check_block_context(block, case.context)
    if refusal:
        return refusal
    found = connect_block(block, digest, case.context, case.coins)
    if isinstance(found, Refusal):
        return found
    refusal, report = check_scripts(block, found, backend)
    return refusal or Accepted(found.changes, found.fees, report.checks)


def by_fast_road(case: Case, backend: Backend) -> Accepted | None:
    table = road.read(case.raw)
    checked = road.check(table, case.context.network) if table else None
    connected = road.connect(checked, case.context, ViewedCoins(case.coins)) if checked else None
    if connected is None:
        return None
    tally = road.satisfied(road.prepare(connected), backend)
    return Accepted(connected.changes, connected.account.fees, tally.checks) if tally else None


@cache
def whole(vectors: Path) -> Case:
    """Mainnet's block 866342, with 7,972 inputs of all kinds."""
    raw = (vectors / "blocks" / "mainnet_866342.raw").read_bytes()
    return _case(Block.parse(raw), vectors, raw)


def shortened(vectors: Path, count: int) -> Case:
    """A block of the coinbase and the first `count` of the others, as valid as the whole one."""
    coinbase, *others = Block.parse(whole(vectors).raw).transactions
    fees_taken = coinbase.outputs[0]._replace(value=EASY.subsidy(HEIGHT))
    transactions = (replace(coinbase, outputs=(fees_taken,)), *others[:count])
    block = made_valid(Block.parse(whole(vectors).raw), transactions)
    return _case(block, vectors, block.serialise())


def made_valid(block: Block, transactions: Sequence[Transaction]) -> Block:
    """With these transactions, and with commitment, root and proof of work to match."""
    coinbase, *others = transactions
    kept = tuple(output for output in coinbase.outputs if not output.script_pubkey.startswith(b"\x6a\x24\xaa\x21"))
    block = replace(block, transactions=(replace(coinbase, outputs=kept), *others))
    return remade(commit(block), bits=_EASIEST)


def _case(block: Block, vectors: Path, raw: bytes) -> Case:
    given = read_prevouts(vectors / "blocks" / "mainnet_866342_prevouts.json")
    sources = [source.outpoint for transaction in block.transactions[1:] for source in transaction.inputs]
    coins = MemoryCoins(pair for pair in zip(sources, given, strict=False) if pair[1].height != HEIGHT)
    # The median times are not in the vectors: the block's own is a bound, and ten minutes a block do for others.
    now = block.header.time - 1
    context = BlockContext(EASY, HEIGHT, now, lambda height: now - 600 * (HEIGHT - height), EASY.bip34_hash)
    return Case(raw, coins, context)
