"""What a person or a script sees: the one place that prints.

Results go to stdout, as text or as one JSON document; everything else goes to stderr.
"""

from __future__ import annotations

import errno
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..kernels.backend import DeviceError, QuorateError

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..kernels.evidence import Item
    from ..kernels.findings import Finding

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


said = False
"""Whether a result, or why there is none, has been printed."""

one_a_line = False
"""Whether JSON documents are a line each: one after the other, as things happen."""

_live = False
"""Whether something is moving at the bottom of the terminal."""


def exit_code_of(error: Exception) -> int:
    """2 for wrong usage or a chain that cannot be used, 3 for a device, 70 for an error that nobody foresaw."""
    match error:
        case DeviceError():
            return 3
        case QuorateError() | OSError(errno=errno.ENOSPC):  # the latter where results are written to a full disk
            return 2
    return 2 if hasattr(error, "format_message") else 70  # Typer's own errors are about usage


def sentence(text: str) -> None:
    """An error as one sentence on stderr, and as the JSON document where one was asked for."""
    global said
    said = True
    err.print(f"quorate: {text}", markup=False)
    if "--json" in sys.argv:
        document({"error": text})


def interrupted() -> None:
    """Said where Ctrl-C came before there was anything to report."""
    if not said:
        sentence("interrupted")


def note(text: str) -> None:
    """A line on stderr."""
    err.print(text, markup=False)


def line(text: str) -> None:
    """A line of the result."""
    global said
    said = True
    # Above what moves there, if anything does: only its console knows how.
    (err if _live and out.is_terminal else out).print(text, markup=False)


def document(value: dict[str, Any]) -> None:
    """A JSON document on stdout."""
    global said
    said = True
    try:
        sys.stdout.write(json.dumps(value) + "\n" if one_a_line else as_json(value))
        sys.stdout.flush()
    except BrokenPipeError:
        out.on_broken_pipe()


def as_json(value: dict[str, Any]) -> str:
    """The text of a JSON document."""
    return json.dumps(value, indent=2) + "\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table on stdout; the columns named in `right` are aligned to the right."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    # In a file or a pipe no line is folded to the width of a terminal that is not there.
    Console(highlight=False, markup=False, width=None if out.is_terminal else 1000).print(shown)


@contextmanager
def progress(text: str, total: int, hidden: bool = False) -> Iterator[Callable[[int, str], None]]:
    """A bar on stderr, where that is a terminal and it is not `hidden`; yields a function of (done, remark).

    A total of 0 is one that nobody knows.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *([TextColumn("{task.percentage:>3.0f} %")] if total else []),
        TextColumn("{task.fields[remark]}"),
        *([TimeRemainingColumn()] if total else []),
        console=err,
        transient=True,
        disable=hidden or not err.is_terminal,
    )
    with bar, moving(not bar.disable):
        task = bar.add_task(text, total=total or None, remark="")
        yield lambda done, remark: bar.update(task, completed=done, remark=remark)


@contextmanager
def moving(at_bottom: bool) -> Iterator[None]:
    """While something moves at the bottom of the terminal, lines are printed above it."""
    global _live
    _live = at_bottom
    try:
        yield
    finally:
        _live = False


def log_to_stderr(quiet: bool = False) -> None:
    """Warnings, and what Quorate itself has to tell while it works unless it is to be quiet, as they happen."""
    logging.basicConfig(level=logging.WARNING, format="quorate: %(message)s", stream=sys.stderr, force=True)
    logging.getLogger("quorate").setLevel(logging.WARNING if quiet else logging.INFO)


def rate(hashes_per_second: float) -> str:
    """With its unit: `31.4 MH/s`."""
    for factor, unit in ((1e12, "TH/s"), (1e9, "GH/s"), (1e6, "MH/s"), (1e3, "kH/s")):
        if hashes_per_second >= factor:
            return f"{hashes_per_second / factor:.3g} {unit}"
    return f"{hashes_per_second:.3g} H/s"


def energy(joules: float) -> str:
    """With its unit: `1.62 µJ`."""
    for factor, unit in ((1, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")):
        if joules >= factor:
            return f"{joules / factor:.3g} {unit}"
    return f"{joules / 1e-12:.3g} pJ"


def quorum_findings(backends: Sequence[Backend]) -> list[dict[str, Any]]:
    """What the quorums among some backends found out about their members, as plain data."""
    from ..kernels.findings import findings
    from ..kernels.quorum import Quorum

    quorums = [backend for backend in backends if isinstance(backend, Quorum)]
    return [finding(found) for quorum in quorums for found in findings(quorum)]


def finding(found: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "device": found.device,
        "kind": found.kind,
        "fault": found.fault,
        "wrong": found.wrong,
        "windows": found.windows,
        "again": found.again,
        "items": [_item(item) for item in found.items],
        "right": list(found.right),
        "shared": list(found.shared),
        "text": found.text,
    }


def _item(item: Item) -> dict[str, Any]:
    """A disputed item as plain data: enough for anyone to compute it again."""
    from ..kernels.evidence import HeaderItem

    if isinstance(item, HeaderItem):
        return {"header": item.header.hex(), "nonce": item.nonce, "hash": item.digest[::-1].hex()}
    return {
        "scheme": item.scheme.name.lower(),
        "key": item.key.hex(),
        "signature": item.signature.hex(),
        "message": item.message.hex(),
        "rules": asdict(item.rules),
        "verdict": item.verdict.name.lower(),
    }
