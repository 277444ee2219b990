"""One block alone, with the outputs that it spends: everything that can be said without its chain.

Where the headers below would decide, the block is given the benefit of the doubt: its difficulty is taken as it
stands, the median time before it as late as its own time allows, and relative locktimes in seconds as met.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..kernels.backend import Backend, UsageError
from .block import Block
from .check_block import check_block
from .check_block_context import BlockContext, check_block_context
from .check_header import check_work
from .coins import Coin, MemoryCoins
from .connect_block import check_scripts, connect_block
from .header import display_hash
from .params import Network
from .refusal import Reason, Refusal
from .script.checker import CheckKind
from .serialise import MalformedError
from .signet import check_signature
from .transaction import TxOut


@dataclass(slots=True)
class BlockReport:
    refusal: Refusal | None = None
    """None for a block that is valid."""

    hash: str | None = None
    """In display order; None for bytes that are no block, as for the next ones."""

    transactions: int | None = None

    inputs: int | None = None
    """Without the coinbase's."""

    checks: dict[CheckKind, int] = field(default_factory=dict)
    """Different checks that the backend has decided, by kind; empty where it came to none."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time of `parse`, `pow`, `rules` (all but the others), `scripts` and `signatures`, as far as it came."""


def read_prevouts(path: Path) -> list[Coin]:
    """The spent outputs in a JSON file, for each input but the coinbase's, in their order.

    A list of objects with `txout` (`value` in satoshis, `script_pubkey` in hex), `is_coinbase` and
    `creation_height`; others in them are passed over. `UsageError` for a file that cannot be read or has another
    form.
    """
    try:
        return [
            Coin(
                TxOut(int(row["txout"]["value"]), bytes.fromhex(row["txout"]["script_pubkey"])),
                int(row["creation_height"]),
                bool(row["is_coinbase"]),
            )
            for row in json.loads(path.read_bytes())
        ]
    except OSError as error:
        raise UsageError(f"cannot read the spent outputs in {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} has no spent outputs: a JSON list is needed of objects with txout (value, script_pubkey), "
            f"is_coinbase and creation_height ({type(error).__name__}: {error})"
        ) from error


def validate_block(
    raw: bytes, prevouts: list[Coin], network: Network, height: int, backend: Backend
) -> BlockReport:
    """Judge the block in `raw`, which stands at `height`.

    Raises `UsageError` where there is not one prevout for each input but the coinbase's, and what
    `Backend.verify` raises.
    """
    report = BlockReport()
    with _timed(report, "parse"):
        try:
            block = Block.parse(raw)
        except MalformedError as error:
            report.refusal = Refusal(Reason.BAD_BLOCK, str(error))
            return report
    with _timed(report, "pow"):
        digest = block.header.hash()
        report.refusal = check_work(block.header, digest, network)
    sources = [source.outpoint for transaction in block.transactions[1:] for source in transaction.inputs]
    report.hash, report.transactions, report.inputs = display_hash(digest), len(block.transactions), len(sources)
    if len(sources) != len(prevouts):
        raise UsageError(f"the block spends {len(sources)} outputs and {len(prevouts)} are given; they must match")
    if report.refusal:
        return report

    with _timed(report, "rules"):
        # What the block creates itself is not among its coins, so that its order is checked too.
        inside = {transaction.txid for transaction in block.transactions}
        coins = MemoryCoins(pair for pair in zip(sources, prevouts, strict=True) if pair[0].txid not in inside)
        context = BlockContext(network, height, block.header.time - 1, lambda _: 0, network.bip34_hash)
        report.refusal = (
            _check_version(block, context)
            or check_block(block, digest, network)
            or check_signature(block, network, backend)
            or check_block_context(block, context)
        )
        if report.refusal:
            return report
        found = connect_block(block, digest, context, coins)
        if isinstance(found, Refusal):
            report.refusal = found
            return report

    with _timed(report, "scripts"):
        report.refusal, scripts = check_scripts(block, found, backend)
    report.checks = dict(scripts.checks)
    report.seconds["signatures"] = scripts.signature_seconds
    report.seconds["scripts"] -= scripts.signature_seconds
    return report


def _check_version(block: Block, context: BlockContext) -> Refusal | None:
    minimum = context.network.minimum_version(context.height)
    if minimum is None or block.header.version >= minimum:
        return None
    return Refusal(
        Reason.BAD_VERSION, f"the version is retired: at least {minimum} expected, {block.header.version} found"
    )


@contextmanager
def _timed(report: BlockReport, part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[part] = time.perf_counter() - start
