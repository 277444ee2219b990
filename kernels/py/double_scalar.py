"""u1·G + u2·Q on secp256k1 for a chunk of signatures: what ECDSA and BIP 340 have in common.

1. `tables_secp256k1`: multiples of each Q, and u1·G;
2. `run`: u2 = a + b·LAMBDA, so that the digits of a and b share 125 doublings;
3. `run_exceptional`: the few signatures where an addition met equal points, opposite ones or infinity, which can
   be crafted, go through complete formulas, gathered in groups of their own.

The result is -(u1·G + u2·Q) in Jacobian coordinates, with Z = 0 for infinity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from . import curve_secp256k1 as curve
from . import generator_table
from .chunks import (
    CODE,
    DIGITS,
    EXCEPTIONAL,
    HALF_DIGITS,
    KEY_DIGITS,
    KEY_WIDTH,
    PAIR_SIZE,
    PLACES,
    POINT,
    POINTS_AT,
    RECORD,
    RESULT,
    WINDOWS,
)
from .field import select
from .lanes import gather, load, splat, staged, store
from .limb import Limb
from .powers_secp256k1 import FIELD, PAIR, RARE_PAIR, SIZE
from .tables_secp256k1 import POINT_WORDS, entry_place, generator_point, pair_of, signed_point, zero_words

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"


@staged
def flipped(y: Sequence[Limb], flip: Limb) -> list[Limb]:
    return PAIR.settle(select(flip, PAIR.negative(y), y))


@staged
def double(point: Sequence[Sequence[Limb]]) -> list[list[Limb]]:
    return curve.doubled(PAIR, point)


@staged
def add(point: Sequence[Sequence[Limb]], x: Sequence[Limb], y: Sequence[Limb]) -> list[list[Limb]]:
    return curve.sum_with(PAIR, point, x, y)


@staged
def complete_double(point: Sequence[Sequence[Limb]]) -> list[list[Limb]]:
    return curve.complete_double(RARE_PAIR, point)


@staged
def complete_add(point: Sequence[Sequence[Limb]], x: Sequence[Limb], y: Sequence[Limb]) -> list[list[Limb]]:
    return curve.complete_sum(RARE_PAIR, point, x, y)


@staged
def negative_jacobian(point: Sequence[Sequence[Limb]]) -> list[Limb]:
    x, y, z = curve.jacobian(PAIR, point)
    return [*x, *PAIR.settle(PAIR.negative(y)), *z]


@staged
def exceptional_now(z: Sequence[Limb], before: Limb, code: Limb) -> Limb:
    """The mask of the lanes whose result does not count, of those that are not refused for other reasons."""
    return (FIELD.is_zero(z) | before) & code.is_zero()


# The loops. `element` is a tuple like an element and `pair` like a pair of them, which say what kind of vectors.


@numba.njit
def _key_points(memory, record, part, window, flip, element):  # type: ignore[no-untyped-def]
    """The multiple of the key that a digit of a, or for part 1 of b, stands for; of both halves."""
    row = record + DIGITS + part * KEY_DIGITS + window
    offset = splat(element, part * POINT_WORDS)
    like = zero_words(element[0])
    table, table_too = load(element[:2], memory, record + PLACES)
    (digit,) = load(element[:1], memory, row)
    (digit_too,) = load(element[:1], memory, row + HALF_DIGITS)
    x, y = signed_point(gather(like, memory, entry_place(table, digit, offset)), digit, flip)
    x_too, y_too = signed_point(gather(like, memory, entry_place(table_too, digit_too, offset)), digit_too, flip)
    return x + x_too, y + y_too


@numba.njit
def run(memory, groups, pair, element):  # type: ignore[no-untyped-def]
    """The results, and where they do not count."""
    one = pair_of(splat(element, 1))
    for group in range(groups):
        record = RECORD * group
        point = (one, one, one)
        negations = 0
        last = 2 * KEY_DIGITS
        for step in range(last + 1):
            flip = splat(element, -(negations & 1))
            if step == last:
                place = record + POINTS_AT + POINT * WINDOWS
                x, y = load(pair, memory, place), flipped(load(pair, memory, place + PAIR_SIZE), flip)
            else:
                if step and not step & 1:
                    for _ in range(KEY_WIDTH):
                        point = double(point)
                    negations += KEY_WIDTH
                    flip = splat(element, -(negations & 1))
                x, y = _key_points(memory, record, step & 1, KEY_DIGITS - 1 - (step >> 1), flip, element)
            if step:
                point = add(point, x, y)
                negations += 1
            else:
                point = (x, y, one)
        X, Y, Z = point  # negations is odd: the negative of the sum
        store(X + Y + Z, memory, record + RESULT)
        for half in range(2):
            (before,) = load(element[:1], memory, record + EXCEPTIONAL + half)
            (code,) = load(element[:1], memory, record + CODE + half)
            z = load(element, memory, record + RESULT + 2 * PAIR_SIZE + half * SIZE)
            store((exceptional_now(z, before, code),), memory, record + EXCEPTIONAL + half)


@numba.njit
def run_exceptional(memory, groups, generator, element):  # type: ignore[no-untyped-def]
    """Step 3: the results that do not count are computed once more, by formulas that are right for all points."""
    lanes = memory.shape[1]
    spare = RECORD * groups
    group_size = 2 * lanes
    sources = np.empty(group_size, np.int64)
    found = 0
    for place in range(group_size * groups):
        group, item = divmod(place, group_size)
        half, lane = divmod(item, lanes)
        if memory[RECORD * group + EXCEPTIONAL + half, lane]:
            sources[found] = place
            found += 1
        if found == group_size or (found and place == group_size * groups - 1):
            for target in range(group_size):
                _take(memory, spare, target, sources[min(target, found - 1)])
            _run_complete(memory, spare, generator, element)
            for target in range(found):
                _give(memory, spare, target, sources[target])
            found = 0


@numba.njit
def _take(memory, spare, target, source):  # type: ignore[no-untyped-def]
    """Copies what a signature's result follows from into the spare record; its table stays where it is."""
    lanes = memory.shape[1]
    group, item = divmod(source, 2 * lanes)
    half, lane = divmod(item, lanes)
    half_too, lane_too = divmod(target, lanes)
    for row in range(HALF_DIGITS):
        digit = memory[RECORD * group + DIGITS + half * HALF_DIGITS + row, lane]
        memory[spare + DIGITS + half_too * HALF_DIGITS + row, lane_too] = digit
    memory[spare + PLACES + half_too, lane_too] = memory[RECORD * group + PLACES + half, lane]


