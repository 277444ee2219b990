"""The field of Curve25519 in limbs of 26 and 25 bits, for processors that multiply 32 by 32 bits in each lane.

p = 2^255 - 19. An element is ten limbs, of which the i-th counts 2^⌈25.5·i⌉ (D. J. Bernstein, "Curve25519: new
Diffie-Hellman speed records", section 4). Bounds, proved by a test:

    element    even limbs up to 2^26 + 2^13, odd ones up to 2^25 + 2^16; the number is below 2p
    loose      limbs up to 2^31
    columns    10, up to 2^62; those that `difference` takes away up to 2^60

The columns of a product of elements are below 2^59.1.
"""

from __future__ import annotations

from functools import cache

from .field import Field, Limbs, add, times
from .limb import Limb, product32, routine

LIMBS = 10
POSITIONS = tuple((51 * i + 1) // 2 for i in range(LIMBS))
WIDTHS = tuple(26 - i % 2 for i in range(LIMBS))

FOLD = 19
"""2^255 modulo p."""

TAKEN = 1 << 60
"""What `difference` takes away has no larger columns."""


class Curve25519Narrow(Field):
    """Numbers modulo p in ten limbs of 26 and 25 bits."""

    modulus = 2**255 - FOLD
    positions = POSITIONS

    # Long texts, which stand in many places of a group law: as machine code they are there once, and stay cached.

    @routine
    def multiply(self, x: Limbs, y: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return super().multiply(x, y, start, factor)

    @routine
    def squared(self, x: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return super().squared(x, start, factor)

    @routine
    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        twice = add(x, x)
        folded = [product32(limb, FOLD) for limb in y]
        columns = [[*(() if start is None else (start[k],))] for k in range(LIMBS)]
        for i in range(LIMBS):
            for j in range(LIMBS):
                # Two odd limbs meet half a bit above a column's position.
                left = (twice if i & j & 1 else x)[i]
                columns[(i + j) % LIMBS].append(product32(left, (y if i + j < LIMBS else folded)[j]))
        return [_total(column) for column in columns]

    @routine
    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        multiples = [list(x), add(x, x), times(x, 4)]
        folded = [product32(limb, FOLD) for limb in x]
        columns = [[*(() if start is None else (start[k],))] for k in range(LIMBS)]
        for i in range(LIMBS):
            for j in range(i, LIMBS):
                left = multiples[(i & j & 1) + (i != j)][i]
                columns[(i + j) % LIMBS].append(product32(left, (x if i + j < LIMBS else folded)[j]))
        return [_total(column) for column in columns]

    def reduce(self, columns: Limbs) -> list[Limb]:
        c = list(columns)
        # Two chains side by side wait less than one.
        for k in (0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 0):
            _carry(c, k)
        return c

    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        return [a + bias - b for a, bias, b in zip(columns, _bias(), others, strict=True)]

    def negative(self, x: Limbs) -> list[Limb]:
        return [2 * digit - limb for digit, limb in zip(self.digits(self.modulus), x, strict=True)]

    def settle(self, x: Limbs) -> list[Limb]:
        # Every limb gives its carry to the next one at once, and what the carries add stays.
        carries = [limb >> width for limb, width in zip(x, WIDTHS, strict=True)]
        carries = [product32(carries[-1], FOLD), *carries[:-1]]
        return add([limb & (1 << width) - 1 for limb, width in zip(x, WIDTHS, strict=True)], carries)

    def canonical(self, x: Limbs) -> list[Limb]:
        # The number is p or more exactly if adding 19 takes it to 2^255, and the sum less 2^255 is the rest.
        above = (x[0] + FOLD) >> WIDTHS[0]
        for limb, width in zip(x[1:], WIDTHS[1:], strict=True):
            above = (limb + above) >> width
        c = [x[0] + product32(above, FOLD), *x[1:]]
        for k in range(LIMBS - 1):
            _carry(c, k)
        return [*c[:-1], c[-1] & (1 << WIDTHS[-1]) - 1]


def _total(terms: Limbs) -> Limb:
    return sum(terms[1:], terms[0])


def _carry(c: list[Limb], k: int) -> None:
    """Leaves as many bits in column k as a limb has there, and adds the rest to the next one, or folds it."""
    over = c[k] >> WIDTHS[k]
    c[k] = c[k] & (1 << WIDTHS[k]) - 1
    if k < LIMBS - 1:
        c[k + 1] = c[k + 1] + over
    else:
        c[0] = c[0] + times([over], FOLD)[0]


@cache
def _bias() -> list[int]:
    """A multiple of p in columns that are not below `TAKEN`."""
    field = Curve25519Narrow()
    rest = -sum(TAKEN << at for at in POSITIONS) % field.modulus
    return [TAKEN + digit for digit in field.digits(rest)]
