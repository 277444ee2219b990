"""quorate chain: a chain on this machine, its blocks, coins and forks."""

from __future__ import annotations

import time
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .chain_facts import block_facts, coin_facts, lines, tip_facts, transaction_facts
from .chainstore import ChainNetwork, Datadir, Verifier, import_and_report, open_chain, open_one_verifier
from .options import Json
from .serve import serve

if TYPE_CHECKING:
    from ..chain.chainstate import Chainstate
    from ..chain.transaction import OutPoint
    from ..chain.tree import Node

chain = typer.Typer(no_args_is_help=True, help="Keep a chain of blocks on this machine.")


@chain.callback()
def _group() -> None:
    """Keep a chain of blocks on this machine."""


@chain.command()
def init(datadir: Datadir = None, network: ChainNetwork = None, as_json: Json = False) -> None:
    """Begin a chain with the network's genesis; one that is there already is left as it is."""
    from . import show

    with open_chain(datadir, network, begin=True) as its:
        if as_json:
            show.document(_where(its))
        else:
            show.line(f"a chain of {its.network.name} is in {its.store.folder}, height {its.tip.height:,}")


@chain.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Block files (blk*.dat), in any order.", metavar="FILE.dat...")
    ],
    datadir: Datadir = None,
    network: ChainNetwork = None,
    device: Verifier = None,
    as_json: Json = False,
) -> None:
    """Validate the blocks of block files and add them, in any order; begins the chain where there is none.

    Ctrl-C ends it with the blocks that were done; the same command goes on from there.
    """
    from . import show

    show.log_to_stderr()
    backend = open_one_verifier(device)
    with open_chain(datadir, network, backend, begin=True) as its:
        code = import_and_report(files, its, backend, as_json)
    raise typer.Exit(code)


@chain.command()
def info(datadir: Datadir = None, network: ChainNetwork = None, as_json: Json = False) -> None:
    """Height, tip, work and coins."""
    with open_chain(datadir, network) as its:
        count, value = its.store.coins.total()
        document = {**_where(its), "blocks": len(its.tree), "coins": count, "satoshis": value}
    _tell(document, as_json)


@chain.command()
def block(
    which: Annotated[str, typer.Argument(help="A height of the chain, or a hash.", metavar="HEIGHT|HASH")],
    datadir: Datadir = None,
    network: ChainNetwork = None,
    as_json: Json = False,
) -> None:
    """Show a block."""
    with open_chain(datadir, network) as its:
        document = block_facts(its, _find(its, which))
    _tell(document, as_json)


@chain.command()
def tx(
    txid: Annotated[str, typer.Argument(help="64 hex digits.", metavar="TXID")],
    datadir: Datadir = None,
    network: ChainNetwork = None,
    as_json: Json = False,
) -> None:
    """Find a transaction of the chain. There is no index: blocks are read from the tip down."""
    from . import show

    wanted = _hash("the transaction's name", txid)
    with open_chain(datadir, network) as its:
        for node in its.tip.branch():
            for index, transaction in enumerate(its.read(node).transactions):
                if transaction.txid == wanted:
                    _tell(transaction_facts(its, node, index), as_json)
                    return
        name = its.network.name
    show.sentence(f"there is no transaction {txid} in this chain of {name}")
    raise typer.Exit(1)


@chain.command()
def tips(datadir: Datadir = None, network: ChainNetwork = None, as_json: Json = False) -> None:
    """Every end of a branch, the tip first."""
    from . import show

    with open_chain(datadir, network) as its:
        found = [tip_facts(its, node) for node in its.tree.tips()]
    if as_json:
        show.document({"tips": found})
    else:
        rows = [(f"{t['height']:,}", t["hash"], t["status"], f"{t['length']:,}", t["reason"] or "") for t in found]
        show.table(("height", "hash", "status", "blocks aside", "reason"), rows, right=("height", "blocks aside"))


@chain.command()
def utxo(
    which: Annotated[
        str | None,
        typer.Argument(
            help="One coin, or those of an address; else all are counted.", metavar="TXID:VOUT|ADDRESS"
        ),
    ] = None,
    script: Annotated[
        str | None, typer.Option(metavar="HEX", help="The coins that this script locks, if it has no address.")
    ] = None,
    datadir: Datadir = None,
    network: ChainNetwork = None,
    as_json: Json = False,
) -> None:
    """The coins, which are the outputs that nothing has spent: how many, how much and their digest; or some."""
    from ..chain.address import address_to_script
    from ..chain.coins import digest
    from ..kernels.backend import UsageError
    from . import show

    if which is not None and script is not None:
        raise UsageError("chain utxo takes an address or a --script, not both")
    place = _outpoint(which) if which is not None and ":" in which else None
    locked = _script(script) if script is not None else None
    with open_chain(datadir, network) as its:
        if which is not None and place is None:
            locked = address_to_script(which, its.network)
        document: dict[str, Any] = {"height": its.tip.height, "tip": its.tip.name}
        if place is not None:
            coin = its.store.coins.get(place)
            if coin is None:
                show.sentence(f"there is no coin {which}: it was spent or never was")
                raise typer.Exit(1)
            document = coin_facts(its, coin)
        elif locked is not None:
            found = its.store.coins.of_script(locked)
            document |= {
                "coins": len(found),
                "satoshis": sum(coin.output.value for _, coin in found),
                "unspent": [{**_named(place), **coin_facts(its, coin)} for place, coin in found],
            }
        else:
            count, value = its.store.coins.total()
            document |= {"coins": count, "satoshis": value, "digest": digest(its.store.coins.items())}
    _tell(document, as_json)


