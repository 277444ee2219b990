"""Everything again, from what is on the disk: is the chain valid, and are the coins those that it leaves?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..kernels.backend import Backend
from .chainstate import Chainstate
from .check_block import check_block
from .check_block_context import check_block_context
from .check_header import check_header
from .coins import MemoryCoins, digest
from .connect_block import check_scripts, connect_block
from .refusal import Refusal
from .serialise import MalformedError
from .signet import check_signature
from .store import StoreError
from .tree import Node


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

    The coins are rebuilt in memory, about half a kilobyte each. `progress` is called with the height done and
    that of the tip; `now` is Unix seconds. Raises what `Backend.verify` raises; damage is reported.
    """
    coins = MemoryCoins()
    tip = chainstate.tip
    height = 0
    try:
        fault = chainstate.store.check_database()
        if fault:
            return StoreReport(False, 0, f"the database is damaged: {fault}")
        for height in range(1, tip.height + 1):
            node = tip.at(height)
            refusal = _check(node, chainstate, coins, backend, now)
            if refusal:
                detail = f"block {node.name} at height {height}: {refusal.reason.value}: {refusal.detail}"
                return StoreReport(False, height, detail)
            if progress:
                progress(height, tip.height)
        held = dict(chainstate.store.coins.items())
    except (StoreError, MalformedError) as error:
        return StoreReport(False, height, str(error))
    if held == coins:
        return StoreReport(True, tip.height + 1, None)
    missing, extra = len(coins.keys() - held.keys()), len(held.keys() - coins.keys())
    detail = (
        f"the coins are not those that the blocks leave ({missing} are missing, {extra} too many): digest "
        f"{digest(coins.items())} expected, {digest(held.items())} found; import the blocks into a new folder"
    )
    return StoreReport(False, tip.height + 1, detail)


def _check(node: Node, chainstate: Chainstate, coins: MemoryCoins, backend: Backend, now: int) -> Refusal | None:
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
