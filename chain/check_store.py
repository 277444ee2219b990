"""Everything again, from what is on the disk: is the chain valid, and are the coins those that it leaves?"""

from __future__ import annotations

import heapq
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, repeat

from ..kernels.backend import Backend
from .chainstate import Chainstate
from .check_block import check_block
from .check_block_context import check_block_context
from .check_header import check_header
from .coins import Coin, CoinSet, digest
from .connect_block import check_scripts, connect_block
from .refusal import Refusal
from .serialise import MalformedError
from .signet import check_signature
from .store import CACHE, COINS_SCHEMA, CoinTable, StoreError
from .transaction import OutPoint
from .tree import Node

_Entry = tuple[OutPoint, Coin]


@dataclass(frozen=True, slots=True)
class StoreReport:
    valid: bool

    blocks: int
    """Blocks of the chain that were found good, genesis included."""

    detail: str | None
    """What is wrong and where; None for a chain that is valid."""


def check_store(
    chainstate: Chainstate, backend: Backend, now: int, progress: Callable[[int, int], None] | None = None
) -> StoreReport:
    """Read every block of the chain from its file, check it as if it came in now, and compare the coins.

    The coins are rebuilt in a temporary file, so that memory does not grow with them. `progress` is called with
    the height done and that of the tip; `now` is Unix seconds. Raises what `Backend.verify` raises; damage is
    reported.
    """
    tip = chainstate.tip
    height = 0
    try:
        fault = chainstate.store.check_database()
        if fault:
            return StoreReport(False, 0, f"the database is damaged: {fault}")
        with _temporary_coins() as coins:
            for height in range(1, tip.height + 1):
                node = tip.at(height)
                refusal = _check(node, chainstate, coins, backend, now)
                if refusal:
                    where = f"block {node.name} at height {height}"
                    return StoreReport(False, height, f"{where}: {refusal.reason.value}: {refusal.detail}")
                if progress:
                    progress(height, tip.height)
            detail = _compare(coins.items, chainstate.store.coins.items)
    except (StoreError, MalformedError) as error:
        return StoreReport(False, height, str(error))
    return StoreReport(detail is None, tip.height + 1, detail)


@contextmanager
def _temporary_coins() -> Iterator[CoinTable]:
    """No coins, in a file that goes away again; `StoreError` where the disk does not take them."""
    database = sqlite3.connect("", isolation_level=None)
    try:
        database.execute(CACHE)
        database.execute(COINS_SCHEMA)
        database.execute("BEGIN")
        yield CoinTable(database)
    except sqlite3.Error as error:
        raise StoreError(f"cannot rebuild the coins in a temporary file: {error}") from error
    finally:
        database.close()


def _compare(expected: Callable[[], Iterator[_Entry]], held: Callable[[], Iterator[_Entry]]) -> str | None:
    """How the coins that are held differ from those that the blocks leave. Each gives them in order, each time."""
    found = Counter(missing=0, extra=0, changed=0)
    by_place = heapq.merge(zip(expected(), repeat("missing")), zip(held(), repeat("extra")), key=_place)
    for _, same in groupby(by_place, key=_place):
        (entry, side), *others = same
        if not others:
            found[side] += 1
        elif others[0][0] != entry:
            found["changed"] += 1
    if not found.total():
        return None
    return (
        f"the coins are not those that the blocks leave ({found['missing']} are missing, {found['extra']} too "
        f"many, {found['changed']} changed): digest {digest(expected())} expected, {digest(held())} found; "
        "import the blocks into a new folder"
    )


def _place(found: tuple[_Entry, str]) -> OutPoint:
    return found[0][0]


def _check(node: Node, chainstate: Chainstate, coins: CoinSet, backend: Backend, now: int) -> Refusal | None:
    assert node.parent is not None
    network, tree = chainstate.network, chainstate.tree
    block = chainstate.read(node)
    ancestry, context = tree.ancestry(node.parent), tree.context(node.parent)
    refusal = (
        check_header(block.header, node.hash, ancestry, ancestry.required_bits(block.header.time), now)
        or check_block(block, node.hash, network)
        or check_signature(block, network, backend)
        or check_block_context(block, context)
    )
    if refusal:
        return refusal
    found = connect_block(block, node.hash, context, coins)
    if isinstance(found, Refusal):
        return found
    refusal, _ = check_scripts(block, found, backend)
    if refusal is None:
        found.changes.apply(coins)
    return refusal
