"""What the rules need to know of the headers below the next one.

A run of headers may start in the middle of a chain. What lies before it is then unknown, and unknown
is not guessed: each question below is answered as far as the known headers decide it, and with None
where they do not.
"""

from __future__ import annotations

from collections import deque

from .header import BlockHeader
from .params import Network
from .pow import retarget, target_to_bits

MEDIAN_SPAN = 11
"""Headers whose times make the median time past."""


class Ancestry:
    """The known headers from `height` on, reduced to what the next header is checked against."""

    def __init__(self, network: Network, height: int) -> None:
        self.network = network
        self.height = height
        """Of the next header."""

        self.tip: BlockHeader | None = None
        """The header before the next one."""

        self.tip_digest: bytes | None = None

        self._limit_bits = target_to_bits(network.pow_limit)
        self._times: deque[int] = deque(maxlen=MEDIAN_SPAN)
        self._period_first: BlockHeader | None = None
        self._real_bits: int | None = None

    def add(self, header: BlockHeader, digest: bytes) -> None:
        """Take `header`, which hashes to `digest`, as the new tip."""
        starts_period = self.at_retarget
        if starts_period:
            self._period_first = header
        # A period's first header cannot use the 20-minute rule, so its bits are the real ones even
        # where they equal the limit.
        if starts_period or header.bits != self._limit_bits:
            self._real_bits = header.bits
        self._times.append(header.time)
        self.tip, self.tip_digest = header, digest
        self.height += 1

    @property
    def at_retarget(self) -> bool:
        """Whether the next header is the first of a difficulty period."""
        return self.height % self.network.retarget_interval == 0

    def required_bits(self, time: int) -> int | None:
        """nBits that a next header with this time must carry (Bitcoin Core's `GetNextWorkRequired`).

        None when headers before the run decide: for the run's first header, for a retarget whose
        period began before the run, and, with the 20-minute rule, as long as the run has shown only
        the easiest bits, since the real difficulty is then unknown.
        """
        if self.height == 0:
            return self.network.genesis.bits
        if self.tip is None:
            return None
        if self.at_retarget:
            return self._retargeted_bits(self.tip)
        if not self.network.allow_min_difficulty:
            return self.tip.bits
        if time > self.tip.time + 2 * self.network.target_spacing:
            return self._limit_bits
        return self._real_bits

    def _retargeted_bits(self, tip: BlockHeader) -> int | None:
        if self.network.no_retargeting:
            return tip.bits
        first = self._period_first
        if first is None:
            return None
        base = first if self.network.enforce_bip94 else tip
        return retarget(self.network, base.bits, tip.time - first.time)

    def median_time_past(self) -> int | None:
        """The median time of the eleven headers before the next one, or of all if there are fewer.

        Where some of them are unknown it is a lower bound, taking those as arbitrarily old, so that
        no header is refused for want of knowledge; None when even that is open.
        """
        ancestors = min(MEDIAN_SPAN, self.height)
        place = ancestors // 2 - (ancestors - len(self._times))
        return sorted(self._times)[place] if 0 <= place < len(self._times) else None