@chain.command()
def export(
    file: Annotated[Path, typer.Argument(help="The block file to write.", metavar="FILE.dat")],
    datadir: Datadir = None,
    network: ChainNetwork = None,
    as_json: Json = False,
) -> None:
    """Write the chain from genesis to the tip as one block file, as Bitcoin Core reads it; no side branches."""
    from ..chain.block_files import frame
    from . import show
    from .files import check_writable, writing

    check_writable("chain export", file)
    with open_chain(datadir, network) as its, writing("chain export", file) as out:
        for height in range(its.tip.height + 1):
            out.write(frame(its.read(its.tip.at(height)).serialise(), its.network))
        document = {**_where(its), "file": str(file), "blocks": its.tip.height + 1}
    if as_json:
        show.document(document)
    else:
        show.line(f"{document['blocks']:,} blocks of {document['network']} are in {file}")


@chain.command()
def verify(
    datadir: Datadir = None, network: ChainNetwork = None, device: Verifier = None, as_json: Json = False
) -> None:
    """Check everything again from disk: every block of the chain, every script, and the coins."""
    from ..chain.check_store import StoreReport, check_store
    from ..chain.store import DamagedError
    from ..kernels.backend import DeviceError
    from . import show

    show.log_to_stderr()
    backend = open_one_verifier(device)
    began = time.perf_counter()
    where: dict[str, Any] = {}
    try:
        with open_chain(datadir, network, backend) as its, show.progress("verifying", its.tip.height) as update:
            where = _where(its)
            report = check_store(its, backend, int(time.time()), lambda done, _: update(done, f"height {done:,}"))
    except DeviceError as error:
        raise DeviceError(f"{backend.device.name}: {error}") from None
    except DamagedError as error:
        report = StoreReport(False, 0, str(error))
    seconds = time.perf_counter() - began
    findings = show.quorum_findings([backend])
    if as_json:
        show.document(
            {
                "valid": report.valid,
                "reason": report.detail,
                "blocks": report.blocks,
                **where,
                "device": backend.device.name,
                "findings": findings,
                "seconds": seconds,
            }
        )
    else:
        if report.valid:
            show.line(f"Valid: {report.blocks:,} blocks and the coins that they leave, in {seconds:.2f} s.")
        else:
            show.line(f"Not valid: {report.detail}.")
        for finding in findings:
            show.line(finding["text"])
    raise typer.Exit(0 if report.valid else 1)


@chain.command()
def tree(
    datadir: Datadir = None,
    network: ChainNetwork = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw a picture as well.")] = None,
    as_json: Json = False,
) -> None:
    """The tree of blocks with its forks: ● the chain, ○ other branches, ✗ refused blocks."""
    from . import show
    from .chain_tree import picture, stretches, text
    from .files import check_writable, write_whole

    if svg is not None:
        check_writable("--svg", svg, ".svg")
    with open_chain(datadir, network) as its:
        found = stretches(its)
        name = its.network.name
    if svg is not None:
        write_whole("--svg", svg, picture(found, name))
    if as_json:
        show.document(
            {
                "stretches": [
                    {
                        "first_height": stretch.first.height,
                        "last_height": stretch.last.height,
                        "first": stretch.first.name,
                        "last": stretch.last.name,
                        "kind": stretch.kind,
                        "on": stretch.below.last.name if stretch.below else None,
                        "reason": stretch.last.refusal.reason.value if stretch.last.refusal else None,
                    }
                    for stretch in found
                ]
            }
        )
    else:
        for line in text(found):
            show.line(line)


chain.command()(serve)


def _where(its: Chainstate) -> dict[str, Any]:
    return {
        "network": its.network.name,
        "datadir": str(its.store.folder.parent),
        "height": its.tip.height,
        "tip": its.tip.name,
        "work": f"{its.tip.work:064x}",
    }


def _find(its: Chainstate, which: str) -> Node:
    from ..kernels.backend import UsageError

    if which.isascii() and which.isdigit() and len(which) < 64:
        height = int(which)
        if height > its.tip.height:
            raise UsageError(f"the chain ends at height {its.tip.height:,}; there is no height {height:,}")
        return its.tip.at(height)
    node = its.tree.get(_hash("the block's hash", which))
    if node is None:
        raise UsageError(f"there is no block {which} here")
    return node


def _hash(what: str, text: str) -> bytes:
    """The bytes on the wire of a hash as people write it."""
    from ..kernels.backend import UsageError

    if len(text) != 64 or not set(hexdigits).issuperset(text):
        raise UsageError(f"{what} has 64 hex digits; {text!r} is something else")
    return bytes.fromhex(text)[::-1]


def _outpoint(text: str) -> OutPoint:
    from ..chain.transaction import OutPoint
    from ..kernels.backend import UsageError

    txid, colon, index = text.partition(":")
    if not colon or not (index.isascii() and index.isdigit()) or len(index) > 10 or int(index) > 0xFFFFFFFF:
        raise UsageError(f"a coin is called TXID:VOUT, the transaction and the number of its output, not {text!r}")
    return OutPoint(_hash("the transaction's name", txid), int(index))


def _script(text: str) -> bytes:
    from ..kernels.backend import UsageError

    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError(f"--script takes a script in hex; {text!r} is something else") from None


def _named(place: OutPoint) -> dict[str, Any]:
    from ..chain.header import display_hash

    return {"txid": display_hash(place.txid), "vout": place.vout}


def _tell(document: dict[str, Any], as_json: bool) -> None:
    from . import show

    if as_json:
        show.document(document)
    else:
        for text in lines(document):
            show.line(text)
