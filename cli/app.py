"""The command line: `quorate COMMAND`. Each command is a file; heavy imports happen inside commands."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from .bench import bench
from .chain import chain
from .compare import compare
from .devices import devices
from .mine import mine
from .validate import validate
from .verify import verify

EXIT_CODES = (
    "Exit codes: 0 fine; 1 the answer is no (invalid, disagreement, nothing found); "
    "2 wrong usage, or what cannot be read or written; 3 a device failed; 70 a fault in Quorate itself; "
    "130 interrupted; 141 nobody reads the output any more."
)
FAULT_IN_QUORATE = 70
INTERRUPTED = 130
UNREAD = 141
"""What a shell says of a program that SIGPIPE ended."""

app = typer.Typer(
    name="quorate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would take "[default: …]" for markup, and leave it out
    epilog=EXIT_CODES,
)
app.command()(devices)
app.command()(mine)
app.command()(compare)
app.add_typer(validate, name="validate")
app.command()(verify)
app.add_typer(chain, name="chain")
app.add_typer(bench, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("quorate"))
        raise typer.Exit


@app.callback()
def quorate(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Mine and validate on diverse hardware, where a result counts once independent devices agree."""


def main() -> None:
    """Run the command line. An error that a person can mend is one sentence; every error has its exit code."""
    if sys.stdout is None:  # the shell's `>&-`
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  the process keeps it
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # Typer and rich make the one into the other
        _discard_output()
        raise SystemExit(UNREAD) from None
    except Exception as error:  # noqa: BLE001  Python's own exit code for it would mean "the answer is no"
        from .show import exit_code_of, sentence

        code = exit_code_of(error)
        if isinstance(error, OSError) and code != FAULT_IN_QUORATE:
            _discard_output()
        if code == FAULT_IN_QUORATE:
            traceback.print_exception(error)
        elif text := error.format_message() if hasattr(error, "format_message") else str(error):
            sentence(text)  # a group without a command has shown its help, and says nothing more
        raise SystemExit(code) from None
    if code == INTERRUPTED:
        from .show import interrupted

        interrupted()
    raise SystemExit(code or 0)


def _discard_output() -> None:
    """What is still in the buffers goes nowhere, so that Python does not fail at it again in the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
