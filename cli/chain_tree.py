"""The tree of blocks as text and as a picture: stretches without a fork, and where they part."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..chain.chainstate import Chainstate
    from ..chain.tree import Node

WIDTH, HEIGHT, GAP = 190, 46, 34
"""Of a box, and between two; in pixels like all lengths here."""

MARGIN = 20
FONT = 13


@dataclass(slots=True)
class Stretch:
    """Blocks one on the other, from a fork, or genesis, to the next fork or the end of the branch."""

    first: Node
    last: Node

    kind: str
    """`chain`, `branch` or `refused`."""

    below: Stretch | None
    """What it stands on."""

    column: int
    """How many stretches lie below it."""

    lane: int
    """0 for the branch that goes on longest; every other one has its own."""

    @property
    def heights(self) -> str:
        first, last = self.first.height, self.last.height
        return f"{first:,}" if first == last else f"{first:,} to {last:,}"

    @property
    def remark(self) -> str:
        """What a person should know about it."""
        if self.last.refusal:
            return f"refused: {self.last.refusal.reason.value}"
        return "" if self.last.children else "tip" if self.kind == "chain" else "less work, or later"


def stretches(chain: Chainstate) -> list[Stretch]:
    """The whole tree. Side branches come before what goes on above their fork."""
    best: dict[Node, tuple[bool, tuple[int, int]]] = {}
    for node in reversed(list(chain.tree)):  # above before below
        best[node] = max([(node.refusal is None, node.preference), *(best[child] for child in node.children)])
    found: list[Stretch] = []
    lanes = 1
    waiting: list[tuple[Node, Stretch | None, bool]] = [(chain.tree.root, None, False)]
    while waiting:
        first, below, aside = waiting.pop()
        last, kind = first, _kind(chain, first)
        while len(last.children) == 1 and _kind(chain, last.children[0]) == kind:
            last = last.children[0]
        lane = lanes if aside else below.lane if below else 0
        lanes += aside
        stretch = Stretch(first, last, kind, below, below.column + 1 if below else 0, lane)
        found.append(stretch)
        children = sorted(last.children, key=best.__getitem__, reverse=True)
        waiting += [(child, stretch, number > 0) for number, child in enumerate(children)]
    return found


def _kind(chain: Chainstate, node: Node) -> str:
    return "refused" if node.refusal else "chain" if chain.in_chain(node) else "branch"


def text(found: list[Stretch]) -> list[str]:
    """A line for each stretch, genesis first; a side branch is set in under the fork that it leaves."""
    lines = []
    inset = {0: ""}
    for stretch in found:
        begins = stretch.lane not in inset
        if begins and stretch.below:
            outer = inset[stretch.below.lane]
            inset[stretch.lane] = outer + "│  "
            start = outer + "├─ "
        else:
            start = inset[stretch.lane]
        mark = {"chain": "●", "branch": "○", "refused": "✗"}[stretch.kind]
        remark = f"  {stretch.remark}" if stretch.remark else ""
        lines.append(f"{start}{mark} {stretch.heights}  {stretch.last.name}{remark}")
    return lines


def picture(found: list[Stretch], network: str) -> str:
    """An SVG document: time goes to the right, branches downwards."""
    drawn = []
    for stretch in found:
        x, y = _place(stretch)
        if stretch.below:
            below_x, below_y = _place(stretch.below)
            path = f"M{below_x + WIDTH} {below_y + HEIGHT // 2}H{x - GAP // 2}V{y + HEIGHT // 2}H{x}"
            drawn.append(f'<path d="{path}"/>')
        end = stretch.last.name
        drawn += [
            f"<g><title>{escape(f'{end} {stretch.remark}'.strip())}</title>",
            f'<rect class="{stretch.kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            f'<text class="height" x="{x + 10}" y="{y + 19}">{stretch.heights}</text>',
            f'<text x="{x + 10}" y="{y + 36}">…{end[-12:]}{escape(_short(stretch.remark))}</text></g>',
        ]
    width = max(_place(stretch)[0] for stretch in found) + WIDTH + MARGIN
    height = max(_place(stretch)[1] for stretch in found) + HEIGHT + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="{FONT}">',
            f"<title>quorate chain tree: {escape(network)}</title>",
            "<style>.height{font-weight:bold}.chain{fill:#cfe3f7;stroke:#2a5d8f}.branch{fill:#eee;stroke:#888}"
            ".refused{fill:#f7d5d0;stroke:#a33}path{stroke:#555;fill:none}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _place(stretch: Stretch) -> tuple[int, int]:
    """The upper left corner of its box."""
    return MARGIN + stretch.column * (WIDTH + GAP), MARGIN + stretch.lane * (HEIGHT + GAP // 2)


def _short(remark: str) -> str:
    """A refusal's reason has no room in the box."""
    return f"  {remark.partition(':')[0].partition(',')[0]}" if remark else ""
