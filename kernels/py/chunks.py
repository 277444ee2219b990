"""How a chunk of secp256k1 signatures lies in memory: what its groups hold, and what became of them.

A group is two signatures for each lane, a `Pair`. What is known about it is a record of rows of one memory.
"""

from __future__ import annotations

import threading

import numba
import numpy as np
import numpy.typing as npt

from . import generator_table
from .lanes import lane_numbers, scratch, splat, staged
from .limb import Limb
from .powers_secp256k1 import SIZE

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

CHUNK = 256
"""Signatures that share inversions, and whose intermediate values lie in memory at a time."""

KEY_WIDTH = 5
KEY_DIGITS = 26
KEY_ENTRIES = 1 << (KEY_WIDTH - 1)
ENTRY_WORDS = 16
"""Of a multiple of the key: x and y, and then BETA·x and y once more, packed."""

PAIR_SIZE = 2 * SIZE
POINT = 2 * PAIR_SIZE
"""Rows of the affine points of a group."""

# The points of a group: the key's odd multiples, the powers of two of it, and the generator's windows.
TWICE, FOUR, EIGHT, SIXTEEN = range(KEY_ENTRIES, KEY_ENTRIES + 4)
WINDOWS = SIXTEEN + 1
POINTS = WINDOWS + generator_table.WINDOWS

Step = tuple[int, int, int]
"""The point that comes of two others, or of one twice."""


def _levels() -> list[npt.NDArray[np.int64]]:
    """Steps that do not need each other's results, so that they share an inversion."""
    key: list[list[Step]] = [
        [(TWICE, 0, 0)],
        [(1, 0, TWICE), (FOUR, TWICE, TWICE)],
        [(2, 0, FOUR), (3, 1, FOUR), (EIGHT, FOUR, FOUR)],
        [*((4 + i, i, EIGHT) for i in range(4)), (SIXTEEN, EIGHT, EIGHT)],
        [(8 + i, i, SIXTEEN) for i in range(8)],
    ]
    levels = []
    left = generator_table.WINDOWS
    for steps in key:
        half = left // 2
        generator = [(WINDOWS + i, WINDOWS + i, WINDOWS + left - 1 - i) for i in range(half)]
        levels.append(np.array(steps + generator, np.int64))
        left -= half
    return levels


_LEVELS = _levels()
STEPS = np.vstack(_LEVELS)
LEVEL_ENDS = np.cumsum([0, *map(len, _LEVELS)])
LEVELS = len(_LEVELS)
MOST_STEPS = max(map(len, _LEVELS))

# The rows of a group's record. Digits and tables are of each half, points, differences, products and results of
# both.
DIGITS = 0
A, B, U1 = 0, KEY_DIGITS, 2 * KEY_DIGITS
HALF_DIGITS = 2 * KEY_DIGITS + generator_table.WINDOWS
TABLE = DIGITS + 2 * HALF_DIGITS
HALF_TABLE = KEY_ENTRIES * ENTRY_WORDS
PLACES = TABLE + 2 * HALF_TABLE
POINTS_AT = PLACES + 2
DIFFERENCES = POINTS_AT + POINTS * POINT
PRODUCTS = DIFFERENCES + MOST_STEPS * PAIR_SIZE
EXCEPTIONAL = PRODUCTS + MOST_STEPS * PAIR_SIZE
RESULT = EXCEPTIONAL + 2
CODE = RESULT + 3 * PAIR_SIZE
"""A `Verdict` of each half, from whoever uses this."""
OWN = CODE + 2
"""From here 8 numbers of whoever uses this, in limbs of 52 bits."""
SCALAR_SIZE = 5
RECORD = OWN + 8 * SCALAR_SIZE


def rows(groups: int) -> int:
    """Rows of memory that a chunk of so many groups needs; the last record is that of complete formulas."""
    return RECORD * (groups + 1)


@staged
def clamped(first: Limb, lane: Limb, last: Limb) -> Limb:
    """Row numbers from `first` on, but none beyond the last."""
    row = first + lane
    return (last - row).signed_shift(63).select(last, row)


@numba.njit
def rows_of(first, group, count, element, lanes):  # type: ignore[no-untyped-def]
    """The rows of a group's signatures, a vector for each half; the last one again for those that are missing."""
    row, numbers, last = first + 2 * lanes * group, lane_numbers(element), splat(element, count - 1)
    one = clamped(splat(element, row), numbers, last)
    return one, clamped(splat(element, row + lanes), numbers, last)


@numba.njit
def take_verdicts(memory, verdicts):  # type: ignore[no-untyped-def]
    """Copies the codes of a chunk."""
    for item in range(len(verdicts)):
        half, lane = divmod(item, memory.shape[1])
        verdicts[item] = memory[RECORD * (half >> 1) + CODE + (half & 1), lane]


class _Memory(threading.local):
    """Working memory of each thread, which is too large to be fetched from the system for every small batch."""

    rows: npt.NDArray[np.uint64] = np.empty((0, 0), np.uint64)


_memory = _Memory()


def working_memory(count: int, lanes: int) -> npt.NDArray[np.uint64]:
    """Memory for a chunk of a batch of so many signatures: that of this thread's last call if it is enough."""
    needed = rows(-(-min(count, CHUNK) // (2 * lanes)))
    if _memory.rows.shape[0] < needed or _memory.rows.shape[1] != lanes:
        _memory.rows = scratch(needed, lanes)
    return _memory.rows
