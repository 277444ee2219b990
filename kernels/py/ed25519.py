"""Ed25519 signatures (RFC 8032) verified in batches, one in each lane of the processor's vectors.

The work of a chunk of signatures, so that memory stays bounded and inversions are shared:

1. hash; check S; begin to decode A. The powers that decoding takes are taken for two groups of lanes at a time,
   which hides the multiplier's latency;
2. Q = SB - kA, bit by bit from the highest, with the digits of both scalars added as they come;
3. one inversion for the whole chunk turns every Q into the encoding that R has to be (RFC 8032, section 5.1.7);
4. under `zip215` only, for the signatures where it is not: decode R and look whether 8(Q - R) is neutral. Where
   the encoding is the same, Q is R, so that the other rule holds too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from ..backend import Bytes2D
from ..signatures import Codes, Ed25519Rule
from . import base_point_table, scalar_25519, sha512
from .cache import compiled
from .ed25519_stages import (
    BASE_DIGITS,
    BASE_LINES,
    BASE_WIDTH,
    KEY_DIGITS,
    KEY_ENTRIES,
    KEY_ENTRY_LIMBS,
    KEY_WIDTH,
    TOP_BIT,
    absorb,
    add,
    add_entry,
    affine,
    affine_addend,
    as_addend,
    base_place,
    base_windows,
    begin_decoding,
    decode_key,
    decode_r,
    double,
    initial_state,
    is_undecided,
    judge_difference,
    judge_encoding,
    key_place,
    key_windows,
    less,
    multiple_place,
    multiply,
    neutral,
    next_line,
    radicand,
    scalars,
)
from .lanes import bits, gather, lane_numbers, load, scatter, scratch, splat, store, zeros
from .power_25519 import FIELD, SIZE, inverse, root_powers
from .rows import load_rows, prefetch

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

CHUNK = 256
"""Signatures that share an inversion, and whose intermediate values lie in memory at a time."""

# Rows of working memory. First those that every group of lanes uses in its turn: the key's multiples, a block of
# the hash, the digits of k and of S, which signatures these are and how many blocks they have to hash.
TABLE = 0
BLOCK = TABLE + KEY_ENTRIES * KEY_ENTRY_LIMBS
KEY_WINDOWS = BLOCK + sha512.BLOCK_WORDS
BASE_WINDOWS = KEY_WINDOWS + KEY_DIGITS
ITEMS = BASE_WINDOWS + BASE_DIGITS
BLOCKS = ITEMS + 1
RECORDS = BLOCKS + 1

# And from there the record of each group: what is kept of it from one part of the work to the next.
SCALAR_SIZE = scalar_25519.SIZE
_LENGTHS = SIZE, SIZE, 1, 1, 1, SCALAR_SIZE, SCALAR_SIZE, 4, 5 * SIZE, SIZE
Y, POWER, ODD, UNFIT, CODE, K, S, R, POINT, BEFORE, RECORD = accumulate(_LENGTHS, initial=0)


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


@numba.njit(inline="always")
def _fill_table(x, y, memory):  # type: ignore[no-untyped-def]
    """0 to 16 times a point for each lane, ready to be added."""
    addend, never, numbers = affine_addend(x, y), splat(x, 0), lane_numbers(x)
    scatter(as_addend(neutral(x[0])), memory, multiple_place(never, numbers))
    point = affine(x, y)
    scatter(as_addend(point), memory, multiple_place(splat(x, 1), numbers))
    for number in range(2, KEY_ENTRIES):
        point = add(point, addend, never)
        scatter(as_addend(point), memory, multiple_place(splat(x, number), numbers))


@numba.njit(inline="always")
def _prefetch_entry(multiples, place):  # type: ignore[no-untyped-def]
    for _ in range(BASE_LINES):
        prefetch(multiples, place)
        place = next_line(place)


@numba.njit(inline="always")
def _combine(memory, multiples, element):  # type: ignore[no-untyped-def]
    """SB - kA, from the table of -A and the windows of both scalars."""
    base_entry = element + element + element
    key_entry = base_entry + element
    numbers = lane_numbers(element)
    point = neutral(element[0])
    for bit in range(TOP_BIT, -1, -1):
        point = double(point)
        if bit % KEY_WIDTH == 0:
            (window,) = load(element[:1], memory, KEY_WINDOWS + bit // KEY_WIDTH)
            place, negative = key_place(window, numbers)
            point = add_entry(point, gather(key_entry, memory, place), negative)
        if bit % BASE_WIDTH == 0:
            row = BASE_WINDOWS + bit // BASE_WIDTH
            (window,), (next_window,) = load(element[:1], memory, row), load(element[:1], memory, row - 1)
            place, negative = base_place(window)
            _prefetch_entry(multiples, base_place(next_window)[0])
            point = add_entry(point, gather(base_entry, multiples, place), negative)
    return point


@numba.njit(inline="always")
def _begin(keys, signatures, messages, offsets, memory, record, element):  # type: ignore[no-untyped-def]
    """Part 1 for one group of lanes, up to the power that decodes A."""
    state = _hash(keys, signatures, messages, offsets, memory, element)
    (items,) = load(element[:1], memory, ITEMS)
    signature = load_rows(state, signatures, items, 0)
    k, s, code = scalars(state, signature)
    y, odd, unfit = begin_decoding(load_rows(state, keys, items, 0)[:4])
    store(y + radicand(y) + (odd, unfit, code) + k + s + signature[:4], memory, record)


@numba.njit(inline="always")
def _multiply_out(memory, record, multiples, strict, element):  # type: ignore[no-untyped-def]
    """Part 2 for one group: Q."""
    y, power = load(element, memory, record + Y), load(element, memory, record + POWER)
    odd, unfit, code = load(element[:3], memory, record + ODD)
    x, y, code = decode_key(y, power, odd, unfit, code, strict)
    store((code,), memory, record + CODE)
    _fill_table(x, y, memory)
    store(key_windows(load(element[:SCALAR_SIZE], memory, record + K)), memory, KEY_WINDOWS)
    store(base_windows(load(element[:SCALAR_SIZE], memory, record + S)), memory, BASE_WINDOWS)
    X, Y_, Z, E, H = _combine(memory, multiples, element)
    store(X + Y_ + Z + E + H, memory, record + POINT)


@numba.njit(inline="always")
def _compare_encodings(memory, groups, element):  # type: ignore[no-untyped-def]
    """Part 3. The inverse of each Z is that of the product of all, times the others."""
    product = neutral(element[0])[2]
    for group in range(groups):
        record = RECORDS + RECORD * group
        store(product, memory, record + BEFORE)
        product = multiply(product, load(element, memory, record + POINT + 2 * SIZE))
    rest = inverse(product)
    for group in range(groups - 1, -1, -1):
        record = RECORDS + RECORD * group
        X, Y_ = load(element, memory, record + POINT), load(element, memory, record + POINT + SIZE)
        Z, before = load(element, memory, record + POINT + 2 * SIZE), load(element, memory, record + BEFORE)
        (code,) = load(element[:1], memory, record + CODE)
        encoded = load(element[:4], memory, record + R)
        store((judge_encoding(X, Y_, multiply(rest, before), encoded, code),), memory, record + CODE)
        rest = multiply(rest, Z)


@numba.njit
def _begin_r(memory, record, element):  # type: ignore[no-untyped-def]
    """Begins to decode R, and says whether that is needed."""
    y, odd, _ = begin_decoding(load(element[:4], memory, record + R))
    store(y + radicand(y) + (odd,), memory, record)
    (code,) = load(element[:1], memory, record + CODE)
    return bits(is_undecided(code)) != 0


@numba.njit
def _compare_cofactored(memory, record, element):  # type: ignore[no-untyped-def]
    """Part 4 for one group: 8(Q - R)."""
    y, power = load(element, memory, record + Y), load(element, memory, record + POWER)
    (odd,) = load(element[:1], memory, record + ODD)
    (code,) = load(element[:1], memory, record + CODE)
    x, is_point = decode_r(y, power, odd)
    Q = (
        load(element, memory, record + POINT),
        load(element, memory, record + POINT + SIZE),
        load(element, memory, record + POINT + 2 * SIZE),
        load(element, memory, record + POINT + 3 * SIZE),
        load(element, memory, record + POINT + 4 * SIZE),
    )
    point = add(Q, affine_addend(x, y), splat(element, 0))
    for _ in range(3):
        point = double(point)
    store((judge_difference(point, is_point, code),), memory, record + CODE)


@cache
def kernel(lanes: int) -> Callable[..., None]:
    """`kernel(keys, signatures, messages, offsets, cofactored, multiples, memory, verdicts)`."""

    def verify_ed25519(  # type: ignore[no-untyped-def]
        keys, signatures, messages, offsets, cofactored, multiples, memory, verdicts
    ):
        element = zeros(SIZE, lanes)
        strict = splat(element, 0 if cofactored else -1)
        count = len(keys)
        for first in range(0, count, CHUNK):
            groups = (min(CHUNK, count - first) + lanes - 1) // lanes
            for group in range(groups):
                # What is missing in the last group is made up by the last signature, again.
                for lane in range(lanes):
                    memory[ITEMS, lane] = min(first + lanes * group + lane, count - 1)
                _begin(keys, signatures, messages, offsets, memory, RECORDS + RECORD * group, element)
            for group in range(0, groups, 2):
                one, other = RECORDS + RECORD * group, RECORDS + RECORD * min(group + 1, groups - 1)
                root_powers(memory, one + POWER, other + POWER, element)
            for group in range(groups):
                _multiply_out(memory, RECORDS + RECORD * group, multiples, strict, element)
            _compare_encodings(memory, groups, element)
            for group in range(0, groups if cofactored else 0, 2):
                one, other = RECORDS + RECORD * group, RECORDS + RECORD * min(group + 1, groups - 1)
                needed, needed_too = _begin_r(memory, one, element), _begin_r(memory, other, element)
                if needed or needed_too:
                    root_powers(memory, one + POWER, other + POWER, element)
                    _compare_cofactored(memory, one, element)
                    if other != one:
                        _compare_cofactored(memory, other, element)
            for row in range(first, min(first + CHUNK, count)):
                group, lane = divmod(row - first, lanes)
                verdicts[row] = memory[RECORDS + RECORD * group + CODE, lane]

    rows, row = types.Array(types.uint8, 2, "C", readonly=True), types.Array(types.uint8, 1, "C", readonly=True)
    offsets = types.Array(types.int64, 1, "C", readonly=True)
    table = types.Array(types.uint64, 2, "C")
    signature = types.void(rows, rows, row, offsets, types.boolean, table, table, types.uint8[::1])
    return compiled(verify_ed25519, signature, lanes)


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
