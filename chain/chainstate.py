"""A chain that grows: blocks come in, in any order, and the branch with the most work becomes the chain.

The checks of a block come in the order of what they need: its bytes (`check_block.py`), the headers below
(`check_header.py`, `check_block_context.py`), and, once its branch has the most work, the coins and scripts
(`connect_block.py`). Each block that comes in is one transaction of the store, with the whole reorganisation
that it may cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from ..kernels.backend import Backend, UsageError
from .block import Block
from .check_block import check_block
from .check_block_context import check_block_context
from .check_header import check_header, check_work
from .coins import undo
from .connect_block import check_scripts, connect_block
from .genesis import genesis_block
from .header import display_hash
from .orphans import Orphans
from .refusal import Reason, Refusal
from .serialise import MalformedError
from .signet import check_signature
from .store import DamagedError, Store
from .tree import BlockTree, Node, fork_point
from .verdict_cache import VerdictCache

_NOT_ITS_FAULT = frozenset(
    (
        Reason.BAD_TXNMRKLROOT,
        Reason.BAD_TXNS_DUPLICATE,
        Reason.BAD_WITNESS_NONCE_SIZE,
        Reason.BAD_WITNESS_MERKLE_MATCH,
        Reason.UNEXPECTED_WITNESS,
    )
)
"""The hash does not cover what is wrong, so a good block with the same hash may come yet."""


class Status(StrEnum):
    TIP = "tip"
    """It became the tip."""

    BRANCH = "branch"
    """It is kept, and another branch has more work or came first."""

    ORPHAN = "orphan"
    """What it stands on is not here; it is held until that comes."""

    KNOWN = "known"
    """It was here before."""

    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a block that came in."""

    hash: str
    """In display order; empty for bytes that are no block."""

    status: Status

    height: int | None = None
    """None where it has no place in the tree."""

    refusal: Refusal | None = None

    disconnected: int = 0
    """Blocks that left the chain for it."""


