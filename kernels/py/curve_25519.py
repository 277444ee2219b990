"""The group of Ed25519: the twisted Edwards curve -x² + y² = 1 + d x² y² over a field (RFC 8032, section 5.1).

The addition formulas (Hisil, Wong, Carter, Dawson 2008, "Twisted Edwards Curves Revisited", sections 3.1 and 3.3)
are complete here: -1 is a square and d is none, so they hold for equal, opposite and neutral points alike. No lane
is ever a special case. That holds for points of the curve only, so whatever decodes to none is replaced.

A *point* is (X, Y, Z, E, H): x = X/Z, y = Y/Z, and E·H = T = XY/Z. An addition needs T and a doubling does not, so
its product is formed where an addition follows. An *addend* is a point made ready to be added: y - x, y + x, 2dxy
and, unless Z is 1, 2Z, the first three being times Z too.
"""

from __future__ import annotations

from collections.abc import Sequence

from .field import Field, Limbs, add, any_bits, select, times
from .field_25519 import P
from .limb import Limb

D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)

Elements = Sequence[Limbs]


class Edwards25519:
    def __init__(self, field: Field) -> None:
        self.field = field

    def neutral(self, like: Limb) -> list[list[Limb]]:
        zero, one = self.field.constant(like, 0), self.field.constant(like, 1)
        return [zero, one, one, zero, one]

    def affine(self, x: Limbs, y: Limbs) -> list[Limbs]:
        """The point for its coordinates."""
        return [x, y, self.field.constant(x[0], 1), x, y]

    def double(self, point: Elements) -> list[list[Limb]]:
        field = self.field
        X, Y, Z, _, _ = point
        A, B, ZZ, S = field.square(X), field.square(Y), field.square(Z), field.square(self._sum(X, Y))
        H = add(A, B)
        E = field.difference(S, H)
        G, F = field.difference(B, A), field.difference(add(times(ZZ, 2), A), B)
        return self._point(E, F, G, H)

    def add(self, point: Elements, addend: Elements, negative: Limb) -> list[list[Limb]]:
        """point + addend, or point - addend in the lanes where the mask is all ones."""
        field = self.field
        X, Y, Z, E, H = point
        below, above, slope = addend[:3]
        below, above = select(negative, above, below), select(negative, below, above)
        slope = select(negative, field.negative(slope), slope)
        A = field.product(self._difference(Y, X), below)
        B = field.product(self._sum(Y, X), above)
        C = field.product(field.multiply(E, H), slope)
        ZZ = field.product(Z, addend[3]) if len(addend) == 4 else times(Z, 2)
        return self._point(field.difference(B, A), field.difference(ZZ, C), add(ZZ, C), add(A, B))

    def _point(self, E: Limbs, F: Limbs, G: Limbs, H: Limbs) -> list[list[Limb]]:
        """The point with x = E/G and y = H/F, given as columns."""
        field = self.field
        e, f, g, h = (field.reduce(columns) for columns in (E, F, G, H))
        return [field.multiply(e, f), field.multiply(g, h), field.multiply(f, g), e, h]

    def addend(self, point: Elements) -> list[list[Limb]]:
        X, Y, Z, E, H = point
        return [*self.affine_addend_of(X, Y, self.field.multiply(E, H)), self._sum(Z, Z)]

    def opposite(self, addend: Elements) -> list[Limbs]:
        """The addend for the negative of its point."""
        below, above, slope, *twice_z = addend
        return [above, below, self.field.settle(self.field.negative(slope)), *twice_z]

    def affine_addend(self, x: Limbs, y: Limbs) -> list[list[Limb]]:
        return self.affine_addend_of(x, y, self.field.multiply(x, y))

    def affine_addend_of(self, x: Limbs, y: Limbs, t: Limbs) -> list[list[Limb]]:
        twice_d = self.field.constant(x[0], 2 * D)
        return [self._difference(y, x), self._sum(y, x), self.field.multiply(t, twice_d)]

    def _sum(self, x: Limbs, y: Limbs) -> list[Limb]:
        return self.field.settle(add(x, y))

    def _difference(self, x: Limbs, y: Limbs) -> list[Limb]:
        return self.field.settle(add(x, self.field.negative(y)))

    # Decoding (RFC 8032, section 5.1.3): x² = u/v with u = y² - 1 and v = dy² + 1, so x = u v³ (u v⁷)^((p - 5)/8),
    # or that times the root of -1, or y belongs to no point. The power is the caller's, who takes two at a time.

    def radicand(self, y: Limbs) -> list[Limb]:
        """What has to be raised to (p - 5)/8 to decode y: u v⁷."""
        field = self.field
        u, v = self._fraction(y)
        v3 = field.multiply(field.squared(v), v)
        return field.multiply(field.multiply(field.squared(v3), v), u)

    def decode(self, y: Limbs, power: Limbs, odd: Limb) -> tuple[list[Limb], Limb, Limb]:
        """x for this y, odd where `odd` is 1 and even where it is 0 (as a number below p, unless x is 0).

        With it come masks: where y belongs to a point at all, and where x is 0.
        """
        field = self.field
        u, v = self._fraction(y)
        v3 = field.multiply(field.squared(v), v)
        x = field.multiply(field.multiply(u, v3), power)
        vxx = field.multiply(field.squared(x), v)
        straight, turned = field.is_zero(self._difference(vxx, u)), field.is_zero(self._sum(vxx, u))
        root = field.constant(y[0], ROOT_OF_MINUS_1)
        x = field.canonical(select(straight, x, field.multiply(x, root)))
        wrong = 0 - ((x[0] ^ odd) & 1)
        signed = select(wrong, field.settle(field.negative(x)), x)
        return signed, straight | turned, any_bits(x).is_zero()

    def _fraction(self, y: Limbs) -> tuple[list[Limb], list[Limb]]:
        field = self.field
        one, d = field.constant(y[0], 1), field.constant(y[0], D)
        yy = field.square(y)
        u = field.reduce(add(yy, field.constant(y[0], -1)))
        return u, field.reduce(field.product(field.reduce(yy), d, one))

    def is_neutral(self, point: Elements) -> Limb:
        X, Y, Z, _, _ = point
        return self.field.is_zero(X) & self.field.is_zero(self._difference(Y, Z))
