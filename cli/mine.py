"""quorate mine: blocks on a chain of this machine or for a node, shares for a pool, or the nonces of a header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .chainstore import Datadir
from .options import Count, Header, Start, Target, open_devices

if TYPE_CHECKING:
    from ..kernels.backend import Backend


def mine(
    node: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Mine blocks for the node whose JSON-RPC is at http://HOST:PORT."),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="URL[,URL...]",
            help="Mine shares for the first of these pools that is well: stratum+tcp://HOST:PORT, or stratum+ssl.",
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="The node's user, or the pool's worker.")
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the password of --user. [default: none is needed]"),
    ] = None,
    cookie: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The node's cookie file, instead of --user.")
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Leave the node's transactions out of blocks.")] = False,
    blocks: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after N blocks. [default: Ctrl-C ends it]")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="A",
            help="Who gets the reward: an address of the network. "
            "[default, on this machine's regtest only: anyone may spend it]",
        ),
    ] = None,
    datadir: Datadir = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="mainnet, testnet3, testnet4 or regtest. [default: regtest; the node's]"
        ),
    ] = None,
    header: Header = None,
    start: Start = None,
    count: Count = None,
    target: Target = None,
    versions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Roll N versions of --header (BIP 320), its own first."),
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME...]", help="Devices to mine on. [default: one for each chip]"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the end result only.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON on stdout: a line for each event; with --header, one document."),
    ] = False,
) -> None:
    """Mine blocks on a chain of this machine, blocks for a node, shares for a pool, or one header's nonces.

    The chain is begun where there is none. Each block is validated whole and stored before the next begins,
    and mining again goes on from there. On regtest every second hash makes a block, so a block a second is
    mined until Ctrl-C, and without a pause where --blocks says how many.

    --node takes block templates from Bitcoin Core, or whatever else answers as it does (`quorate chain serve`),
    and --pool speaks Stratum v1. Both are tried again when they do not answer any more.

    The window of --header ends at 2^32 unless --count says otherwise, and the target is that of the header's
    own nBits unless --target does; every hit is reported.
    """
    from ..miner.config import settings
    from . import show
    from .mine_source import check_together, choose

    show.log_to_stderr(quiet)
    show.one_a_line = header is None
    chosen = settings(
        {
            "node": node,
            "cookie": cookie,
            "address": address,
            "empty": empty or None,  # what a file says counts unless it is given
            "pool": pool,
            "user": user,
            "password_file": password_file,
        }
    )
    check_together(
        {
            "--header": header,
            "--start": start,
            "--count": count,
            "--target": target,
            "--versions": versions,
            "--blocks": blocks,
            "--datadir": datadir,
            "--network": network,
            "--node": chosen.node,
            "--cookie": chosen.cookie,
            "--address": chosen.address,
            "--empty": chosen.empty,
            "--pool": chosen.pool,
            "--user": chosen.user,
            "--password-file": chosen.password_file,
        }
    )
    if header is None:
        from .mine_chain import mine_chain

        opened = choose(chosen, network, datadir, blocks)
        code = mine_chain(opened, blocks, _backends(devices), quiet, as_json)
    else:
        from .mine_header import mine_header, parse_job

        job = parse_job(header, start, count, target, versions)
        code = mine_header(job, _backends(devices), quiet, as_json)
    raise typer.Exit(code)


def _backends(names: str | None) -> list[Backend]:
    if names is None:
        from ..kernels import catalog

        names = ",".join(device.name for device in catalog.one_per_chip()) or "reference"
    return open_devices(names)
