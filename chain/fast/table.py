"""A block's bytes as tables of places in them, made in one pass; objects are made of the rows that need one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from ...kernels.backend import HEADER_BYTES
from ...kernels.py.cache import compiled
from ..check_transaction import MAX_WEIGHT
from ..header import BlockHeader
from ..serialise import MAX_SIZE, Reader
from ..transaction import OutPoint, Transaction, TxOut

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

# Columns. Places are offsets from the block's beginning; "from" is a row of another table.
START, BODY, OUTPUTS_AT, BODY_END, END, INPUTS_FROM, INPUTS, OUTPUTS_FROM, OUTPUTS, WITNESSED = range(10)
"""Of a transaction. Its body goes from the number of inputs to the last output; the others are what they count."""
OUTPOINT, SCRIPT_SIG, SEQUENCE, ITEMS_AT, ITEMS, LAST_AT, LAST_END, OWNER = range(8)
"""Of an input: places, but for the number of witness items and the row of its transaction. `ITEMS_AT` is the size
of the first item, `LAST_AT` what follows the size of the last."""
VALUE, SCRIPT, SCRIPT_END = range(3)
"""Of an output."""

_LEAST_TRANSACTION, _LEAST_INPUT, _LEAST_OUTPUT = 10, 41, 9
"""Bytes of the smallest ones."""

FLAT = types.Array(types.uint8, 1, "C", readonly=True)
ROWS = types.int64[:, ::1]
NUMBERS = types.int64[::1]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A block of at least one transaction, each of which has inputs."""

    raw: bytes

    text: Bytes
    """The same."""

    transactions: Numbers
    """A row each with the columns above, as in the next two."""

    inputs: Numbers

    outputs: Numbers

    @property
    def header(self) -> BlockHeader:
        return BlockHeader.parse(self.raw[:HEADER_BYTES])

    def transaction(self, row: int) -> Transaction:
        reader = Reader(self.raw, "block")
        reader.at = int(self.transactions[row, START])
        return Transaction.read(reader)

    def outpoints(self, rows: Numbers) -> list[OutPoint]:
        """What these inputs spend."""
        raw = self.raw
        return [
            OutPoint(raw[at : at + 32], int.from_bytes(raw[at + 32 : at + 36], "little"))
            for at in self.inputs[rows, OUTPOINT].tolist()
        ]

    def values(self, rows: Numbers) -> Numbers:
        """What these outputs pay, in satoshis."""
        places = self.outputs[rows, VALUE, None] + np.arange(8)
        values: Numbers = self.text[places].view("<i8")[:, 0]
        return values

    def txouts(self, rows: Numbers) -> list[TxOut]:
        raw = self.raw
        return [
            TxOut(int.from_bytes(raw[at : at + 8], "little", signed=True), raw[begin:end])
            for at, begin, end in self.outputs[rows].tolist()
        ]


