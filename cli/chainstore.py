"""The local chain that several commands open, and the import of block files into one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..chain.chainstate import Chainstate
    from ..chain.import_blocks import ImportReport
    from ..kernels.backend import Backend

Datadir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder with one chain of each network. [default: in the user's data folder]"
    ),
]
ChainNetwork = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME",
        help="mainnet, testnet3, testnet4, signet or regtest. [default: that of the only chain, else regtest]",
    ),
]
Verifier = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="Device that verifies signatures. [default: the fastest that is here]"
    ),
]


def open_one_verifier(name: str | None) -> Backend:
    """The device called `name`, or the fastest."""
    from ..kernels.backend import UsageError
    from ..kernels.catalog import open_verifier, verifiers

    if name is None:
        name = verifiers()[0].name
    elif "," in name:
        raise UsageError("--device takes one device here; quorum:NAME+NAME is several that check each other")
    return open_verifier(name)


@contextmanager
def open_chain(
    datadir: Path | None, name: str | None, backend: Backend | None = None, begin: bool = False
) -> Iterator[Chainstate]:
    """The chain of the network called `name`, closed in the end.

    Without `backend` the chain is there to be read. `UsageError` where there is none, unless one is to `begin`.
    """
    from ..chain.chainstate import Chainstate
    from ..chain.params import network
    from ..chain.store import Store
    from ..kernels.backend import UsageError
    from ..kernels.catalog import open_verifier

    datadir = datadir or default_datadir()
    present = _present(datadir)
    if name is None:
        if len(present) > 1:
            raise UsageError(f"{datadir} has chains of {', '.join(present)}; choose one with --network")
        name = present[0] if present else "regtest"
    rules = network(name)
    if rules.name not in present and not begin:
        others = f", but of {', '.join(present)}" if present else ""
        raise UsageError(
            f"there is no chain of {rules.name} in {datadir}{others}; `quorate chain init` or `chain import` "
            "begins one"
        )
    store = Store(datadir / rules.name, rules)
    try:
        yield Chainstate(store, backend or open_verifier("reference"))
    finally:
        store.close()


def default_datadir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("quorate", appauthor=False) / "chains"


def _present(datadir: Path) -> list[str]:
    """The networks that have a chain in the folder."""
    from ..kernels.backend import UsageError

    try:
        return sorted(found.parent.name for found in datadir.glob("*/chain.sqlite"))
    except OSError as error:
        raise UsageError(f"cannot read {datadir}: {error.strerror}") from error


def import_and_report(files: Sequence[Path], chain: Chainstate, backend: Backend, as_json: bool) -> int:
    """Import block files, print what became of them, and return the exit code.

    An interrupt leaves the blocks that were done in the chain; importing again goes on behind them.
    """
    from ..chain.import_blocks import import_files
    from ..kernels.backend import DeviceError
    from . import show

    began = time.perf_counter()
    try:
        with show.progress("importing", 0) as update:
            report = import_files(
                files,
                chain,
                lambda done, found: update(done, f"{done:,} of {found:,}, height {chain.tip.height:,}"),
            )
    except DeviceError as error:
        raise DeviceError(f"{backend.device.name}: {error}") from None
    except KeyboardInterrupt:
        show.sentence(f"interrupted at height {chain.tip.height:,}; the same command goes on from there")
        return 130
    document = _document(report, chain, backend, time.perf_counter() - began)
    if as_json:
        show.document(document)
    else:
        _print(report, document)
    return 0 if document["valid"] else 1


def _document(report: ImportReport, chain: Chainstate, backend: Backend, seconds: float) -> dict[str, Any]:
    from ..chain.chainstate import Status
    from . import show

    orphans = report.counts[Status.ORPHAN]
    return {
        "valid": not report.refused and not orphans,
        "blocks": report.found,
        "accepted": report.counts[Status.TIP] + report.counts[Status.BRANCH],
        "known": report.counts[Status.KNOWN],
        "orphans": orphans,
        "refused": [
            {
                "hash": outcome.hash or None,
                "height": outcome.height,
                "reason": outcome.refusal.reason.value,
                "detail": outcome.refusal.detail,
            }
            for outcome in report.refused
            if outcome.refusal
        ],
        "skipped_bytes": report.skipped,
        "height": chain.tip.height,
        "tip": chain.tip.name,
        "work": f"{chain.tip.work:064x}",
        "network": chain.network.name,
        "datadir": str(chain.store.folder.parent),
        "device": backend.device.name,
        "findings": show.quorum_findings([backend]),
        "seconds": seconds,
    }


def _print(report: ImportReport, document: dict[str, Any]) -> None:
    from . import show

    seconds, done = document["seconds"], document["accepted"]
    show.line(
        f"{report.found:,} blocks: {done:,} accepted, {document['known']:,} known before, "
        f"{len(report.refused):,} refused; {seconds:.2f} s, {done / seconds:,.0f} blocks/s"
    )
    for outcome in report.refused:
        if outcome.refusal:
            show.line(f"refused {outcome.hash}: {outcome.refusal.reason.value}: {outcome.refusal.detail}")
    if document["orphans"]:
        show.line(
            f"{document['orphans']:,} blocks were left, for what they stand on is neither here nor in a file"
        )
    if report.skipped:
        show.line(f"{report.skipped:,} bytes belong to no whole block and were passed over")
    show.line(f"height {document['height']:,}\ntip    {document['tip']}\nwork   {document['work']}")
    for finding in document["findings"]:
        show.line(finding["text"])
