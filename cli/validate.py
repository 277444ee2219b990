"""quorate validate: header files, single blocks with what they spend, and block files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .chainstore import Verifier, import_and_report, open_chain, open_one_verifier
from .options import Json, open_devices

if TYPE_CHECKING:
    from ..chain.validate_block import BlockReport
    from ..kernels.backend import Backend

NetworkName = Annotated[str, typer.Option(help="mainnet, testnet3, testnet4, signet or regtest.", metavar="NAME")]

PARTS = ("parse", "pow", "rules", "scripts", "signatures")
"""What a block's validation is timed by; a part that a refusal came before took no time."""

validate = typer.Typer(no_args_is_help=True, help="Validate data of a chain.")


@validate.callback()
def _group() -> None:
    """Validate data of a chain."""


@validate.command()
def headers(
    file: Annotated[Path, typer.Argument(help="Raw 80-byte headers, or lines of hex.", metavar="FILE")],
    network: NetworkName = "mainnet",
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


@validate.command()
def block(
    file: Annotated[Path, typer.Argument(help="One block, raw or as hex.", metavar="FILE")],
    prevouts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The outputs that it spends, as JSON (see above).")
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Its height. [default: what its coinbase says]")
    ] = None,
    network: NetworkName = "mainnet",
    device: Verifier = None,
    as_json: Json = False,
) -> None:
    """Validate one block whole, scripts and signatures included, without its chain.

    The prevouts are a JSON list with an object for each input but the coinbase's, in their order: txout (value in
    satoshis, script_pubkey in hex), is_coinbase and creation_height; other fields are passed over.

    What the headers below would tell is open: that nBits is what the chain demands, and times that depend on
    them. There the block has the benefit of the doubt. Blocks before BIP 34 need --height.
    """
    from ..chain.params import network as find_network
    from ..chain.validate_block import read_prevouts, validate_block
    from ..kernels.backend import DeviceError
    from . import show

    show.log_to_stderr()
    rules = find_network(network)
    raw = _read_block(file)
    coins = read_prevouts(prevouts) if prevouts is not None else []
    if height is None:
        height = _told_height(raw, file)
    backend = open_one_verifier(device)
    try:
        report = validate_block(raw, coins, rules, height, backend)
    except DeviceError as error:
        raise DeviceError(f"{backend.device.name}: {error}") from None
    document = _document(report, height, backend)
    if as_json:
        show.document(document)
    else:
        _print(document)
    raise typer.Exit(0 if document["valid"] else 1)


@validate.command()
def blocks(
    files: Annotated[
        list[Path], typer.Argument(help="Block files (blk*.dat), in any order.", metavar="FILE.dat...")
    ],
    datadir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Validate on top of the chain here, and keep what is valid."),
    ] = None,
    network: NetworkName = "mainnet",
    device: Verifier = None,
    as_json: Json = False,
) -> None:
    """Validate all blocks of Bitcoin Core's block files, from genesis or on the chain in --datadir.

    Files and blocks may come in any order and on any number of branches; an xor.dat beside them is used. Without
    --datadir the chain is a temporary one. Every rule is checked; scripts only of the branch with the most work.
    """
    from ..chain.params import network as find_network
    from . import show

    show.log_to_stderr()
    find_network(network)
    backend = open_one_verifier(device)
    with (
        tempfile.TemporaryDirectory(prefix="quorate-") as fresh,
        open_chain(datadir or Path(fresh), network, backend, begin=True) as chain,
    ):
        code = import_and_report(files, chain, backend, as_json)
    raise typer.Exit(code)


def _read_block(path: Path) -> bytes:
    """A block's bytes, from a raw file or one of hex: raw blocks have zero bytes, so nobody can confuse them."""
    from ..kernels.backend import UsageError

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the block {path}: {error.strerror}") from error
    if not data.strip():
        raise UsageError(f"the block file {path} is empty; it needs one block, raw or as hex")
    if not data.isascii() or b"\0" in data:
        return data
    try:
        return bytes.fromhex(data.decode("ascii"))
    except ValueError as error:
        raise UsageError(f"{path} is text, and not hexadecimal: {error}") from error


def _told_height(raw: bytes, path: Path) -> int:
    """The height with which the coinbase begins (BIP 34); 0 for what is no block with a coinbase at any height."""
    from ..chain.check_block_context import height_push
    from ..chain.header import BlockHeader
    from ..chain.serialise import MalformedError, Reader
    from ..chain.transaction import Transaction
    from ..kernels.backend import HEADER_BYTES, UsageError

    reader = Reader(raw, "block")
    try:
        version = BlockHeader.parse(reader.take(HEADER_BYTES)).version
        coinbase = Transaction.read(reader) if reader.compact_size() else None
    except MalformedError:
        return 0
    if coinbase is None or not coinbase.is_coinbase:
        return 0
    script = coinbase.inputs[0].script_sig
    if version >= 2 and script:  # BIP 34 came with version 2
        small = script[0] - 0x50
        height = small if 1 <= small <= 16 else int.from_bytes(script[1 : 1 + script[0]][:8], "little")
        if script.startswith(height_push(height)):
            return height
    raise UsageError(f"the coinbase of {path} does not begin with a height; give it with --height")


def _document(report: BlockReport, height: int, backend: Backend) -> dict[str, Any]:
    from ..chain.script.checker import CheckKind
    from . import show

    refusal = report.refusal
    return {
        "valid": refusal is None,
        "reason": refusal.reason.value if refusal else None,
        "detail": refusal.detail if refusal else None,
        "hash": report.hash,
        "height": height if report.hash else None,
        "transactions": report.transactions,
        "inputs": report.inputs,
        "signatures": {
            "ecdsa": report.checks.get(CheckKind.ECDSA, 0),
            "schnorr": report.checks.get(CheckKind.SCHNORR, 0),
        },
        "taproot_commitments": report.checks.get(CheckKind.COMMITMENT, 0),
        "seconds": {part: report.seconds.get(part, 0.0) for part in PARTS},
        "device": backend.device.name,
        "findings": show.quorum_findings([backend]),
    }


def _print(document: dict[str, Any]) -> None:
    from . import show

    if document["valid"]:
        show.line(
            f"Valid: block {document['hash']} at height {document['height']:,}, "
            f"{document['transactions']:,} transactions, {document['inputs']:,} inputs."
        )
    else:
        show.line(f"Not valid, {document['reason']}: {document['detail']}.")
    checked = document["signatures"]
    show.line(
        f"{checked['ecdsa']:,} ECDSA and {checked['schnorr']:,} Schnorr signatures and "
        f"{document['taproot_commitments']:,} Taproot commitments verified on {document['device']}"
    )
    show.line(", ".join(f"{part} {seconds:.3f} s" for part, seconds in document["seconds"].items()))
    for finding in document["findings"]:
        show.line(finding["text"])
