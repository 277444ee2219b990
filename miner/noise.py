"""Whether a machine is quiet enough for its rates to mean something."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

UNSTEADY = 0.05
"""Rates are unsteady when the middle half of them spans more than this part of their median.

The middle half, because one round that was disturbed does not move a median.
"""

CROWDED = 0.05
"""A machine is crowded when others keep more than this part of its processor time busy."""

STAT = Path("/proc/stat")


def complaints(rates: Mapping[str, Sequence[float]], others: float | None) -> list[str]:
    """Why these rates, by name, do not mean much; `others` is what `Load` says. A sentence each."""
    found = []
    if others is not None and others > CROWDED:
        found.append(f"other programs kept {100 * others:.0f} % of the processors busy")
    unsteady = {name: spread for name, values in rates.items() if (spread := middle_half(values)) > UNSTEADY}
    if unsteady:
        worst = max(unsteady, key=lambda name: unsteady[name])
        found.append(
            f"{len(unsteady)} of {len(rates)} rates are unsteady, "
            f"{worst} most: the middle half of its rounds spans {100 * unsteady[worst]:.0f} % of their median"
        )
    return found


def middle_half(values: Sequence[float]) -> float:
    """From the first to the third quartile, over the median; 0 for one value, which shows no spread."""
    if len(values) < 2:
        return 0.0
    first, median, third = statistics.quantiles(values, method="inclusive")
    return (third - first) / median


class Load:
    """What others do on this machine from now on."""

    def __init__(self) -> None:
        self._before = _ticks()
        self._own = time.process_time()

    def of_others(self) -> float | None:
        """The part of all processor time that other programs, or a hypervisor, took; None if nobody tells."""
        now, own = _ticks(), time.process_time() - self._own
        if now is None or self._before is None:
            return None
        busy, total = now[0] - self._before[0], now[1] - self._before[1]
        if total <= 0:
            return None
        return max(0.0, busy - own * os.sysconf("SC_CLK_TCK")) / total


def _ticks() -> tuple[int, int] | None:
    """(busy, all) ticks of all processors since the system started. Source: proc_stat(5)."""
    if not STAT.exists():
        return None
    user, nice, system, idle, waiting, irq, softirq, steal = map(int, STAT.read_text().split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    return busy, busy + idle + waiting
