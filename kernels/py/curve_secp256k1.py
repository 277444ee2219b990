"""The curve secp256k1, y² = x³ + 7, and its group law as text over any field (SEC 2, section 2.4.1).

Two ways to add:

- `doubled` and `sum_with`, in Jacobian coordinates (x = X/Z², y = Y/Z³), are the fastest known. They go wrong
  where the points are equal, opposite or infinity, and leave Z = 0 for good: one look at the end tells;
- `complete_double` and `complete_sum`, in homogeneous coordinates (x = X/Z, y = Y/Z), are right for all points.

The fast ones return the *negative* of what their name says, which spares negating a product.
"""

from __future__ import annotations

from collections.abc import Sequence

from .field import Field, Limbs, add, times
from .field_secp256k1 import P
from .limb import Limb

B = 7
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""How many points there are; a prime."""

G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

BETA = pow(2, (P - 1) // 3, P)
"""A cube root of 1: (BETA·x, y) is LAMBDA times the point (x, y), for `scalar_secp256k1.LAMBDA`."""

Point = Sequence[Limbs]


def curve(field: Field, x: Limbs) -> list[Limb]:
    """x³ + 7."""
    return field.multiply(field.squared(x), x, field.constant(x[0], B))


def doubled(field: Field, point: Point) -> list[list[Limb]]:
    """-2·point: for E = 3X², S = Y² and D = 4XS, the point (E² - 2D, E(X₃ - D) + 8S², 2YZ)."""
    x, y, z = point
    s = field.squared(y)
    e = field.squared(x, None, 3)
    minus_d = field.negative(field.multiply(x, s, None, 4))
    z3 = field.multiply(y, z, None, 2)
    x3 = field.squared(e, add(minus_d, minus_d))
    y3 = field.reduce(field.product(e, field.settle(add(x3, minus_d)), times(field.square(s), 8)))
    return [x3, y3, z3]


def sum_with(field: Field, point: Point, x2: Limbs, y2: Limbs) -> list[list[Limb]]:
    """-(point + (x2, y2)): for H = x2·Z² - X and R = y2·Z³ - Y, (R² - H³ - 2XH², R(X₃ - XH²) + YH³, ZH)."""
    x, y, z = point
    zz = field.squared(z)
    h = field.multiply(x2, zz, field.negative(x))
    r = field.multiply(y2, field.multiply(z, zz), field.negative(y))
    hh = field.squared(h)
    z3 = field.multiply(z, h)
    hhh = field.multiply(h, hh)
    minus_v = field.negative(field.multiply(x, hh))
    x3 = field.squared(r, add(field.negative(hhh), add(minus_v, minus_v)))
    y3 = field.reduce(field.product(r, field.settle(add(x3, minus_v)), field.product(y, hhh)))
    return [x3, y3, z3]


def affine_sum(field: Field, first: Point, x2: Limbs, numerator: Limbs, inverse: Limbs) -> list[list[Limb]]:
    """The sum of two points, as x and y, where numerator·inverse is the slope of the line through them."""
    slope = field.multiply(numerator, inverse)
    x3 = field.squared(slope, add(field.negative(first[0]), field.negative(x2)))
    run = field.settle(add(first[0], field.negative(x3)))
    return [x3, field.multiply(slope, run, field.negative(first[1]))]


def complete_sum(field: Field, point: Point, x2: Limbs, y2: Limbs) -> list[list[Limb]]:
    """point + (x2, y2) for all points, infinity included (Renes, Costello, Batina 2016, algorithm 8)."""
    x, y, z = point
    xx = field.multiply(x, x2)
    yy = field.multiply(y, y2)
    xy = field.reduce(add(field.product(x, y2), field.product(y, x2)))
    yz = field.multiply(y2, z, y)
    xz = field.multiply(x2, z, x)
    z21 = times_21(field, z)
    return _complete(field, [xx, yy, xy, yz, xz], z21)


def times_21(field: Field, x: Limbs) -> list[Limb]:
    """3B·x."""
    return field.multiply(x, field.constant(x[0], 3 * B))


def _complete(field: Field, products: Point, z21: Limbs) -> list[list[Limb]]:
    """The end of algorithms 7 and 8, from the products of one point's coordinates with the other's."""
    xx, yy, xy, yz, xz = products
    plus = field.settle(add(yy, z21))
    minus = field.settle(add(yy, field.negative(z21)))
    xx3 = field.settle(times(xx, 3))
    xz21 = times_21(field, xz)
    minus_xz21 = field.settle(field.negative(xz21))
    x3 = field.reduce(add(field.product(xy, minus), field.product(yz, minus_xz21)))
    y3 = field.reduce(add(field.product(plus, minus), field.product(xx3, xz21)))
    z3 = field.reduce(add(field.product(yz, plus), field.product(xx3, xy)))
    return [x3, y3, z3]


def complete_double(field: Field, point: Point) -> list[list[Limb]]:
    """2·point for all points (algorithm 9)."""
    x, y, z = point
    yy = field.squared(y)
    zz21 = times_21(field, field.squared(z))
    yy8 = field.settle(times(yy, 8))
    plus = field.settle(add(yy, zz21))
    minus = field.settle(add(yy, field.negative(field.settle(times(zz21, 3)))))
    xy2 = field.multiply(x, y, None, 2)
    x3 = field.multiply(xy2, minus)
    y3 = field.reduce(add(field.product(plus, minus), field.product(yy8, zz21)))
    z3 = field.multiply(yy8, field.multiply(y, z))
    return [x3, y3, z3]


def jacobian(field: Field, point: Point) -> list[list[Limb]]:
    """Homogeneous coordinates as Jacobian ones."""
    x, y, z = point
    return [field.multiply(x, z), field.multiply(y, field.squared(z)), list(z)]
