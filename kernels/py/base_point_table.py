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
    """0 to 4096 times the base point: y - x, y + x and 2dxy of each, limb by limb. Shape (rows, lanes)."""
    table = scratch(ENTRIES * ENTRY_LIMBS // lanes, lanes)
    entries = table.reshape(ENTRIES, ENTRY_LIMBS)
    for entry, (x, y) in zip(entries, _affine_multiples(), strict=True):
        numbers = (y - x) % P, (y + x) % P, 2 * D * x * y % P
        entry[: 3 * field.size] = [digit for number in numbers for digit in field.digits(number)]
    return table


def _affine_multiples() -> list[tuple[int, int]]:
    """0 to 4096 times the base point, with one inversion for all (Montgomery's trick)."""
    x, y = BASE_POINT
    X, Y, Z = 0, 1, 1
    points, products, product = [], [], 1
    for _ in range(ENTRIES):
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
