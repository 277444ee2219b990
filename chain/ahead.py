"""Blocks ahead of the tip: good but for their scripts, which are run for all of them together.

A signature costs a backend the less the more come with it, and the blocks of a chain's first years have few each.
"""

from __future__ import annotations

from typing import NamedTuple

from ..kernels.backend import Backend
from .block import Block
from .check_block_context import BlockContext
from .coins import CoinLayer, CoinView
from .connect_block import Connection, connect_block, script_refusal
from .refusal import Refusal
from .tree import Node
from .verdict_cache import VerdictCache
from .verdicts import verify_inputs

BLOCKS = 64
BYTES = 1 << 20
"""What is enough: of the one or of the other."""


class Waiting(NamedTuple):
    """A block whose scripts have not run."""

    node: Node
    raw: bytes
    block: Block
    connection: Connection


class Ahead:
    """Blocks one on the other, the first on the tip."""

    def __init__(self, coins: CoinView) -> None:
        """`coins` are those of the tip."""
        self.waiting: list[Waiting] = []
        self._coins = CoinLayer(coins)
        self._bytes = 0

    @property
    def enough(self) -> bool:
        return len(self.waiting) >= BLOCKS or self._bytes >= BYTES

    def connect(self, block: Block, digest: bytes, context: BlockContext) -> Connection | None:
        """What the block does to the coins; None where it must not, or has other flags than those that wait."""
        found = connect_block(block, digest, context, self._coins)
        if isinstance(found, Refusal) or (self.waiting and found.flags != self.waiting[0].connection.flags):
            return None
        return found

    def add(self, waiting: Waiting) -> None:
        """A block that `connect` has found good."""
        self.waiting.append(waiting)
        self._bytes += len(waiting.raw)
        waiting.connection.changes.apply(self._coins)

    def check(self, backend: Backend, cache: VerdictCache) -> tuple[Node, Refusal] | None:
        """Run all scripts, with their signatures in one batch; the first block that they refuse, and why."""
        if not self.waiting:
            return None
        spends = [spend for waiting in self.waiting for spend in waiting.connection.spends]
        fault = verify_inputs(spends, self.waiting[0].connection.flags, backend, cache).first_fault()
        if fault is None:
            return None
        index = fault.transaction
        for waiting in self.waiting:
            count = len(waiting.connection.spends)
            if index < count:
                break
            index -= count
        return waiting.node, script_refusal(waiting.block, fault._replace(transaction=index))
