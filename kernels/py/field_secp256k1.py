"""Numbers modulo the prime of secp256k1, in 5 limbs of radix 2^52, for the multipliers of AVX-512 IFMA.

2^256 = 2^32 + 977 modulo the prime, so what a product has above is folded by multiplication with that.

Bounds, which a test proves for all that the group laws do: limbs 0 to 3 of an element are below 2^52. Limb 4 of
what `reduce` returns is below 2^48 + 2^10, and of what `settle` returns below 2^51. No column exceeds 2^60.
"""

from __future__ import annotations

from .field import Field, Limbs, times
from .limb import MULTIPLIER_MASK, Limb, high, low, routine

P = 2**256 - 2**32 - 977
"""SEC 2, section 2.4.1."""

RADIX = 52
SIZE = 5
TOP_BITS = 256 - RADIX * (SIZE - 1)
TOP_MASK = (1 << TOP_BITS) - 1
FOLD_256 = 2**256 - P
FOLD_260 = FOLD_256 << (RADIX * SIZE - 256)


class FieldIFMA(Field):
    modulus = P
    positions = tuple(range(0, RADIX * SIZE, RADIX))

    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        columns = self._columns(x, start)
        for i, a in enumerate(x):
            for j, b in enumerate(y):
                _accumulate(columns, i + j, a, b)
        return columns

    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        columns = self._columns(x, None)
        for i, a in enumerate(x):
            for j in range(i + 1, SIZE):
                _accumulate(columns, i + j, a, x[j])
        inner = slice(1, 2 * SIZE - 1)  # no product of two different limbs reaches the first and the last
        columns[inner] = [column + column for column in columns[inner]]
        if start is not None:
            columns[:SIZE] = [column + limb for column, limb in zip(columns[:SIZE], start, strict=True)]
        for i, a in enumerate(x):
            _accumulate(columns, 2 * i, a, a)
        return columns

    def _columns(self, like: Limbs, start: Limbs | None) -> list[Limb]:
        columns = list(start or [])
        return columns + [like[0].lift(0)] * (2 * SIZE - len(columns))

    def reduce(self, columns: Limbs) -> list[Limb]:
        return self.reduce_times(columns, 1)

    def reduce_times(self, columns: Limbs, factor: int) -> list[Limb]:
        upper = list(columns[SIZE:])
        for i in range(SIZE - 1):
            upper[i + 1] = upper[i + 1] + (upper[i] >> RADIX)
            upper[i] = upper[i] & MULTIPLIER_MASK
        total = [*times(columns[:SIZE], factor), columns[0].lift(0)]
        for i, limb in enumerate(upper):
            _accumulate(total, i, limb, FOLD_260 * factor)
        over = (total[SIZE - 1] >> TOP_BITS) + (total[SIZE] << (RADIX - TOP_BITS))
        total[SIZE - 1] = total[SIZE - 1] & TOP_MASK
        _accumulate(total, 0, over, FOLD_256)
        return self.settle(total[:SIZE])

    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        return [a + (b - c) for a, b, c in zip(columns, _COLUMN_BIAS, others, strict=True)]

    def negative(self, x: Limbs) -> list[Limb]:
        return [4 * digit - limb for digit, limb in zip(_DIGITS, x, strict=True)]

    def opposite(self, x: Limbs) -> list[Limb]:
        return [2 * digit - limb for digit, limb in zip(_DIGITS, x, strict=True)]

    def settle(self, x: Limbs) -> list[Limb]:
        x = list(x)
        for i in range(SIZE - 1):
            x[i + 1] = x[i + 1] + (x[i] >> RADIX)
            x[i] = x[i] & MULTIPLIER_MASK
        return x

    def tight(self, x: Limbs) -> list[Limb]:
        """An element below 2^256."""
        # Twice: what the first fold leaves can be 2^256 and a little, and what the second leaves cannot.
        for _ in range(2):
            over = x[SIZE - 1] >> TOP_BITS
            x = self.settle([low(x[0], over, FOLD_256), *x[1 : SIZE - 1], x[SIZE - 1] & TOP_MASK])
        return list(x)

    def canonical(self, x: Limbs) -> list[Limb]:
        x = self.tight(x)
        carry = x[0] + FOLD_256
        for i in range(1, SIZE):
            carry = x[i] + (carry >> RADIX)
        above = carry >> TOP_BITS  # 1 where x + 2^256 - P reaches 2^256, so that P has to be taken off
        x = self.settle([x[0] + (0 - above & FOLD_256), *x[1:]])
        return [*x[: SIZE - 1], x[SIZE - 1] & TOP_MASK]


class CalledIFMA(FieldIFMA):
    """The same, with calls instead of copies of the long texts: slower, and compiled several times faster."""

    @routine
    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        return super().product(x, y, start)

    @routine
    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        return super().square(x, start)

    @routine
    def reduce_times(self, columns: Limbs, factor: int) -> list[Limb]:
        return super().reduce_times(columns, factor)


_DIGITS = FieldIFMA().digits(P)


def _column_bias() -> list[int]:
    """A multiple of P in digits that are above all columns: powers of two, less what they leave modulo P."""
    powers = [1 << 60] * (2 * SIZE - 1) + [1 << 51]
    remainder = sum(power << (RADIX * i) for i, power in enumerate(powers)) % P
    return [power - (remainder >> (RADIX * i) & MULTIPLIER_MASK) for i, power in enumerate(powers)]


_COLUMN_BIAS = _column_bias()


def _accumulate(columns: list[Limb], place: int, x: Limb | int, y: Limb | int) -> None:
    columns[place] = low(columns[place], x, y)
    columns[place + 1] = high(columns[place + 1], x, y)
