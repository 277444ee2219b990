"""The two fields in ten limbs, for processors without the 52-bit multiplier: proved, and right in numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numba import types

from quorate.kernels.py import curve_secp256k1, field_25519_avx2, field_secp256k1_avx2, lanes
from quorate.kernels.py.cache import compiled
from quorate.kernels.py.curve_25519 import Edwards25519
from quorate.kernels.py.field import Field, add, times
from quorate.kernels.py.field_25519_avx2 import Curve25519Narrow
from quorate.kernels.py.field_secp256k1_avx2 import Secp256k1Narrow
from quorate.kernels.py.limb import Interval, Limb, LimbOverflowError, Number


@dataclass(frozen=True)
class Bounds:
    """The most that limbs and columns can be, as the field's file states it."""

    field: Field
    element: list[int]
    loose: list[int]
    columns: list[int]
    taken: list[int]


SECP256K1 = Bounds(
    Secp256k1Narrow(),
    [2**26 + 2**17] * 9 + [2**22 + 2**6],
    [2**31] * 9 + [2**28],
    [2**62] * 18 + [2**50],
    [2**60] * 18 + [2**48],
)
CURVE25519 = Bounds(
    Curve25519Narrow(),
    [2**26 + 2**13, 2**25 + 2**16] * 5,
    [2**31] * 10,
    [2**62] * 10,
    [2**60] * 10,
)
both = pytest.mark.parametrize("bounds", [SECP256K1, CURVE25519], ids=["secp256k1", "25519"])


def intervals(most: Sequence[int]) -> list[Interval]:
    return [Interval(0, bound) for bound in most]


def within(limbs: Sequence[Limb], most: Sequence[int]) -> bool:
    values = [limb for limb in limbs if isinstance(limb, Interval)]
    return len(values) == len(most) and all(
        limb.least >= 0 and limb.most <= bound for limb, bound in zip(values, most, strict=True)
    )


# Proofs: what goes in is as wide as it may be.


@both
def test_what_reduces_or_settles_is_an_element(bounds: Bounds) -> None:
    field = bounds.field
    assert within(field.reduce(intervals(bounds.columns)), bounds.element)
    assert within(field.reduce_times(intervals([column >> 3 for column in bounds.columns]), 8), bounds.element)
    assert within(field.settle(intervals(bounds.loose)), bounds.element)
    assert within([Interval(digit, digit) for digit in field.digits(field.modulus - 1)], bounds.element)


@both
def test_columns_take_sums_of_products(bounds: Bounds) -> None:
    field = bounds.field
    x = intervals(bounds.element)
    product = field.product(x, x, intervals(bounds.loose))
    assert within(times(product, 4), bounds.columns)
    assert within(field.square(x, intervals(bounds.loose)), [limb.most for limb in product])  # type: ignore[attr-defined]
    assert within(product, bounds.taken)
    assert within(field.difference(times(product, 2), intervals(bounds.taken)), bounds.columns)


@both
def test_negatives_and_their_sums_are_loose(bounds: Bounds) -> None:
    x = intervals(bounds.element)
    assert within(times(add(x, bounds.field.negative(x)), 8), bounds.loose)


@both
def test_canonical_digits_have_their_widths(bounds: Bounds) -> None:
    field = bounds.field
    assert sum(limb << at for limb, at in zip(bounds.element, field.positions, strict=True)) < 2 * field.modulus
    most = field.digits((1 << field.modulus.bit_length()) - 1)
    assert within(field.canonical(intervals(bounds.element)), most)


@both
def test_the_bounds_are_needed(bounds: Bounds) -> None:
    field = bounds.field
    with pytest.raises(LimbOverflowError):
        field.product(intervals([64 * limb for limb in bounds.element]), intervals(bounds.element))
    with pytest.raises(LimbOverflowError):
        field.reduce(intervals([8 * column for column in bounds.columns]))


@pytest.mark.parametrize(
    "text", [curve_secp256k1.doubled, curve_secp256k1.complete_double, curve_secp256k1.jacobian]
)
def test_doubling_on_secp256k1_stays_within_bounds(text: Callable[..., list[list[Limb]]]) -> None:
    x = intervals(SECP256K1.element)
    assert all(within(element, SECP256K1.element) for element in text(SECP256K1.field, (x, x, x)))


@pytest.mark.parametrize(
    "text", [curve_secp256k1.sum_with, curve_secp256k1.complete_sum, curve_secp256k1.affine_sum]
)
def test_addition_on_secp256k1_stays_within_bounds(text: Callable[..., list[list[Limb]]]) -> None:
    x = intervals(SECP256K1.element)
    others = [x, x, x] if text is curve_secp256k1.affine_sum else [x, x]
    assert all(within(element, SECP256K1.element) for element in text(SECP256K1.field, (x, x, x), *others))


def test_the_group_law_of_ed25519_stays_within_bounds() -> None:
    curve, x, mask = Edwards25519(CURVE25519.field), intervals(CURVE25519.element), Interval(-1, 0)
    point = [x] * 5
    affine, projective = [x] * 3, [x] * 4
    results = [
        *curve.double(point),
        *curve.add(point, affine, mask),
        *curve.add(point, projective, mask),
        *curve.addend(point),
        *curve.opposite(curve.addend(point)),
        curve.decode(x, x, Interval(0, 1))[0],
    ]
    assert all(within(element, CURVE25519.element) for element in results)


