"""Multiples of Ed25519's base point, ready to be added, for the signed digits of a scalar."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from .curve_25519 import ROOT_OF_MINUS_1, D
from .field import Field
from .field_25519 import P
from .lanes import scratch
from .power_25519 import SIZE

WIDTH = 13
ENTRIES = (1 << (WIDTH - 1)) + 1
HALF_DIGITS = 10
"""How many digits of a scalar the first half of the table is for, and then the second for as many above."""
ENTRY_LIMBS = -(-3 * SIZE // 8) * 8
"""Words from one multiple to the next, of which three elements are used."""


def _base_point() -> tuple[int, int]:
    """The point with y = 4/5 and an even x (RFC 8032, section 5.1)."""
    y = 4 * pow(5, -1, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    return x if x % 2 == 0 else P - x, y


BASE_POINT = _base_point()


@cache
def multiples(field: Field, lanes: int) -> npt.NDArray[np.uint64]:
    """0 to 4096 times the base point, and as often 2^130 times it: y - x, y + x and 2dxy of each, limb by limb.

    Shape (rows, lanes).
    """
    table = scratch(2 * ENTRIES * ENTRY_LIMBS // lanes, lanes)
    entries = table.reshape(2 * ENTRIES, ENTRY_LIMBS)
    high_point = BASE_POINT
    for _ in range(WIDTH * HALF_DIGITS):
        high_point = _affine_multiples(high_point, 3)[2]
    points = _affine_multiples(BASE_POINT, ENTRIES) + _affine_multiples(high_point, ENTRIES)
    for entry, (x, y) in zip(entries, points, strict=True):
        numbers = (y - x) % P, (y + x) % P, 2 * D * x * y % P
        entry[: 3 * field.size] = [digit for number in numbers for digit in field.digits(number)]
    return table


def _affine_multiples(point: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """The first multiples of a point, from 0 times, with one inversion for all (Montgomery's trick)."""
    x, y = point
    X, Y, Z = 0, 1, 1
    points, products, product = [], [], 1
    for _ in range(count):
        points.append((X, Y, Z))
        products.append(product)
        product = product * Z % P
        # RFC 8032, section 5.1.4, with the T of the sum in its place: C = d·x·y·X·Y over Z, all times Z².
        A, C, E = Z * Z % P, X * x % P, Y * y % P
        slope = D * C * E % P
        F, G = A - slope, A + slope
        X, Y, Z = Z * F * ((X + Y) * (x + y) - C - E) % P, Z * G * (E + C) % P, F * G % P
    inverse = pow(product, -1, P)
    result = []
    for (X, Y, Z), product in zip(reversed(points), reversed(products), strict=True):
        result.append((X * inverse * product % P, Y * inverse * product % P))
        inverse = inverse * Z % P
    return result[::-1]
