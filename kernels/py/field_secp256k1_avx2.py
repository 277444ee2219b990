"""The field of secp256k1 in limbs of 26 bits, for processors that multiply 32 by 32 bits in each lane.

p = 2^256 - 2^32 - 977. An element is ten limbs, of which the i-th counts 2^(26·i). Bounds, proved by a test:

    element    limbs up to 2^26 + 2^17, the last up to 2^22 + 2^6; the number is below 2p
    loose      limbs up to 2^31, the last up to 2^28
    columns    19, up to 2^62, the last up to 2^50; those that `difference` takes away up to 2^60, the last to 2^48

The columns of a product of elements are below 2^55.4, so that many of them add up before one reduction.
"""

from __future__ import annotations

from functools import cache
from itertools import zip_longest

from .field import Field, Limbs, add, times
from .limb import Limb, product32, routine

LIMBS = 10
COLUMNS = 2 * LIMBS - 1
BITS = 26
MASK = (1 << BITS) - 1
TOP_BITS = 256 - 9 * BITS
TOP_MASK = (1 << TOP_BITS) - 1

FOLD = 977
"""2^256 is 2^32 + 977 modulo p: where this is multiplied, 2^32 becomes a shift to the next limb."""

FOLD_SHIFT = 32 - BITS

TAKEN = (*[1 << 60] * (COLUMNS - 1), 1 << 48)
"""What `difference` takes away has no larger columns."""


class Secp256k1Narrow(Field):
    """Numbers modulo p in ten limbs of 26 bits."""

    modulus = 2**256 - 2**32 - 977
    positions = tuple(range(0, 256, BITS))

    # Long texts, which stand in many places of a group law: as machine code they are there once, and stay cached.

    @routine
    def multiply(self, x: Limbs, y: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return super().multiply(x, y, start, factor)

    @routine
    def squared(self, x: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return super().squared(x, start, factor)

    @routine
    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        return [_column(k, start, [product32(x[i], y[k - i]) for i in _rows(k)]) for k in range(COLUMNS)]

    @routine
    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        twice = add(x, x)
        return [
            _column(
                k, start, [product32((x if 2 * i == k else twice)[i], x[k - i]) for i in _rows(k) if 2 * i <= k]
            )
            for k in range(COLUMNS)
        ]

    def reduce(self, columns: Limbs) -> list[Limb]:
        return self.reduce_times(columns, 1)

    @routine
    def reduce_times(self, columns: Limbs, factor: int) -> list[Limb]:
        c = [*columns, columns[0].lift(0)]
        # The upper half is carried until the multiplier takes it, in two chains side by side, which wait less.
        for k in (10, 15, 11, 16, 12, 17, 13, 18, 14, 15):
            _carry(c, k)
        # 2^260 = 2^36 + 16·977. Of the highest column a rest stays above column 9.
        for k in range(LIMBS):
            c[k] = c[k] + product32(c[k + LIMBS], 16 * FOLD)
        for k in range(1, LIMBS):
            c[k] = c[k] + (c[k + LIMBS - 1] << (FOLD_SHIFT + 4))
        # Half as many columns are left to be multiplied.
        c = [*times(c[:LIMBS], factor), *c[LIMBS:-1], *times(c[-1:], factor)]
        for k in range(5, 9):
            _carry(c, k)
        over = (c[9] >> TOP_BITS) + (c[19] << (FOLD_SHIFT + 4 + BITS - TOP_BITS))
        c[9] = c[9] & TOP_MASK
        low, high = over & MASK, over >> BITS
        c[0] = c[0] + product32(low, FOLD)
        c[1] = c[1] + product32(high, FOLD) + (low << FOLD_SHIFT)
        c[2] = c[2] + (high << FOLD_SHIFT)
        for k in range(6):
            _carry(c, k)
        return c[:LIMBS]

    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        return [a + bias - b for a, bias, b in zip(columns, _bias(), others, strict=True)]

    def negative(self, x: Limbs) -> list[Limb]:
        return [2 * digit - limb for digit, limb in zip(self.digits(self.modulus), x, strict=True)]

    def settle(self, x: Limbs) -> list[Limb]:
        # Every limb gives its carry to the next one at once, and what the carries add stays.
        over = x[9] >> TOP_BITS
        carries = [product32(over, FOLD), (x[0] >> BITS) + (over << FOLD_SHIFT)] + [
            limb >> BITS for limb in x[1:9]
        ]
        return add([limb & MASK for limb in x[:9]] + [x[9] & TOP_MASK], carries)

    def canonical(self, x: Limbs) -> list[Limb]:
        # The number is p or more exactly if adding 2^32 + 977 takes it to 2^256; that sum less 2^256 is the rest.
        carry = x[0] + FOLD
        for k in range(1, LIMBS):
            carry = x[k] + (carry >> BITS) + (1 << FOLD_SHIFT if k == 1 else 0)
        above = carry >> TOP_BITS
        c = [x[0] + product32(above, FOLD), x[1] + (above << FOLD_SHIFT), *x[2:]]
        for k in range(9):
            _carry(c, k)
        return [*c[:9], c[9] & TOP_MASK]


def _rows(k: int) -> range:
    """Which limbs of a factor take part in column k."""
    return range(max(0, k - LIMBS + 1), min(k, LIMBS - 1) + 1)


def _column(k: int, start: Limbs | None, products: Limbs) -> Limb:
    return sum(products, start[k] if start is not None and k < len(start) else 0)  # type: ignore[return-value]


def _carry(c: list[Limb], k: int) -> None:
    """Leaves 26 bits in column k and adds the rest to the next."""
    c[k + 1] = c[k + 1] + (c[k] >> BITS)
    c[k] = c[k] & MASK


@cache
def _bias() -> list[int]:
    """A multiple of p in columns that are not below `TAKEN`."""
    field = Secp256k1Narrow()
    rest = -sum(column << BITS * k for k, column in enumerate(TAKEN)) % field.modulus
    return [column + digit for column, digit in zip_longest(TAKEN, field.digits(rest), fillvalue=0)]
