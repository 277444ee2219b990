"""The tree of blocks: every branch, which blocks are refused, and which branch has the most work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .ancestry import MEDIAN_SPAN, Ancestry
from .check_block_context import BlockContext
from .header import BlockHeader, display_hash
from .params import Network
from .pow import bits_to_target, work
from .refusal import Reason, Refusal


@dataclass(slots=True, eq=False)
class Node:
    """A block in the tree. Its header is valid where it stands."""

    header: BlockHeader

    hash: bytes
    """32 bytes in wire order."""

    parent: Node | None = field(repr=False)
    """None for genesis."""

    jump: Node | None = field(repr=False)
    """An ancestor further down (Myers 1983): every height is reached in logarithmically many steps."""

    height: int

    work: int
    """Of the branch up to here, genesis included."""

    sequence: int
    """How many blocks had come before it."""

    refusal: Refusal | None = None
    """Why neither it nor a block above it can be the tip; None as far as is known."""

    children: list[Node] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """Its hash in display order."""
        return display_hash(self.hash)

    @property
    def preference(self) -> tuple[int, int]:
        """The tip has the greatest: most work, and of equals the first that was seen."""
        return self.work, -self.sequence

    def branch(self) -> Iterator[Node]:
        """Itself and what lies below, down to genesis."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def at(self, height: int) -> Node:
        """The block at `height`, at most its own, on its branch."""
        node = self
        while node.height > height:
            jump, parent = node.jump, node.parent
            if jump is None or parent is None:
                raise ValueError(f"there is no height {height}")
            node = jump if jump.height >= height else parent
        return node

    def median_time_past(self) -> int:
        """The median time of itself and the ten blocks below; of an even number the later one in the middle."""
        times = sorted(node.header.time for node, _ in zip(self.branch(), range(MEDIAN_SPAN), strict=False))
        return times[len(times) // 2]

    def median_time_before(self, height: int) -> int:
        """The median time past of the block before `height` on this branch; of genesis for 0."""
        return self.at(max(height - 1, 0)).median_time_past()


class BlockTree:
    """It knows blocks by their headers and keeps nothing else of them."""

    def __init__(self, network: Network) -> None:
        self.network = network
        genesis = network.genesis
        self.root = Node(genesis, genesis.hash(), None, None, 0, _work(genesis), 0)
        self._nodes = {self.root.hash: self.root}
        self._ancestry: tuple[Node, Ancestry] | None = None

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        """All blocks, in the order in which they came."""
        return iter(self._nodes.values())

    def get(self, digest: bytes) -> Node | None:
        return self._nodes.get(digest)

    def add(self, header: BlockHeader, digest: bytes, refusal: Refusal | None = None) -> Node:
        """A new block on one that is here. What stands on a refused block is refused too."""
        parent = self._nodes[header.prev_hash]
        jump = parent
        if parent.jump and parent.jump.jump and 2 * parent.jump.height == parent.height + parent.jump.jump.height:
            jump = parent.jump.jump
        height, total = parent.height + 1, parent.work + _work(header)
        node = Node(header, digest, parent, jump, height, total, len(self._nodes), refusal or _inherited(parent))
        parent.children.append(node)
        self._nodes[digest] = node
        return node

    def ancestry(self, parent: Node) -> Ancestry:
        """What `check_header` asks about the blocks up to `parent`. Good until the next call."""
        if self._ancestry and self._ancestry[0] is parent:
            return self._ancestry[1]
        if self._ancestry and self._ancestry[0] is parent.parent:
            ancestry = self._ancestry[1]
            ancestry.add(parent.header, parent.hash)
        else:
            interval = self.network.retarget_interval
            start = max(0, min(parent.height // interval * interval, parent.height - MEDIAN_SPAN + 1))
            below = [node for node, _ in zip(parent.branch(), range(parent.height - start + 1), strict=False)]
            ancestry = Ancestry(self.network, start)
            for node in reversed(below):
                ancestry.add(node.header, node.hash)
        self._ancestry = parent, ancestry
        return ancestry

    def context(self, parent: Node) -> BlockContext:
        """What the other rules ask about the blocks up to `parent`."""
        bip34 = self.network.bip34_height
        return BlockContext(
            network=self.network,
            height=parent.height + 1,
            median_time=parent.median_time_past(),
            median_time_before=parent.median_time_before,
            bip34_block=parent.at(bip34).name if parent.height >= bip34 else None,
        )

    def refuse(self, node: Node, refusal: Refusal) -> None:
        """Mark a block, and with it everything that stands on it."""
        node.refusal = refusal
        for above in _above(node):
            if above.refusal is None:
                above.refusal = _inherited(node)

    def reconsider(self, node: Node) -> list[Node]:
        """Take back what was held against a block, those below and those above it; the blocks that were marked."""
        marked = [other for other in (*node.branch(), *_above(node)) if other.refusal is not None]
        for other in marked:
            other.refusal = None
        return marked

    def best(self) -> Node:
        """The block that should be the tip."""
        return max((node for node in self if node.refusal is None), key=lambda node: node.preference)

    def tips(self) -> list[Node]:
        """The end of every branch, the preferred first, refused ones last."""
        ends = [node for node in self if not node.children]
        return sorted(ends, key=lambda node: (node.refusal is None, node.preference), reverse=True)


def fork_point(one: Node, other: Node) -> Node:
    """The last block that two branches share."""
    height = min(one.height, other.height)
    one, other = one.at(height), other.at(height)
    while one is not other:
        if one.parent is None or other.parent is None:
            raise ValueError("blocks of two trees have no fork")
        one, other = one.parent, other.parent
    return one


def _work(header: BlockHeader) -> int:
    return work(bits_to_target(header.bits))


def _inherited(node: Node) -> Refusal | None:
    if node.refusal is None or node.refusal.reason is Reason.BAD_PREVBLK:
        return node.refusal
    return Refusal(Reason.BAD_PREVBLK, f"it stands on {node.name}, which is refused: {node.refusal.reason.value}")


def _above(node: Node) -> Iterator[Node]:
    waiting = [*node.children]
    while waiting:
        above = waiting.pop()
        yield above
        waiting += above.children
