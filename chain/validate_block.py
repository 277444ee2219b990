"""One block alone, with the outputs that it spends: everything that can be said without its chain.

Where the headers below would decide, the block is given the benefit of the doubt: its difficulty is taken as it
stands, the median time before it as late as its own time allows, and relative locktimes in seconds as met.

Large blocks take the fast road (`fast/road.py`) first, which accepts nearly all that are valid.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..kernels.backend import Backend, UsageError
from .block import Block
from .check_block import check_block
from .check_block_context import BlockContext, check_block_context
from .check_header import check_work
from .coins import Coin, MemoryCoins
from .connect_block import check_scripts, connect_block
from .header import BlockHeader, display_hash
from .params import Network
from .refusal import Reason, Refusal
from .script.checker import CheckKind
from .serialise import MalformedError
from .signet import check_signature
from .transaction import OutPoint, TxOut

if TYPE_CHECKING:
    from .fast.table import Numbers, Table


FAST_FROM = 1 << 16
"""Bytes of a block from which on the fast road is tried. It is ten times as fast, but its machine code takes 0.3 s
to be loaded and 15 s to be compiled once; the plain road needs 20 ms at most for a smaller block."""


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
    """Wall time of `parse`, `pow`, `rules` (all but the others), `scripts` and `signatures`, as far as it came; of
    both roads, where both were taken, and without the time in which the fast road's machine code is loaded."""


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
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
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
    if len(raw) >= FAST_FROM and _accept_fast(report, raw, prevouts, network, height, backend):
        return report
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
        context = _context(block.header, network, height)
        report.refusal = (
            _check_version(block.header, context)
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
    _note_signatures(report, scripts.checks, scripts.signature_seconds)
    return report


class _GivenCoins:
    """A `fast.sources.CoinSource` of one coin for each input."""

    def __init__(self, prevouts: list[Coin]) -> None:
        self._prevouts = prevouts

    def spent(self, _: Table, rows: Numbers) -> list[Coin]:
        return [self._prevouts[row] for row in (rows - 1).tolist()]

    def has_any(self, _: Iterable[OutPoint]) -> bool:
        return False  # those that the block creates are not taken from them


def _accept_fast(
    report: BlockReport, raw: bytes, prevouts: list[Coin], network: Network, height: int, backend: Backend
) -> bool:
    """Whether the fast road accepts the block. It completes the report then, and else it only adds its time."""
    from .fast import road  # and with it Numba

    road.load_kernels()
    with _timed(report, "parse"):
        table = road.read(raw)
    if table is None:
        return False
    with _timed(report, "pow"):
        header = table.header
        digest = header.hash()
        unproven = check_work(header, digest, network)
    with _timed(report, "rules"):
        context = _context(header, network, height)
        if unproven or _check_version(header, context) or len(table.inputs) - 1 != len(prevouts):
            return False
        checked = road.check(table, network)
        connected = road.connect(checked, context, _GivenCoins(prevouts)) if checked else None
    if connected is None:
        return False
    with _timed(report, "scripts"):
        found = road.satisfied(road.prepare(connected), backend)
    if found is None:
        return False
    report.hash, report.transactions, report.inputs = display_hash(digest), len(table.transactions), len(prevouts)
    _note_signatures(report, found.checks, found.signature_seconds)
    return True


def _context(header: BlockHeader, network: Network, height: int) -> BlockContext:
    return BlockContext(network, height, header.time - 1, lambda _: 0, network.bip34_hash)


def _check_version(header: BlockHeader, context: BlockContext) -> Refusal | None:
    minimum = context.network.minimum_version(context.height)
    if minimum is None or header.version >= minimum:
        return None
    return Refusal(
        Reason.BAD_VERSION, f"the version is retired: at least {minimum} expected, {header.version} found"
    )


def _note_signatures(report: BlockReport, checks: Mapping[CheckKind, int], seconds: float) -> None:
    report.checks = dict(checks)
    report.seconds["signatures"] = seconds
    report.seconds["scripts"] -= seconds


@contextmanager
def _timed(report: BlockReport, part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[part] = report.seconds.get(part, 0.0) + time.perf_counter() - start
