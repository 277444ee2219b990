"""A bar chart of rates, as SVG: a group for each work, a bar for each device."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from ..miner.rounds import Rates
from . import show

FONT = 13
LETTER = 0.65 * FONT
"""About the width of one."""

BAR, STEP, HEADING = 16, 24, 34
"""Height of a bar, of a bar with its gap, and of a line of heading; in pixels like all lengths here."""

LENGTH = 440
"""Of the highest rate."""


def chart(rates: Sequence[Rates]) -> str:
    """An SVG document. Bars are medians on one linear scale; whiskers go from the lowest to the highest round."""
    left = 20 + LETTER * max(len(r.device.name) for r in rates)
    scale = LENGTH / max(max(r.rates) for r in rates)
    drawn = [_text(20, 24, "Hashes a second: median of the rounds, and from the lowest to the highest", "title")]
    y = 36.0
    for title, group in groupby(rates, key=lambda r: r.title):
        drawn.append(_text(20, y + HEADING - 12, title, "title"))
        y += HEADING
        for r in group:
            lowest, median, highest = (left + scale * rate for rate in (min(r.rates), r.median, max(r.rates)))
            middle = y + BAR / 2
            kind = "yardstick" if r.device.name == "reference" else "bar"
            drawn += [
                _text(left - 8, middle + 4, r.device.name, "name"),
                f'<rect class="{kind}" x="{left:.1f}" y="{y:.1f}" width="{median - left:.1f}" height="{BAR}"/>',
                f'<path d="M{lowest:.1f} {middle:.1f}H{highest:.1f}M{lowest:.1f} {middle - 4:.1f}v8'
                f'M{highest:.1f} {middle - 4:.1f}v8"/>',
                _text(highest + 8, middle + 4, show.rate(r.median), "rate"),
            ]
            y += STEP
    width, height = left + LENGTH + 100, y + 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" role="img" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="{FONT}">',
            "<title>quorate bench: hashes a second</title>",
            "<style>.title{font-weight:bold}.name{text-anchor:end}.bar{fill:#4878b0}.yardstick{fill:#999}"
            "path{stroke:#222;fill:none}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
