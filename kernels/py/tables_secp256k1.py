"""The points that multipliers of a chunk of signatures need: odd multiples of the keys, and the generator's parts.

All are affine, at an inversion for each of `LEVELS` steps, shared by the whole chunk. The generator's part of a
signature is the sum of a point from each window of `generator_table`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba

from . import curve_secp256k1 as curve
from . import generator_table
from .chunks import (
    DIFFERENCES,
    DIGITS,
    ENTRY_WORDS,
    EXCEPTIONAL,
    HALF_DIGITS,
    HALF_TABLE,
    KEY_DIGITS,
    KEY_ENTRIES,
    KEY_WIDTH,
    LEVEL_ENDS,
    LEVELS,
    PAIR_SIZE,
    PLACES,
    POINT,
    POINTS_AT,
    PRODUCTS,
    RECORD,
    STEPS,
    TABLE,
    U1,
    WINDOWS,
)
from .field import select
from .lanes import bits, gather, lane_numbers, load, scatter, splat, staged, store
from .limb import Limb
from .powers_secp256k1 import FIELD, PAIR, SIZE, inverse_pair, multiply_pair
from .rows import prefetch
from .scalar_secp256k1 import SIGN, Half, odd, signed_digits, split

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

POINT_WORDS = generator_table.WORDS
INDEX = SIGN - 1


@staged
def u1_digits(u1: Sequence[Limb]) -> list[Limb]:
    return signed_digits(odd(u1), generator_table.WIDTH, generator_table.WINDOWS)


@staged
def u2_digits(u2: Sequence[Limb]) -> list[Limb]:
    def of(half: Half) -> list[Limb]:
        return signed_digits(half.limbs, KEY_WIDTH, KEY_DIGITS, half.negative)

    a, b = split(u2)
    return of(a) + of(b)


@staged
def generator_place(digit: Limb, window: Limb) -> Limb:
    return ((window << (generator_table.WIDTH - 1)) + (digit & INDEX)) * POINT_WORDS


@staged
def entry_place(table: Limb, digit: Limb, part: Limb) -> Limb:
    return table + (digit & INDEX) * ENTRY_WORDS + part


@staged
def signed_point(words: Sequence[Limb], digit: Limb, flip: Limb) -> tuple[list[Limb], list[Limb]]:
    """The packed point, negated where either the digit or the mask says so."""
    y = FIELD.of_words(words[4:])
    negative = (digit ^ flip).signed_shift(63)
    return FIELD.of_words(words[:4]), FIELD.settle(select(negative, FIELD.opposite(y), y))


@staged
def pair_of(number: Limb) -> list[Limb]:
    """A small number twice."""
    rest = [number.constant(0)] * (SIZE - 1)
    return [number, *rest, number, *rest]


@staged
def zero_halves(x: Sequence[Limb]) -> tuple[Limb, Limb]:
    return FIELD.is_zero(x[:SIZE]), FIELD.is_zero(x[SIZE:])


@staged
def is_zero(x: Sequence[Limb]) -> Limb:
    return FIELD.is_zero(x)


@staged
def zero_words(like: Limb) -> list[Limb]:
    """Like a packed point."""
    return [like.constant(0)] * POINT_WORDS


@staged
def table_place(lane: Limb, first: Limb) -> Limb:
    """The word at which the table of a lane begins."""
    return first + lane * (KEY_ENTRIES * ENTRY_WORDS)


@staged
def one_where(mask: Limb, x: Sequence[Limb]) -> list[Limb]:
    """1 where the mask is, else x."""
    return select(mask, FIELD.constant(mask, 1), x)


@staged
def either(x: Limb, y: Limb) -> Limb:
    return x | y


@staged
def minus(x: Sequence[Limb], y: Sequence[Limb]) -> list[Limb]:
    return PAIR.settle([a + b for a, b in zip(x, PAIR.negative(y), strict=True)])


@staged
def twice(x: Sequence[Limb]) -> list[Limb]:
    return PAIR.settle([limb + limb for limb in x])


@staged
def three_squares(x: Sequence[Limb]) -> list[Limb]:
    return PAIR.reduce_times(PAIR.square(x), 3)


@staged
def third_point(
    x1: Sequence[Limb], y1: Sequence[Limb], x2: Sequence[Limb], numerator: Sequence[Limb], inverse: Sequence[Limb]
) -> list[Limb]:
    x, y = curve.affine_sum(PAIR, (x1, y1), x2, numerator, inverse)
    return x + y


@staged
def entry(x: Sequence[Limb], y: Sequence[Limb]) -> list[Limb]:
    """An affine point and LAMBDA times it, packed."""
    beta_x = FIELD.multiply(x, FIELD.constant(x[0], curve.BETA))
    x_words, y_words, beta_words = (FIELD.words(FIELD.canonical(number)) for number in (x, y, beta_x))
    return [*x_words, *y_words, *beta_words, *y_words]


# The loops. `element` is a tuple like an element and `pair` like a pair of them, which say what kind of vectors.


@numba.njit
def put_digits(u1, u2, memory, record, half):  # type: ignore[no-untyped-def]
    """Step 0, for whoever uses this: both multipliers of a half."""
    first = record + DIGITS + half * HALF_DIGITS
    store(u2_digits(u2), memory, first)
    store(u1_digits(u1), memory, first + U1)


@numba.njit
def put_key(x, y, memory, record, half):  # type: ignore[no-untyped-def]
    """Step 0: the affine key of a half, an element each."""
    store(x, memory, record + POINTS_AT + half * SIZE)
    store(y, memory, record + POINTS_AT + PAIR_SIZE + half * SIZE)


@numba.njit
def fill_tables(memory, groups, generator, pair, element):  # type: ignore[no-untyped-def]
    numbers = lane_numbers(element)
    for group in range(groups):
        record = RECORD * group
        ahead = RECORD * min(group + 1, groups - 1)
        for half in range(2):
            store((splat(element, 0),), memory, record + EXCEPTIONAL + half)
            for window in range(generator_table.WINDOWS):
                row = DIGITS + half * HALF_DIGITS + U1 + window
                (digit,) = load(element[:1], memory, ahead + row)
                prefetch(generator, generator_place(digit, splat(element, window)))
                x, y = generator_point(memory, record, half, window, generator, element)
                place = record + POINTS_AT + POINT * (WINDOWS + window) + half * SIZE
                store(x, memory, place)
                store(y, memory, place + PAIR_SIZE)
    for level in range(LEVELS):
        _level(memory, groups, level, pair, element)
    for group in range(groups):
        record = RECORD * group
        for half in range(2):
            first = (record + TABLE + half * HALF_TABLE) * memory.shape[1]
            table = table_place(numbers, splat(element, first))
            store((table,), memory, record + PLACES + half)
            for number in range(KEY_ENTRIES):
                place = record + POINTS_AT + POINT * number + half * SIZE
                packed = entry(load(element, memory, place), load(element, memory, place + PAIR_SIZE))
                scatter(packed, memory, entry_place(table, splat(element, number), splat(element, 0)))


@numba.njit
def generator_point(memory, record, half, window, generator, element):  # type: ignore[no-untyped-def]
    (digit,) = load(element[:1], memory, record + DIGITS + half * HALF_DIGITS + U1 + window)
    words = gather(zero_words(element[0]), generator, generator_place(digit, splat(element, window)))
    return signed_point(words, digit, splat(element, 0))


@numba.njit
def _level(memory, groups, level, pair, element):  # type: ignore[no-untyped-def]
    """One affine step each, with an inversion for all of them (Montgomery's trick)."""
    first, last = LEVEL_ENDS[level], LEVEL_ENDS[level + 1]
    product = pair_of(splat(element, 1))
    for group in range(groups):
        record = RECORD * group
        for step in range(first, last):
            a, b = POINTS_AT + POINT * STEPS[step, 1], POINTS_AT + POINT * STEPS[step, 2]
            if a == b:
                difference = twice(load(pair, memory, record + a + PAIR_SIZE))
            else:
                difference = minus(load(pair, memory, record + b), load(pair, memory, record + a))
            store(difference, memory, record + DIFFERENCES + PAIR_SIZE * (step - first))
            store(product, memory, record + PRODUCTS + PAIR_SIZE * (step - first))
            product = multiply_pair(product, difference)
    zero, zero_too = zero_halves(product)
    if bits(either(zero, zero_too)):
        product = _without_zeros(memory, groups, last - first, pair, element)
    inverse = inverse_pair(product)
    for group in range(groups - 1, -1, -1):
        record = RECORD * group
        for step in range(last - 1, first - 1, -1):
            a, b = POINTS_AT + POINT * STEPS[step, 1], POINTS_AT + POINT * STEPS[step, 2]
            before = load(pair, memory, record + PRODUCTS + PAIR_SIZE * (step - first))
            reciprocal = multiply_pair(inverse, before)
            difference = load(pair, memory, record + DIFFERENCES + PAIR_SIZE * (step - first))
            inverse = multiply_pair(inverse, difference)
            x, y = load(pair, memory, record + a), load(pair, memory, record + a + PAIR_SIZE)
            y2 = load(pair, memory, record + b + PAIR_SIZE)
            numerator = three_squares(x) if a == b else minus(y2, y)
            point = third_point(x, y, load(pair, memory, record + b), numerator, reciprocal)
            store(point, memory, record + POINTS_AT + POINT * STEPS[step, 0])


@numba.njit
def _without_zeros(memory, groups, steps, pair, element):  # type: ignore[no-untyped-def]
    """Replaces differences of 0 by 1 and notes whose they are. Returns the new product of all."""
    product = pair_of(splat(element, 1))
    for group in range(groups):
        record = RECORD * group
        for step in range(steps):
            place = record + DIFFERENCES + PAIR_SIZE * step
            for half in range(2):
                x = load(element, memory, place + half * SIZE)
                zero = is_zero(x)
                store(one_where(zero, x), memory, place + half * SIZE)
                (before,) = load(element[:1], memory, record + EXCEPTIONAL + half)
                store((either(zero, before),), memory, record + EXCEPTIONAL + half)
            store(product, memory, record + PRODUCTS + PAIR_SIZE * step)
            product = multiply_pair(product, load(pair, memory, place))
    return product
