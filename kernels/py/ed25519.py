"""Ed25519 signatures (RFC 8032) verified in batches, one in each lane of the processor's vectors.

The work of a chunk of signatures, so that memory stays bounded:

1. hash; check S; decode A and R. The powers that decoding takes are taken for both points at a time, which hides
   the multiplier's latency;
2. find u = v·k (mod 8L) of half the length (`half_scalars_25519.py`);
3. v(SB - kA - R) = vSB - uA - vR, bit by bit from the highest, with the digits of all scalars added as they come:
   those of u and v together, from a table of the sums of few A and few R, and those of vS from its 130th bit on
   from a table of their own. It has to be neutral, under `zip215` after 8 times.

`rfc8032` asks for the R that is encoded as SB - kA would be. Encodings are unique but for those that this rule
refuses in keys (RFC 8032, section 5.1.3), so R is decoded as keys are, and the points are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from ..backend import Bytes2D
from ..signatures import Codes, Ed25519Rule
from . import base_point_table, half_scalars_25519, scalar_25519, sha512
from .cache import compiled
from .ed25519_stages import (
    BASE_DIGITS,
    BASE_LINES,
    BASE_WIDTH,
    KEY_DIGITS,
    KEY_ENTRIES,
    KEY_ENTRY_LIMBS,
    KEY_WIDTH,
    absorb,
    add,
    add_entry,
    affine,
    affine_addend,
    as_addend,
    base_place,
    base_windows,
    begin_decoding,
    decode,
    digits_place,
    double,
    high_place,
    initial_state,
    is_zero,
    judge,
    key_place,
    key_windows,
    less,
    neutral,
    next_line,
    opposite,
    radicand,
    scalars,
    turn,
)
from .half_scalars_25519 import first_pairs, halve, halves
from .lanes import bits, gather, lane_numbers, load, scatter, scratch, splat, store, zeros
from .power_25519 import FIELD, SIZE, root_powers
from .rows import load_rows, prefetch

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

CHUNK = half_scalars_25519.MOST
"""Signatures whose intermediate values lie in memory at a time."""

HALF_DIGITS = base_point_table.HALF_DIGITS
BASE_TOP_BIT = BASE_WIDTH * (HALF_DIGITS - 1)

# Rows of working memory. First those that every group of lanes uses in its turn: sums of multiples of A and R, the
# digits of u and v and of vS, a block of the hash, which signatures these are and how many blocks they hash.
_LENGTHS: tuple[int, ...] = KEY_ENTRIES * KEY_ENTRY_LIMBS, KEY_DIGITS, BASE_DIGITS, sha512.BLOCK_WORDS, 1, 1
TABLE, WINDOWS, BASE_WINDOWS, BLOCK, ITEMS, BLOCKS, RECORDS = accumulate(_LENGTHS, initial=0)

# And from there the record of each group: what is kept of it from one part of the work to the next. Of both
# points there are y, the power, whether x is odd and whether y is too large.
SCALAR_SIZE = scalar_25519.SIZE
ENCODED = 2 * SIZE + 2
_LENGTHS = ENCODED, ENCODED, SCALAR_SIZE, 1, half_scalars_25519.RECORD
KEY, R, S, CODE, PAIRS, RECORD = accumulate(_LENGTHS, initial=0)


# The loops. `element` is any tuple like an element, from which they take the kind of vectors.


@numba.njit(inline="always")
def _hash(keys, signatures, messages, offsets, memory, element):  # type: ignore[no-untyped-def]
    """SHA-512 of R, A and M (RFC 8032, section 5.1.7, step 2) of the signatures in the row ITEMS."""
    items = memory[ITEMS].view(np.int64)
    blocks = memory[BLOCKS].view(np.int64)
    text = memory[BLOCK : BLOCK + sha512.BLOCK_WORDS].view(np.uint8).reshape((len(items), sha512.BLOCK_BYTES))
    most = 0
    for lane in range(len(items)):
        length = offsets[items[lane] + 1] - offsets[items[lane]]
        blocks[lane] = (64 + length + 1 + sha512.LENGTH_BYTES + sha512.BLOCK_BYTES - 1) // sha512.BLOCK_BYTES
        most = max(most, blocks[lane])
    (counts,) = load(element[:1], memory, BLOCKS)
    numbers = lane_numbers(element)
    state = initial_state(element[0])
    for index in range(most):
        for lane in range(len(items)):
            item = items[lane]
            if index < blocks[lane]:
                message = messages[offsets[item] : offsets[item + 1]]
                _fill(text[lane], index, blocks[lane], signatures[item], keys[item], message)
        block = load_rows(state + state, text, numbers, 0)
        state = absorb(state, block, less(splat(element, index), counts))
    return state


@numba.njit
def _fill(block, index, blocks, signature, key, message):  # type: ignore[no-untyped-def]
    """One block of the padded text (FIPS 180-4, section 5.1.2)."""
    begin = 0
    if index == 0:
        for place in range(32):
            block[place] = signature[place]
            block[32 + place] = key[place]
        begin = 64
    shift = sha512.BLOCK_BYTES * index - 64
    end = max(begin, min(len(message) - shift, sha512.BLOCK_BYTES))
    for place in range(begin, end):
        block[place] = message[shift + place]
    for place in range(end, sha512.BLOCK_BYTES):
        block[place] = 0
    if begin <= len(message) - shift < sha512.BLOCK_BYTES:
        block[len(message) - shift] = 0x80
    if index == blocks - 1:
        bits_in_all = 8 * (64 + len(message))
        for place in range(8):
            block[sha512.BLOCK_BYTES - 1 - place] = bits_in_all >> (8 * place) & 0xFF


@numba.njit
def _decode(memory, encoded, strict, element):  # type: ignore[no-untyped-def]
    """The negative of a point, x and y, and the mask of the lanes in which it is refused."""
    y, power = load(element, memory, encoded), load(element, memory, encoded + SIZE)
    odd, unfit = load(element[:2], memory, encoded + 2 * SIZE)
    return decode(y, power, odd, unfit, strict)


@numba.njit
def _fill_table(table, x, y, other_x, other_y):  # type: ignore[no-untyped-def]
    """The sums i·P + j·Q of two points, ready to be added, for all digits i and j from -2 to 1."""
    never, point = splat(x, 0), neutral(x[0])
    one, other = affine(x, y), affine(other_x, other_y)
    addend, other_addend = affine_addend(x, y), affine_addend(other_x, other_y)
    _enter(table, point, 0, 0)
    for j in range(-1, 2, 2):
        negative = splat(x, j >> 1)
        point = add(one, other_addend, negative)
        _enter(table, point, 1, j)
        _enter(table, add(point, addend, never), 2, j)
        _enter(table, add(point, other_addend, negative), 1, 2 * j)
    _enter(table, double(point), 2, 2)
    _enter(table, one, 1, 0)
    _enter(table, double(one), 2, 0)
    _enter(table, other, 0, 1)
    _enter(table, double(other), 0, 2)


@numba.njit
def _enter(table, point, i, j):  # type: ignore[no-untyped-def]
    """Writes the point, which is i·P + j·Q, and its negative, those of them whose digits are from -2 to 1."""
    addend, like = as_addend(point), point[0]
    if i < 2 and j < 2:
        scatter(addend, table, digits_place(splat(like, i), splat(like, j), lane_numbers(like)))
    if i > -2 and j > -2:
        scatter(opposite(addend), table, digits_place(splat(like, -i), splat(like, -j), lane_numbers(like)))


@numba.njit(inline="always")
def _prefetch_entry(multiples, place):  # type: ignore[no-untyped-def]
    for _ in range(BASE_LINES):
        prefetch(multiples, place)
        place = next_line(place)


@numba.njit(inline="always")
def _combine(memory, table, multiples, element):  # type: ignore[no-untyped-def]
    """v(SB - kA - R), from the table of ±A and -R and the windows of |u|, |v| and |v|S."""
    base_entry = element + element + element
    key_entry = base_entry + element
    numbers = lane_numbers(element)
    point, never = neutral(element[0]), splat(element, 0)
    for bit in range(_top_bit(memory, element), -1, -1):
        point = double(point)
        if bit % KEY_WIDTH == 0:
            (window,) = load(element[:1], memory, WINDOWS + bit // KEY_WIDTH)
            point = add_entry(point, gather(key_entry, table, key_place(window, numbers)), never)
        if bit % BASE_WIDTH == 0 and bit <= BASE_TOP_BIT:
            row = BASE_WINDOWS + bit // BASE_WIDTH
            (window,), (next_window,) = load(element[:1], memory, row), load(element[:1], memory, row - 1)
            place, negative = base_place(window)
            _prefetch_entry(multiples, base_place(next_window)[0])
            point = add_entry(point, gather(base_entry, multiples, place), negative)
            row += HALF_DIGITS
            (window,), (next_window,) = load(element[:1], memory, row), load(element[:1], memory, row - 1)
            place, negative = high_place(window)
            _prefetch_entry(multiples, high_place(next_window)[0])
            point = add_entry(point, gather(base_entry, multiples, place), negative)
    return point


@numba.njit
def _top_bit(memory, element):  # type: ignore[no-untyped-def]
    """The highest bit at which any lane has a digit to be added."""
    every = bits(splat(element, -1))
    for digit in range(KEY_DIGITS - 1, 0, -1):
        (window,) = load(element[:1], memory, WINDOWS + digit)
        if bits(is_zero(window)) != every:
            return max(KEY_WIDTH * digit, BASE_TOP_BIT)
    return np.int64(BASE_TOP_BIT)


@numba.njit(inline="always")
def _begin(keys, signatures, messages, offsets, memory, record, element):  # type: ignore[no-untyped-def]
    """Part 1 for one group of lanes, up to the powers that decode A and R."""
    state = _hash(keys, signatures, messages, offsets, memory, element)
    (items,) = load(element[:1], memory, ITEMS)
    signature = load_rows(state, signatures, items, 0)
    k, s, code = scalars(state, signature)
    store((*s, code), memory, record + S)
    store(first_pairs(k), memory, record + PAIRS)
    y, odd, unfit = begin_decoding(load_rows(state, keys, items, 0)[:4])
    store(y + radicand(y) + (odd, unfit), memory, record + KEY)
    y, odd, unfit = begin_decoding(signature[:4])
    store(y + radicand(y) + (odd, unfit), memory, record + R)


@numba.njit(inline="always")
def _judge(memory, record, multiples, strict, doublings, element):  # type: ignore[no-untyped-def]
    """Part 3 for one group."""
    scalar = element[:SCALAR_SIZE]
    pairs = load(scalar + scalar + scalar + scalar[:1], memory, record + PAIRS)
    u, v, vs, negative = halves(pairs, load(scalar, memory, record + S))
    store(key_windows(u, v) + base_windows(vs), memory, WINDOWS)
    x, y, no_key = _decode(memory, record + KEY, strict, element)
    r_x, r_y, no_r = _decode(memory, record + R, strict, element)
    table = memory[TABLE:WINDOWS]
    _fill_table(table, turn(x, negative), y, r_x, r_y)
    point = _combine(memory, table, multiples, element)
    for _ in range(doublings):
        point = double(point)
    (code,) = load(element[:1], memory, record + CODE)
    store((judge(point, no_key, code, no_r),), memory, record + CODE)


def signature() -> Any:
    """Numba's type of the kernel."""
    rows, row = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C", readonly=True)
    offsets = types.Array(types.int64, 1, "C", readonly=True)
    table = types.Array(types.uint64, 2, "C")
    return types.void(rows, rows, row, offsets, types.boolean, table, table, types.uint8[::1])


