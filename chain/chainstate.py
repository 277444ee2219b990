"""A chain that grows: blocks come in, in any order, and the branch with the most work becomes the chain.

The checks of a block come in the order of what they need: its bytes (`check_block.py`), the headers below
(`check_header.py`, `check_block_context.py`), and, once its branch has the most work, the coins and scripts
(`connect_block.py`). Each block that comes in is one transaction of the store, with the whole reorganisation
that it may cause; the scripts of several that follow the tip can be run together before (`ahead.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ..kernels.backend import Backend, UsageError
from .ahead import Ahead, Waiting
from .block import Block
from .check_block import check_block
from .check_block_context import BlockContext, check_block_context
from .check_header import check_header, check_work
from .coins import undo
from .connect_block import Connection, check_scripts, connect_block
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


class _Candidate(NamedTuple):
    """A block that has a place in the tree."""

    raw: bytes
    block: Block
    digest: bytes
    parent: Node
    context: BlockContext

    refusal: Refusal | None
    """Why it is none that can be connected, from its bytes and the headers below."""


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
        self._ahead = Ahead(self.store.coins)

    def accept(self, raw: bytes) -> list[Outcome]:
        """Take in a block, and the held ones that can follow it; what became of each, itself first.

        Nothing may wait from `offer`. Raises `StoreError` where the disk fails, with nothing changed, and what
        `Backend.verify` raises.
        """
        outcomes = []
        waiting = [raw]
        for block in waiting:  # grows while it is read
            [outcome] = [*self.offer(block), *self.settle()]
            outcomes.append(outcome)
            if outcome.height is not None:
                waiting += self._orphans.take(outcome.hash)
        return outcomes

    def offer(self, raw: bytes) -> list[Outcome]:
        """Take in a block whose scripts may wait for those of later ones.

        Returns what became of it and of those before it that waited, in their order, or nothing while it waits.
        A block that waits is in the tree, but neither in the store nor the tip; only `offer` and `settle` may
        follow. Raises what `accept` does, after which nothing waits.
        """
        with self._or_as_stored():
            found = self._examine(raw)
            if isinstance(found, _Candidate) and self._waits(found):
                return self._settle() if self._ahead.enough else []
            outcomes = self._settle()
            if outcomes:
                found = self._examine(raw)  # it may stand on what has been refused by now
            return [*outcomes, found if isinstance(found, Outcome) else self._enter(found)]

    def settle(self) -> list[Outcome]:
        """What became of the blocks that waited. Raises what `accept` does, with those kept that were done."""
        with self._or_as_stored():
            return self._settle()

    def _examine(self, raw: bytes) -> _Candidate | Outcome:
        """All checks but those of the coins and scripts."""
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
        context = self.tree.context(parent)
        refusal = (
            check_block(block, digest, self.network)
            or check_signature(block, self.network, self._backend)
            or check_block_context(block, context)
        )
        if refusal and refusal.reason in _NOT_ITS_FAULT:
            return Outcome(name, Status.REFUSED, height, refusal)
        return _Candidate(raw, block, digest, parent, context, refusal)

    def _waits(self, found: _Candidate) -> bool:
        """Put a block that would be the next tip to those that wait; False for any other."""
        last = self._ahead.waiting[-1].node if self._ahead.waiting else self.tip
        if found.refusal or found.parent is not last:
            return False
        connection = self._ahead.connect(found.block, found.digest, found.context)
        if connection is None:
            return False
        node = self.tree.add(found.block.header, found.digest)
        self._ahead.add(Waiting(node, found.raw, found.block, connection))
        return True

    def _settle(self) -> list[Outcome]:
        ahead, self._ahead = self._ahead, Ahead(self.store.coins)
        refused, refusal = ahead.check(self._backend, self.cache) or (None, None)
        if refused and refusal:
            self.tree.refuse(refused, refusal)
        outcomes = []
        for node, raw, _, connection in ahead.waiting:
            with self.store.transaction():
                self.store.add_block(node.hash, node.header, raw, refusal if node is refused else None)
                if node.refusal is None:
                    self._apply(node, connection)
                    self.store.tip = node.hash
            if node.refusal is None:
                self.tip = node
            status = Status.REFUSED if node.refusal else Status.TIP
            outcomes.append(Outcome(node.name, status, node.height, node.refusal))
        return outcomes

    def _enter(self, found: _Candidate) -> Outcome:
        """Put a block into the tree and the store, and switch to its branch if that has the most work now."""
        old_tip = self.tip
        name, height = display_hash(found.digest), found.parent.height + 1
        with self.store.transaction():
            self.store.add_block(
                found.digest, found.block.header, None if found.refusal else found.raw, found.refusal
            )
            node = self.tree.add(found.block.header, found.digest, found.refusal)
            if node.refusal is None and node.preference > self.tip.preference:
                self._activate(node, {found.digest: found.block})
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
        with self._or_as_stored(), self.store.transaction():
            self._refuse(node, Refusal(Reason.MARKED_INVALID, "it was marked invalid by hand"))
            self._activate(self.tree.best(), {})

    def reconsider(self, digest: bytes) -> None:
        """Take back what is held against a block, those below and those above it, and judge them anew.

        `UsageError` for an unknown block, and where one of them was refused for its bytes, which are not kept.
        """
        node = self._find(digest)
        with self._or_as_stored(), self.store.transaction():
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
    def _or_as_stored(self) -> Iterator[None]:
        """After a failure inside, the tree is what the store says again."""
        try:
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
        self._apply(node, found)

    def _apply(self, node: Node, connection: Connection) -> None:
        connection.changes.apply(self.store.coins)
        self.store.set_undo(node.hash, connection.changes.spent)

    def _refuse(self, node: Node, refusal: Refusal) -> None:
        self.tree.refuse(node, refusal)
        self.store.set_refusal(node.hash, refusal)
