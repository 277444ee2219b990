"""Where the coins of a block's inputs come from: the block itself, or those who keep coins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from numba import types

from ...kernels.py.cache import compiled
from ..check_transaction import MAX_MONEY
from ..coins import Coin, CoinView
from ..script.interpreter import MAX_SCRIPT_SIZE
from ..script.opcodes import Op
from ..transaction import OutPoint, TxOut
from .messages import Words
from .table import (
    FLAT,
    NUMBERS,
    OUTPOINT,
    OUTPUTS,
    OUTPUTS_FROM,
    OWNER,
    ROWS,
    SCRIPT,
    SCRIPT_END,
    Bytes,
    Numbers,
    Table,
    number_at,
)

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"


class CoinSource(Protocol):
    """Who keeps the coins of earlier blocks."""

    def spent(self, table: Table, rows: Numbers) -> Sequence[Coin | None]:
        """The coins that these rows of the table's inputs spend, or None in a coin's place."""
        ...

    def has_any(self, outpoints: Iterable[OutPoint]) -> bool: ...


class ViewedCoins:
    """A `CoinSource` over a view of coins."""

    def __init__(self, view: CoinView) -> None:
        self._view = view

    def spent(self, table: Table, rows: Numbers) -> Sequence[Coin | None]:
        return [*map(self._view.get, table.outpoints(rows))]

    def has_any(self, outpoints: Iterable[OutPoint]) -> bool:
        return any(self._view.get(outpoint) is not None for outpoint in outpoints)


_MOST_SCRIPTS = 1 << 24
"""Bytes of the scripts that a block spends. Ten times what is usual, and nobody gets more memory from us."""

_MOST_HEIGHT = 1 << 31

_NO_OUTPUT = 0xFFFFFFFF
"""An index that no output has; a coinbase's input has it."""

_MIXER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: makes outpoints of one transaction differ in a number of 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """The coins that a block spends, for each input but the coinbase's."""

    coins: Sequence[Coin]
    """Those of earlier blocks, as the inputs have them."""

    outside: Numbers
    """The inputs that spend these, counted without the coinbase's."""

    inside: Numbers
    """The rows of the outputs that the block creates itself; -1 where an input spends another."""

    values: Numbers
    """Satoshis, 0 to `MAX_MONEY`, as all below for each input."""

    heights: Numbers

    from_coinbase: Numbers
    """1 where a coinbase created it, else 0."""

    text: Bytes
    """The block, and after it the scripts of the coins of earlier blocks."""

    begins: Numbers
    """Where each script begins in it, and below where it ends."""

    ends: Numbers

    def output(self, place: int) -> TxOut:
        script = self.text[self.begins[place] : self.ends[place]].tobytes()
        return TxOut(int(self.values[place]), script)


def sources(table: Table, txids: Words) -> Numbers | None:
    """`Spent.inside`; None where two inputs spend the same, or one what stands later or is not there."""
    prefixes = txids.view(np.uint64)[:, 0]
    order = np.argsort(prefixes)
    prefixes = prefixes[order]
    if (prefixes[1:] == prefixes[:-1]).any():
        return None
    count = len(table.inputs) - 1
    inside, marks = np.empty(count, np.int64), np.empty(count, np.uint64)
    good = find_sources()(
        table.text, table.transactions, table.inputs, txids.view(np.uint8), prefixes, order, inside, marks
    )
    marks.sort()
    return inside if good and not (marks[1:] == marks[:-1]).any() else None


def collect(table: Table, inside: Numbers, height: int, below: CoinSource) -> Spent | None:
    """The coins; None where one is missing or not as coins are."""
    outside = np.flatnonzero(inside < 0)
    found = below.spent(table, outside + 1)
    if None in found:
        return None
    coins = cast(Sequence[Coin], found)
    values, scripts = [coin.output.value for coin in coins], [coin.output.script_pubkey for coin in coins]
    heights, lengths = [coin.height for coin in coins], [len(script) for script in scripts]
    if not (
        0 <= min(values, default=0) <= max(values, default=0) <= MAX_MONEY
        and 0 <= min(heights, default=0) <= max(heights, default=0) < _MOST_HEIGHT
        and sum(lengths) <= _MOST_SCRIPTS
    ):
        return None
    ends = len(table.raw) + np.cumsum(lengths, dtype=np.int64)

    rows = inside[inside >= 0]
    outputs = table.outputs[rows]
    spent = Spent(
        coins,
        outside,
        inside,
        values=_both(inside, values, table.values(rows)),
        heights=_both(inside, heights, height),
        from_coinbase=_both(inside, [coin.is_coinbase for coin in coins], rows < table.transactions[0, OUTPUTS]),
        text=np.frombuffer(b"".join([table.raw, *scripts]), np.uint8),
        begins=_both(inside, ends - lengths, outputs[:, SCRIPT]),
        ends=_both(inside, ends, outputs[:, SCRIPT_END]),
    )
    return None if _are_unspendable(table, outputs) else spent


def _both(inside: Numbers, of_coins: npt.ArrayLike, of_outputs: npt.ArrayLike) -> Numbers:
    """For each input, from the coins of earlier blocks and from the block's own outputs."""
    both = np.empty(len(inside), np.int64)
    both[inside < 0] = of_coins
    both[inside >= 0] = of_outputs
    return both


def _are_unspendable(table: Table, outputs: Numbers) -> bool:
    """Whether some of these rows are as `coins.is_unspendable` says."""
    begins, ends = outputs[:, SCRIPT], outputs[:, SCRIPT_END]
    # Every output is followed by four bytes at least.
    returns = (begins < ends) & (table.text[begins] == Op.OP_RETURN)
    return bool((returns | (ends - begins > MAX_SCRIPT_SIZE)).any())


@cache
def find_sources() -> Callable[..., bool]:
    """`find_sources(text, transactions, inputs, txids, prefixes, order, inside, marks)` fills the last two.

    `prefixes` are the first eight bytes of each txid, ascending, and `order` the rows that they come from. Equal
    outpoints have equal marks. False where an input spends what cannot be there.
    """

    def find_sources(text, transactions, inputs, txids, prefixes, order, inside, marks):  # type: ignore[no-untyped-def]
        for place in range(len(inside)):
            row = inputs[place + 1]
            at = row[OUTPOINT]
            vout = number_at(text, at + 32, 4)
            if vout == _NO_OUTPUT:
                return False
            prefix = np.uint64(number_at(text, at, 8))
            marks[place] = prefix + np.uint64(vout) * _MIXER
            inside[place] = -1
            low, high = 0, len(prefixes)
            while low < high:
                middle = (low + high) >> 1
                if prefixes[middle] < prefix:
                    low = middle + 1
                else:
                    high = middle
            if low == len(prefixes) or prefixes[low] != prefix:
                continue
            index = order[low]
            same = True
            for byte in range(32):
                same = same and txids[index, byte] == text[at + byte]
            if same:
                if index >= row[OWNER] or vout >= transactions[index, OUTPUTS]:
                    return False
                inside[place] = transactions[index, OUTPUTS_FROM] + vout
        return True

    return compiled(
        find_sources,
        types.boolean(
            FLAT, ROWS, ROWS, types.uint8[:, ::1], types.uint64[::1], NUMBERS, NUMBERS, types.uint64[::1]
        ),
    )
