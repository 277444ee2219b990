"""quorate bench: rates, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .bench_signatures import signatures
from .options import Json, open_devices

if TYPE_CHECKING:
    from ..miner.rounds import Benchmark, Rates
    from .benchfile import Earlier

UNAVAILABLE = {
    "per_core": "rate per core",
    "cycles_per_hash": "cycles per hash",
    "joules_per_hash": "energy per hash",
}


bench = typer.Typer()


@bench.callback(invoke_without_command=True)
def hashes(
    context: typer.Context,
    devices: Annotated[
        str | None, typer.Option(metavar="NAME[,NAME...]", help="Devices to measure. [default: all that are here]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Measurements of each kind.")] = 5,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the result, as the document that --json prints.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with an earlier result that --save kept.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the rates as bars; the only format is SVG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure hash rates of devices side by side; `quorate bench signatures` measures verification.

    A hash is the double SHA-256 of a header. Nonce scan: a window of nonces of one header. Version rolling:
    the window for 16 versions of the header, which share work, so that its rate is no nonce scan's.
    Fingerprint: the XOR of all digests of a window. Header batch: complete headers.

    Shown are medians over rounds that take the devices in turn, and the spread from the lowest to the
    highest round. `reference`, which is hashlib on one core, is the yardstick. The rate per core is per
    second of processor time; the energy is all that the chip took meanwhile. Ctrl-C ends between two
    measurements and shows what was measured.
    """
    from ..kernels.backend import UsageError

    if context.invoked_subcommand is not None:
        sources = [context.get_parameter_source(name) for name in context.params]
        if any(source is not None and source.name == "COMMANDLINE" for source in sources):
            raise UsageError(f"options of `bench {context.invoked_subcommand}` come after its name")
        return
    from ..kernels.catalog import usable
    from ..miner.bench import WORKS
    from ..miner.bench import bench as run
    from . import benchfile, show
    from .chart import chart
    from .files import check_writable, write_whole

    show.log_to_stderr()
    earlier = benchfile.read(against) if against is not None else None
    if save is not None:
        check_writable("--save", save)
    if plot is not None:
        check_writable("--plot", plot, ending=".svg")
    backends = open_devices(devices if devices is not None else ",".join(d.name for d in usable()))
    with show.progress("measuring", len(WORKS) * len(backends) * rounds) as update:
        result = run(backends, rounds, update)
    document = benchfile.document(result, rounds, earlier)
    if as_json:
        show.document(document)
    else:
        _print(result, earlier)
    if earlier is not None:
        for text in benchfile.doubts(result, earlier):
            show.note(f"quorate: {text}")
    if result.noise:
        show.note(f"quorate: the machine is too noisy to judge: {'; '.join(result.noise)}")
    if result.left:
        show.note(f"quorate: interrupted with {result.left:,} measurements not made")
    # What was measured is shown by now, so a file that cannot be written is only told of.
    try:
        if save is not None and result.rates:
            write_whole("--save", save, show.as_json(document))
        if plot is not None and result.rates:
            write_whole("--plot", plot, chart(result.rates))
    except UsageError as error:
        show.note(f"quorate: {error}")
        raise typer.Exit(2) from None
    raise typer.Exit(130 if result.left else 0)


bench.command()(signatures)


def _print(result: Benchmark, earlier: Earlier | None) -> None:
    from ..miner.bench import WORKS
    from . import show
    from .benchfile import yardstick

    hashlib = yardstick(result.rates)

    def cells(r: Rates) -> dict[str, str | None]:
        """By column; None where a figure cannot be had."""
        then = earlier.rows.get((r.device.name, r.work)) if earlier else None
        return {
            "work": WORKS[r.work],
            "device": r.device.name,
            "rate": show.rate(r.median),
            "spread": f"{100 * r.spread:.0f} %" if len(r.samples) > 1 else None,
            "×\nreference": f"{r.times(hashlib[r.work]):.1f}" if r.work in hashlib else None,
            "rate\nper core": None if r.per_core is None else show.rate(r.per_core),
            "cycles\nper hash": None if r.cycles_each is None else f"{r.cycles_each:,.0f}",
            "energy\nper hash": None if r.joules_each is None else show.energy(r.joules_each),
            "×\nearlier": None if then is None else f"{r.median / then.median:.2f}",
        }

    rows = [cells(r) for r in result.rates]
    if rows:
        columns = [column for column in rows[0] if any(row[column] is not None for row in rows)]
        show.table(columns, [[row[column] or "–" for column in columns] for row in rows], right=columns[2:])
    for figure, reasons in result.unavailable.items():
        for reason in dict.fromkeys(reasons.values()):
            names = ", ".join(name for name, its in reasons.items() if its == reason)
            show.line(f"{UNAVAILABLE[figure]} of {names}: not available: {reason}")