@numba.njit
def _give(memory, spare, target, source):  # type: ignore[no-untyped-def]
    """Copies a result back."""
    lanes = memory.shape[1]
    group, item = divmod(source, 2 * lanes)
    half, lane = divmod(item, lanes)
    half_too, lane_too = divmod(target, lanes)
    for coordinate in range(3):
        for limb in range(SIZE):
            row = RESULT + coordinate * PAIR_SIZE + limb
            memory[RECORD * group + row + half * SIZE, lane] = memory[spare + row + half_too * SIZE, lane_too]


@numba.njit
def _run_complete(memory, record, generator, element):  # type: ignore[no-untyped-def]
    zero, one, none = pair_of(splat(element, 0)), pair_of(splat(element, 1)), splat(element, 0)
    point = (zero, one, zero)
    last = 2 * KEY_DIGITS
    for step in range(last + generator_table.WINDOWS):
        if step < last:
            if not step & 1:
                for _ in range(KEY_WIDTH):
                    point = complete_double(point)
            x, y = _key_points(memory, record, step & 1, KEY_DIGITS - 1 - (step >> 1), none, element)
        else:
            x, y = generator_point(memory, record, 0, step - last, generator, element)
            x_too, y_too = generator_point(memory, record, 1, step - last, generator, element)
            x, y = x + x_too, y + y_too
        point = complete_add(point, x, y)
    store(negative_jacobian(point), memory, record + RESULT)