class _RefusedError(Exception):
    """Ends an attempt to connect a branch."""

    def __init__(self, node: Node, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.node, self.refusal = node, refusal


class Chainstate:
    """The tree, the tip and the coins, as the store holds them."""

    def __init__(self, store: Store, backend: Backend, clock: Callable[[], float] = time.time) -> None:
        """`backend` verifies signatures; `clock` gives Unix seconds. Raises `DamagedError` for a damaged store."""
        self.store = store
        self.network = store.network
        self.cache = VerdictCache()
        """Checks that a mempool has found good are not made again."""

        self._backend = backend
        self._clock = clock
        self._orphans = Orphans()
        self._load()

    def _load(self) -> None:
        self.tree = BlockTree(self.network)
        for block in self.store.blocks():
            if self.tree.get(block.header.prev_hash) is None:
                raise DamagedError(
                    f"{self.store.folder} has block {display_hash(block.hash)} without the one below it"
                )
            self.tree.add(block.header, block.hash, block.refusal)
        tip = self.tree.get(self.store.tip)
        if tip is None:
            raise DamagedError(f"{self.store.folder} does not have its own tip; it is damaged")
        self.tip = tip

    def accept(self, raw: bytes) -> list[Outcome]:
        """Take in a block, and the held ones that can follow it; what became of each, itself first.

        Raises `StoreError` where the disk fails, with nothing changed, and what `Backend.verify` raises.
        """
        outcomes = [self._accept(raw)]
        for outcome in outcomes:  # grows while it is read
            if outcome.height is not None:
                outcomes += map(self._accept, self._orphans.take(outcome.hash))
        return outcomes

    def _accept(self, raw: bytes) -> Outcome:
        try:
            block = Block.parse(raw)
        except MalformedError as error:
            return Outcome("", Status.REFUSED, refusal=Refusal(Reason.BAD_BLOCK, str(error)))
        digest = block.header.hash()
        name = display_hash(digest)
        known = self.tree.get(digest)
        if known:
            return Outcome(name, Status.REFUSED if known.refusal else Status.KNOWN, known.height, known.refusal)
        parent = self.tree.get(block.header.prev_hash)
        if parent is None:
            refusal = check_work(block.header, digest, self.network)
            if refusal is None:
                self._orphans.hold(name, display_hash(block.header.prev_hash), raw)
            return Outcome(name, Status.REFUSED if refusal else Status.ORPHAN, refusal=refusal)

        height = parent.height + 1
        ancestry = self.tree.ancestry(parent)
        required = ancestry.required_bits(block.header.time)
        refusal = check_header(block.header, digest, ancestry, required, int(self._clock()))
        if refusal:
            return Outcome(name, Status.REFUSED, height, refusal)
        refusal = (
            check_block(block, digest, self.network)
            or check_signature(block, self.network, self._backend)
            or check_block_context(block, self.tree.context(parent))
        )
        if refusal and refusal.reason in _NOT_ITS_FAULT:
            return Outcome(name, Status.REFUSED, height, refusal)
        old_tip = self.tip
        with self._all_or_nothing():
            self.store.add_block(digest, block.header, None if refusal else raw, refusal)
            node = self.tree.add(block.header, digest, refusal)
            if node.refusal is None and node.preference > self.tip.preference:
                self._activate(node, {digest: block})
        if node.refusal:
            return Outcome(name, Status.REFUSED, height, node.refusal)
        if self.tip is not node:
            return Outcome(name, Status.BRANCH, height)
        return Outcome(name, Status.TIP, height, disconnected=old_tip.height - fork_point(old_tip, node).height)

    def invalidate(self, digest: bytes) -> None:
        """Treat a block and what stands on it as invalid, until `reconsider`. `UsageError` for an unknown one."""
        node = self._find(digest)
        if node.parent is None:
            raise UsageError("genesis cannot be marked invalid")
        with self._all_or_nothing():
            self._refuse(node, Refusal(Reason.MARKED_INVALID, "it was marked invalid by hand"))
            self._activate(self.tree.best(), {})

    def reconsider(self, digest: bytes) -> None:
        """Take back what is held against a block, those below and those above it, and judge them anew.

        `UsageError` for an unknown block, and where one of them was refused for its bytes, which are not kept.
        """
        node = self._find(digest)
        with self._all_or_nothing():
            for marked in self.tree.reconsider(node):
                if self.store.read_block(marked.hash) is None:
                    raise UsageError(f"block {marked.name} was refused for its own bytes, which no rule forgives")
                self.store.set_refusal(marked.hash, None)
            self._activate(self.tree.best(), {})

    def read(self, node: Node) -> Block:
        """A block of the tree. `UsageError` for one of which only the header was kept."""
        if node.parent is None:
            return genesis_block(self.network)
        raw = self.store.read_block(node.hash)
        if raw is None:
            raise UsageError(f"of block {node.name}, which was refused, only the header was kept")
        return Block.parse(raw)

    def in_chain(self, node: Node) -> bool:
        """Whether it is the tip or below."""
        return node.height <= self.tip.height and self.tip.at(node.height) is node

    def _find(self, digest: bytes) -> Node:
        node = self.tree.get(digest)
        if node is None:
            raise UsageError(f"there is no block {display_hash(digest)} here")
        return node

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """A transaction after whose failure the tree is what the store says again."""
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self._load()
            raise

    def _activate(self, target: Node, fresh: dict[bytes, Block]) -> None:
        """Make `target` the tip or, if a block on the way is refused, the best that is left.

        `fresh` are blocks that need not be read again.
        """
        while target is not self.tip:
            try:
                with self.store.attempt():
                    self._switch(target, fresh)
            except _RefusedError as refused:
                self._refuse(refused.node, refused.refusal)
                target = self.tree.best()
            else:
                self.tip = target

    def _switch(self, target: Node, fresh: dict[bytes, Block]) -> None:
        fork = fork_point(self.tip, target)
        for node in self.tip.branch():
            if node is fork:
                break
            undo(self.read(node), self.store.read_undo(node.hash), self.store.coins)
        path = []
        for node in target.branch():
            if node is fork:
                break
            path.append(node)
        for node in reversed(path):
            self._connect(node, fresh.get(node.hash) or self.read(node))
        self.store.tip = target.hash

    def _connect(self, node: Node, block: Block) -> None:
        assert node.parent is not None
        found = connect_block(block, node.hash, self.tree.context(node.parent), self.store.coins)
        if isinstance(found, Refusal):
            raise _RefusedError(node, found)
        refusal, _ = check_scripts(block, found, self._backend, self.cache)
        if refusal:
            raise _RefusedError(node, refusal)
        found.changes.apply(self.store.coins)
        self.store.set_undo(node.hash, found.changes.spent)

    def _refuse(self, node: Node, refusal: Refusal) -> None:
        self.tree.refuse(node, refusal)
        self.store.set_refusal(node.hash, refusal)
