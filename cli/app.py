"""The command line: `quorate COMMAND`. Each command is a file; heavy imports happen inside commands."""

from __future__ import annotations

from typing import Annotated

import typer

from .bench import bench
from .compare import compare
from .devices import devices
from .mine import mine
from .validate import validate

EXIT_CODES = (
    "Exit codes: 0 fine; 1 the answer is no (invalid, disagreement, nothing found); "
    "2 wrong usage or unreadable input; 3 a device failed; 130 interrupted."
)

app = typer.Typer(
    name="quorate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)
app.command()(devices)
app.command()(mine)
app.command()(compare)
app.add_typer(validate, name="validate")
app.command()(bench)


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
    """Run the command line; an error that Quorate raises on purpose becomes one sentence and an exit code."""
    try:
        app()
    except Exception as error:
        from .show import exit_code_of, sentence

        code = exit_code_of(error)
        if code is None:
            raise
        sentence(error)
        raise SystemExit(code) from None
