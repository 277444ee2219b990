"""Mining as it goes: a picture at the bottom of a terminal, or a line a minute where there is none."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from . import show

if TYPE_CHECKING:
    from ..miner.status import DeviceStatus, Rate, Status

REFRESH_SECONDS = 0.5

LOG_SECONDS = 60.0
"""Between two lines where there is no terminal."""

STYLES = {"well": "green", "restarting": "yellow", "resting": "yellow", "benched": "bold red"}


@contextmanager
def live(status: Callable[[], Status], quiet: bool) -> Iterator[Callable[[], None]]:
    """Show the status on stderr; yields a function to be called as often as one likes, which keeps it fresh."""
    if quiet:
        yield lambda: None
    elif show.err.is_terminal:
        with Live(console=show.err, auto_refresh=False, transient=True) as shown, show.moving(True):
            yield _at_most_every(REFRESH_SECONDS, lambda: shown.update(view(status()), refresh=True))
    else:
        yield _at_most_every(LOG_SECONDS, lambda: show.note(one_line(status())))


def view(status: Status) -> Group:
    """The whole picture."""
    head = Text.assemble(
        (status.source, "bold"), f"  {duration(status.seconds)}", f"  work {status.work}" if status.work else ""
    )
    rates = Text("rate  ")
    for span, rate in status.rates.items():
        rates.append(f"{span} ", "dim")
        rates.append(f"{_rate(rate)}   ", "bold")
    lines = [head, rates, Text(_answers(status))]
    lines += [
        Text.assemble((device.name, STYLES.get(device.state, "")), f" is {device.state}: {device.reason}")
        for device in status.devices
        if device.reason
    ]
    return Group(*lines, Text(), _devices(status))


def one_line(status: Status) -> str:
    """The status for a log."""
    text = f"{duration(status.seconds)}: {show.rate(status.rate)}, {_answers(status)}"
    unwell = [f"{device.name} is {device.state}: {device.reason}" for device in status.devices if device.reason]
    return "; ".join([text, *unwell])


def as_svg(status: Status, title: str, width: int = 110) -> str:
    """The picture as it would be on a terminal."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(view(status))
    return console.export_svg(title=title)


def duration(seconds: float) -> str:
    """In the two largest units: `3 h 12 min`; years for what nobody will live to see."""
    if seconds >= 2 * 365.25 * 86400:
        return f"{seconds / (365.25 * 86400):,.0f} years"
    parts: list[str] = []
    left = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def number(value: float) -> str:
    """With a prefix where it is large: `1.25 k`."""
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.3g}"


def _answers(status: Status) -> str:
    """What became of solutions, and what is to be expected."""
    parts = [f"{status.accepted:,} accepted"]
    parts += [f"{status.stale:,} stale"] if status.stale else []
    parts += [f"{count:,} {reason or 'rejected'}" for reason, count in status.rejected.items()]
    parts += [f"best difficulty {number(status.best_difficulty)}"] if status.best_digest is not None else []
    if status.seconds_to_block is not None:
        parts.append(f"a block takes {duration(status.seconds_to_block)} on average")
    return ", ".join(parts)


def _devices(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("device")
    table.add_column("state")
    rows = [_cells(device) for device in status.devices]
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    for name in columns:
        table.add_column(name, justify="right")
    for device, row in zip(status.devices, rows, strict=True):
        state = Text(device.state, STYLES.get(device.state, ""))
        table.add_row(device.name, state, *(row[name] or "–" for name in columns))
    return table


def _cells(device: DeviceStatus) -> dict[str, str]:
    """By column; empty for what is not known or has not happened, and a column of those is not shown."""
    return {
        **{span: _rate(rate) for span, rate in device.rates.items()},
        "accepted": f"{device.accepted:,}",
        "stale": f"{device.stale:,}" if device.stale else "",
        "rejected": f"{total:,}" if (total := sum(device.rejected.values())) else "",
        "errors": f"{device.hardware_errors:,}" if device.hardware_errors else "",
        "restarts": f"{device.restarts:,}" if device.restarts else "",
        "canaries": f"{device.canaries - device.missed_canaries:,}/{device.canaries:,}" if device.canaries else "",
        "hits": f"{100 * device.hits / device.expected_hits:.1f} %" if device.expected_hits else "",
        "°C": "" if device.celsius is None else f"{device.celsius:.0f}",
        "W": "" if device.watts is None else f"{device.watts:.0f}",
    }


def _rate(rate: Rate) -> str:
    text = show.rate(rate.hashes_per_second)
    return text if rate.spread is None else f"{text} ({100 * rate.spread:.0f} %)"


def _at_most_every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    due = time.monotonic() + seconds

    def now_and_then() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            act()

    return now_and_then
