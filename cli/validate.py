"""quorate validate: proof of work, links and difficulty of a header file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from .options import Json, open_devices

validate = typer.Typer(no_args_is_help=True, help="Validate data of a chain.")


@validate.callback()
def _group() -> None:
    """Validate data of a chain."""


@validate.command()
def headers(
    file: Annotated[Path, typer.Argument(help="Raw 80-byte headers, or lines of hex.", metavar="FILE")],
    network: Annotated[
        str, typer.Option(help="mainnet, testnet3, testnet4, signet or regtest.", metavar="NAME")
    ] = "mainnet",
    height: Annotated[int, typer.Option(help="Height of the file's first header.", metavar="N")] = 0,
    device: Annotated[str, typer.Option(help="Device that hashes the headers.", metavar="NAME")] = "reference",
    as_json: Json = False,
) -> None:
    """Check links, difficulty, proof of work, times and versions of consecutive headers."""
    from ..chain.headerfile import read_header_file
    from ..chain.headers import validate_headers
    from ..chain.params import network as find_network
    from ..kernels.backend import DeviceError, UsageError
    from . import show

    show.log_to_stderr()
    rules = find_network(network)
    data = read_header_file(file)
    backends = open_devices(device)
    if len(backends) > 1:
        raise UsageError("--device takes one device here; quorum:NAME+NAME is several that check each other")
    began = time.perf_counter()
    try:
        report = validate_headers(data, rules, height, backends[0].hash_headers, int(time.time()))
    except DeviceError as error:
        raise DeviceError(f"{backends[0].device.name}: {error}") from None
    seconds = time.perf_counter() - began
    refusal = report.refusal
    if as_json:
        show.document(
            {
                "valid": report.valid,
                "headers": report.headers,
                "first_invalid": report.first_invalid,
                "reason": refusal.reason.value if refusal else None,
                "detail": refusal.detail if refusal else None,
                "tip": report.tip,
                "work": f"{report.work:064x}",
                "unchecked_bits": list(report.unchecked_bits),
                "network": rules.name,
                "height": height,
                "device": backends[0].device.name,
                "findings": show.quorum_findings(backends),
                "seconds": seconds,
            }
        )
    else:
        if refusal:
            show.line(f"Not valid, {refusal.reason.value}: {refusal.detail}.")
        else:
            checked = f"{report.headers:,} headers of {rules.name} from height {height:,}"
            show.line(f"Valid: {checked}, in {seconds:.2f} s.")
        show.line(f"tip   {report.tip or 'none'}\nwork  {report.work:064x}")
        if report.unchecked_bits:
            heights = ", ".join(f"{h:,}" for h in report.unchecked_bits)
            show.line(f"nBits at height {heights} depend on earlier headers; checked was what is permitted.")
        for finding in show.quorum_findings(backends):
            show.line(finding["text"])
    raise typer.Exit(0 if report.valid else 1)