# Numbers: against plain integers, at the ends of the bounds too.


def value(field: Field, limbs: Sequence[Limb]) -> int:
    """What limbs or columns stand for."""
    digits = [limb.value for limb in limbs if isinstance(limb, Number)]
    steps = [at + round for round in (0, 26 * field.size) for at in field.positions]
    return sum(digit << at for digit, at in zip(digits, steps, strict=False)) % field.modulus


def samples(most: Sequence[int], seed: int, count: int = 60) -> list[list[Number]]:
    """Limbs up to their bounds: all least, all most, and mixtures with some of each."""
    rng = random.Random(seed)
    mixed = [[rng.choice([0, bound, bound, rng.randint(0, bound)]) for bound in most] for _ in range(count)]
    return [[Number(digit) for digit in digits] for digits in [[0] * len(most), [*most], *mixed]]


def check(bounds: Bounds) -> None:
    """The whole contract on samples; a wrong carry anywhere fails it."""
    field, p = bounds.field, bounds.field.modulus
    edges = [[Number(digit) for digit in field.digits(n % p)] for n in (0, 1, 2, p - 1, p - 2, p // 2)]
    edges.append([Number(digit) for digit in field.digits(p)])
    elements = samples(bounds.element, 1) + edges
    loose = samples(bounds.loose, 2, len(elements) - 2)
    for x, y, z in zip(elements, reversed(elements), loose, strict=True):
        a, b, c = value(field, x), value(field, y), value(field, z)
        product, square = field.product(x, y, z), field.square(x, z)
        assert value(field, product) == (a * b + c) % p
        assert value(field, square) == (a * a + c) % p
        assert value(field, field.multiply(x, y)) == a * b % p
        assert value(field, field.squared(x)) == a * a % p
        assert value(field, field.reduce(field.difference(product, square))) == (a * b - a * a) % p
        assert value(field, field.negative(x)) == -a % p
        assert value(field, field.settle(z)) == c
        assert [limb.value for limb in field.canonical(x) if isinstance(limb, Number)] == field.digits(a)
        assert field.is_zero(x) == Number(0 if a else -1 % 2**64)
    for columns in samples(bounds.columns, 3):
        assert value(field, field.reduce(columns)) == value(field, columns)
        small = [Number(column.value >> 2) for column in columns]
        assert value(field, field.reduce_times(small, 3)) == 3 * value(field, small) % p


@both
def test_arithmetic_is_that_of_plain_integers(bounds: Bounds) -> None:
    check(bounds)


@pytest.mark.parametrize(
    ("bounds", "name", "wrong"),
    [
        (SECP256K1, "FOLD", 976),
        (SECP256K1, "TOP_MASK", (1 << 21) - 1),
        (SECP256K1, "FOLD_SHIFT", 5),
        (CURVE25519, "FOLD", 18),
        (CURVE25519, "WIDTHS", (26, 25) * 4 + (26, 26)),
    ],
)
def test_a_wrong_carry_is_caught(bounds: Bounds, name: str, wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = field_secp256k1_avx2 if bounds is SECP256K1 else field_25519_avx2
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(AssertionError):
        check(bounds)


# Vectors: the processor's own multiplication does what the numbers say.


def power_text(field: Field) -> Callable[[Sequence[Limb], Sequence[Limb]], list[Limb]]:
    def power_text(x: Sequence[Limb], y: Sequence[Limb]) -> list[Limb]:
        return field.canonical(field.multiply(field.squared(x), y))

    return power_text


power_secp256k1 = lanes.staged(power_text(SECP256K1.field))
power_25519 = lanes.staged(power_text(CURVE25519.field))


@both
@pytest.mark.parametrize("width", [4, 8])
def test_vectors_compute_what_numbers_do(bounds: Bounds, width: int) -> None:
    power = power_secp256k1 if bounds is SECP256K1 else power_25519
    field = bounds.field
    memory = lanes.scratch(2 * field.size, width)
    for lane, (x, y) in enumerate(zip(samples(bounds.element, 4), samples(bounds.element, 5), strict=True)):
        if lane < width:
            memory[:, lane] = [limb.value for limb in x + y]
    expected = [power_text(field)(*_pair(memory[:, lane], field.size)) for lane in range(width)]

    def narrow_power(memory):  # type: ignore[no-untyped-def]
        like = lanes.zeros(10, width)
        lanes.store(power(lanes.load(like, memory, 0), lanes.load(like, memory, 10)), memory, 0)

    narrow_power.__name__ += type(field).__name__
    compiled(narrow_power, types.void(types.uint64[:, ::1]), width)(memory)  # type: ignore[no-untyped-call]
    for lane in range(width):
        assert [Number(int(digit)) for digit in memory[: field.size, lane]] == expected[lane]


def _pair(column: np.ndarray[tuple[int], np.dtype[np.uint64]], size: int) -> list[list[Limb]]:
    limbs: list[Limb] = [Number(int(digit)) for digit in column]
    return [limbs[:size], limbs[size:]]
