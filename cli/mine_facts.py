"""What is told of the devices at the end of mining, as data and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..miner.worker import Effort


def device_facts(effort: Effort) -> list[dict[str, Any]]:
    """What each device did, as plain data."""
    return [
        {
            "device": tally.device,
            "windows": tally.windows,
            "hashes": tally.hashes,
            "seconds": tally.seconds,
            "rate": tally.rate,
            "hits": tally.hits,
            "error": tally.error,
        }
        for tally in effort.tallies
    ]


def print_devices(effort: Effort) -> None:
    """What each device did, where there are several."""
    from . import show

    if len(effort.tallies) > 1:
        show.table(
            ("device", "hashes", "rate", "windows"),
            [(t.device, f"{t.hashes:,}", show.rate(t.rate), str(t.windows)) for t in effort.tallies],
            right=("hashes", "rate", "windows"),
        )