@cache
def kernel(lanes: int) -> Callable[..., None]:
    """`kernel(keys, signatures, messages, offsets, cofactored, multiples, memory, verdicts)`."""

    def verify_ed25519(  # type: ignore[no-untyped-def]
        keys, signatures, messages, offsets, cofactored, multiples, memory, verdicts
    ):
        element = zeros(SIZE, lanes)
        strict = splat(element, 0 if cofactored else -1)
        doublings = 3 if cofactored else 0
        count = len(keys)
        for first in range(0, count, CHUNK):
            groups = (min(CHUNK, count - first) + lanes - 1) // lanes
            for group in range(groups):
                # What is missing in the last group is made up by the last signature, again.
                for lane in range(lanes):
                    memory[ITEMS, lane] = min(first + lanes * group + lane, count - 1)
                record = RECORDS + RECORD * group
                _begin(keys, signatures, messages, offsets, memory, record, element)
                root_powers(memory, record + KEY + SIZE, record + R + SIZE, element)
            halve(memory, RECORDS + PAIRS, RECORD, groups, element[:SCALAR_SIZE])
            for group in range(groups):
                _judge(memory, RECORDS + RECORD * group, multiples, strict, doublings, element)
            for row in range(first, min(first + CHUNK, count)):
                group, lane = divmod(row - first, lanes)
                verdicts[row] = memory[RECORDS + RECORD * group + CODE, lane]

    return compiled(verify_ed25519, signature(), lanes)


def load_kernels(lanes: int) -> None:
    """Compiles what `verify` needs, or takes it from the cache."""
    kernel(lanes)
    base_point_table.multiples(FIELD, lanes)


def verify(
    keys: Bytes2D,
    signatures: Bytes2D,
    messages: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    rule: Ed25519Rule,
    lanes: int,
) -> Codes:
    """A `Verdict` for each signature. Takes arrays as `SignatureBatch` has them, `offsets` ascending.

    One thread works, without Python's lock; several may call at the same time.
    """
    count = len(keys)
    groups = -(-min(count, CHUNK) // lanes)
    memory = scratch(RECORDS + RECORD * groups, lanes)
    verdicts = np.empty(count, np.uint8)
    multiples = base_point_table.multiples(FIELD, lanes)
    kernel(lanes)(keys, signatures, messages, offsets, rule == "zip215", multiples, memory, verdicts)
    return verdicts
