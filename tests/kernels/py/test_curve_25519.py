"""The group law of Ed25519: no limb overflows, and it is that of the curve's equation."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from quorate.kernels.py import base_point_table, power_25519
from quorate.kernels.py.base_point_table import BASE_POINT
from quorate.kernels.py.curve_25519 import ROOT_OF_MINUS_1, D, Edwards25519
from quorate.kernels.py.field_25519 import MOST, Field25519, P
from quorate.kernels.py.limb import Interval, Limb, LimbOverflowError, Number

FIELD = Field25519()
CURVE = Edwards25519(FIELD)

Affine = tuple[int, int]
NEUTRAL = (0, 1)
OF_ORDER_2 = (0, P - 1)
OF_ORDER_4 = (ROOT_OF_MINUS_1, 0)

ELEMENT = [Interval(0, MOST)] * FIELD.size
"""The widest that an element can be."""


def is_element(limbs: Sequence[Limb]) -> bool:
    return all(isinstance(limb, Interval) and limb.least >= 0 and limb.most <= MOST for limb in limbs)


def test_points_stay_within_bounds() -> None:
    """Whatever elements enter, elements come out: so nothing overflows, however long the computation."""
    point, mask = [ELEMENT] * 5, Interval(-1, 0)
    addend = CURVE.addend(point)
    affine = CURVE.affine_addend(ELEMENT, ELEMENT)
    results: list[Sequence[Sequence[Limb]]] = [CURVE.double(point), addend, affine, CURVE.opposite(addend)]
    results += [CURVE.neutral(mask), CURVE.affine(ELEMENT, ELEMENT)]
    results += [CURVE.add(point, addend, mask), CURVE.add(point, affine, mask)]
    assert all(is_element(element) for result in results for element in result)


def test_decoding_stays_within_bounds() -> None:
    odd = Interval(0, 1)
    y = FIELD.of_words([Interval(0, (1 << 64) - 1)] * 3 + [Interval(0, (1 << 63) - 1)])
    x, is_point, is_zero = CURVE.decode(ELEMENT, ELEMENT, odd)
    assert all(is_element(element) for element in (y, CURVE.radicand(ELEMENT), x))
    assert (is_point, is_zero) == (Interval(-1, 0), Interval(-1, 0))
    assert CURVE.is_neutral([ELEMENT] * 5) == Interval(-1, 0)


@pytest.mark.parametrize("text", [CURVE.double, CURVE.addend])
def test_wider_limbs_are_refused(text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LimbOverflowError):
        text([[Interval(0, 1 << 52)] * FIELD.size] * 5)


def plus(one: Affine, other: Affine) -> Affine:
    """RFC 8032, section 5.1.4, as the curve's equation has it."""
    (x1, y1), (x2, y2) = one, other
    t = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def negative(point: Affine) -> Affine:
    return -point[0] % P, point[1]


def some_points() -> list[Affine]:
    """The neutral point, points of small order, and points of the base point's group and beside it."""
    points, rng = [NEUTRAL, OF_ORDER_2, OF_ORDER_4, negative(OF_ORDER_4), BASE_POINT], random.Random(5)
    while len(points) < 12:
        points.append(plus(rng.choice(points[1:]), points[-1]))
    return [*points, negative(BASE_POINT)]


def element(number: int) -> list[Limb]:
    return FIELD.constant(Number(0), number)


def projective(point: Affine, z: int) -> list[list[Limb]]:
    """The point with this Z, and with E and H that are not just x and y."""
    x, y = point
    e = 7 * x * z % P
    return [element(x * z), element(y * z), element(z), element(e), element(pow(7, -1, P) * y)]


def number(limbs: Sequence[Limb]) -> int:
    return FIELD.number([limb.value for limb in limbs if isinstance(limb, Number)])


def affine(point: Sequence[Sequence[Limb]]) -> Affine:
    X, Y, Z, E, H = (number(part) for part in point)
    assert Z != 0
    assert E * H * Z % P == X * Y % P
    return X * pow(Z, -1, P) % P, Y * pow(Z, -1, P) % P


def test_doubling_and_addition_are_complete() -> None:
    points = some_points()
    for one in points:
        point = projective(one, 123456789)
        assert affine(CURVE.double(point)) == plus(one, one)
        for other in points:
            addends = [CURVE.addend(projective(other, 987654321)), CURVE.affine_addend(*map(element, other))]
            for addend in addends:
                assert affine(CURVE.add(point, addend, Number(0))) == plus(one, other)
                assert affine(CURVE.add(point, addend, Number((1 << 64) - 1))) == plus(one, negative(other))
                assert affine(CURVE.add(point, CURVE.opposite(addend), Number(0))) == plus(one, negative(other))


def test_what_is_neutral() -> None:
    for point in some_points():
        mask = CURVE.is_neutral(projective(point, 31))
        assert isinstance(mask, Number)
        assert (mask.value != 0) == (point == NEUTRAL)


@pytest.mark.parametrize("odd", [0, 1])
def test_decoding_finds_x(odd: int) -> None:
    rng = random.Random(8)
    seen = set()
    for y in [*(y for _, y in some_points()), *(rng.randrange(P) for _ in range(60))]:
        power = element(pow(number(CURVE.radicand(element(y))), (P - 5) // 8, P))
        x, is_point, is_zero = CURVE.decode(element(y), power, Number(odd))
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        exists = square == 0 or pow(square, (P - 1) // 2, P) == 1
        assert (is_point, is_zero) == (Number(-exists & (1 << 64) - 1), Number(-(square == 0) & (1 << 64) - 1))
        if exists:
            assert number(x) ** 2 % P == square
            assert square == 0 or number(x) % 2 == odd
        seen.add(exists)
    assert seen == {False, True}


def test_the_base_point_is_that_of_the_standard() -> None:
    assert BASE_POINT == (
        15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960,
    )


def test_the_table_of_the_base_point() -> None:
    """Both of its halves: multiples of B, and of 2^130 B."""
    field, entries = power_25519.FIELD, base_point_table.ENTRIES
    table = base_point_table.multiples(field, 8).reshape(2 * entries, base_point_table.ENTRY_LIMBS)
    high = BASE_POINT
    for _ in range(base_point_table.WIDTH * base_point_table.HALF_DIGITS):
        high = plus(high, high)
    for half, point in ((table[:entries], BASE_POINT), (table[entries:], high)):
        multiple = NEUTRAL
        for entry in half[:20]:
            x, y = multiple
            parts = entry[: 3 * field.size].reshape(3, field.size).tolist()
            assert [field.number(part) for part in parts] == [(y - x) % P, (y + x) % P, 2 * D * x * y % P]
            multiple = plus(multiple, point)