def read(raw: bytes) -> Table | None:
    """The table of the block in exactly these bytes; None where there is none, or none that can be valid."""
    if len(raw) > MAX_WEIGHT:
        return None
    text = np.frombuffer(raw, np.uint8)
    # Memory that is not written to is not taken, so the worst case costs nothing.
    transactions = np.empty((len(raw) // _LEAST_TRANSACTION + 1, WITNESSED + 1), np.int64)
    inputs = np.empty((len(raw) // _LEAST_INPUT + 1, OWNER + 1), np.int64)
    outputs = np.empty((len(raw) // _LEAST_OUTPUT + 1, SCRIPT_END + 1), np.int64)
    counts: Sequence[int] = scan()(text, transactions, inputs, outputs)
    if counts[0] == 0:
        return None
    return Table(raw, text, transactions[: counts[0]], inputs[: counts[1]], outputs[: counts[2]])


@cache
def scan() -> Callable[..., Any]:
    """`scan(text, transactions, inputs, outputs)` fills the tables and returns how many rows each has; 0 of
    each where there is no block."""

    def scan(text, transactions, inputs, outputs):  # type: ignore[no-untyped-def]
        nothing = (0, 0, 0)
        count, at = size_at(text, HEADER_BYTES)
        if at < 0 or count > len(text) // _LEAST_TRANSACTION:
            return nothing
        first_input, first_output = 0, 0
        for index in range(count):
            row = transactions[index]
            at = _transaction(text, at, row, index, inputs, first_input, outputs, first_output)
            if at < 0:
                return nothing
            first_input += row[INPUTS]
            first_output += row[OUTPUTS]
        if at != len(text):
            return nothing
        return count, first_input, first_output

    return compiled(scan, types.UniTuple(types.int64, 3)(FLAT, ROWS, ROWS, ROWS))


@numba.njit
def _transaction(text, at, row, index, inputs, first_input, outputs, first_output):  # type: ignore[no-untyped-def]
    """Where the transaction ends that begins at `at`; -1 where there is none, as in all functions below."""
    if at + _LEAST_TRANSACTION > len(text):
        return -1
    row[START] = at
    at += 4
    witnessed = text[at] == 0 and text[at + 1] == 1
    if witnessed:
        at += 2
    row[BODY], row[WITNESSED], row[INPUTS_FROM], row[OUTPUTS_FROM] = at, witnessed, first_input, first_output
    count, at = size_at(text, at)
    if at < 0 or count == 0 or count > (len(text) - at) // _LEAST_INPUT:
        return -1
    row[INPUTS] = count
    for place in range(first_input, first_input + count):
        at = _input(text, at, inputs[place], index)
        if at < 0:
            return -1
    count, at = size_at(text, at)
    if at < 0 or count > (len(text) - at) // _LEAST_OUTPUT:
        return -1
    row[OUTPUTS], row[OUTPUTS_AT] = count, at
    for place in range(first_output, first_output + count):
        at = _output(text, at, outputs[place])
        if at < 0:
            return -1
    row[BODY_END] = at
    if witnessed:
        at = _witnesses(text, at, inputs[first_input : first_input + row[INPUTS]])
        if at < 0:
            return -1
    at += 4
    row[END] = at
    return at if at <= len(text) else -1


@numba.njit
def _input(text, at, row, index):  # type: ignore[no-untyped-def]
    row[OUTPOINT], row[OWNER] = at, index
    row[ITEMS_AT], row[ITEMS], row[LAST_AT], row[LAST_END] = 0, 0, 0, 0
    size, at = size_at(text, at + 36)
    if at < 0 or at + size + 4 > len(text):
        return -1
    row[SCRIPT_SIG], row[SEQUENCE] = at, at + size
    return at + size + 4


@numba.njit
def _output(text, at, row):  # type: ignore[no-untyped-def]
    row[VALUE] = at
    size, at = size_at(text, at + 8)
    if at < 0 or at + size > len(text):
        return -1
    row[SCRIPT], row[SCRIPT_END] = at, at + size
    return at + size


@numba.njit
def _witnesses(text, at, inputs):  # type: ignore[no-untyped-def]
    """The witnesses of a transaction's inputs, of which at least one has items."""
    some = False
    for place in range(len(inputs)):
        row = inputs[place]
        count, at = size_at(text, at)
        if at < 0:
            return -1
        row[ITEMS_AT], row[ITEMS] = at, count
        some = some or count > 0
        for _ in range(count):
            size, at = size_at(text, at)
            if at < 0 or at + size > len(text):
                return -1
            row[LAST_AT], row[LAST_END] = at, at + size
            at += size
    return at if some else -1


@numba.njit
def size_at(text, at):  # type: ignore[no-untyped-def]
    """A CompactSize and where it ends; -1 for its end where it is cut off, too large, or longer than need be."""
    if at >= len(text):
        return 0, -1
    first = np.int64(text[at])
    at += 1
    if first < 0xFD:
        return first, at
    width = 1 << first - 0xFC
    if at + width > len(text):
        return 0, -1
    size = number_at(text, at, width)
    least = 0xFD if width == 2 else 1 << 16 if width == 4 else 1 << 32
    if size < least or size > MAX_SIZE:
        return 0, -1
    return size, at + width


@numba.njit
def number_at(text, at, width):  # type: ignore[no-untyped-def]
    """A little-endian number of so many bytes; of eight bytes the highest is its sign's."""
    number = np.int64(0)
    for place in range(width):
        number |= np.int64(text[at + place]) << 8 * place
    return number
