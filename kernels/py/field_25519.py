"""The field of Curve25519, integers mod 2^255 - 19 (RFC 8032, section 5.1), in 5 limbs of 51 bits for the 52-bit
multiplier.

Bounds, proved in `tests/kernels/py/test_field_25519.py`:

- limbs of an element are at most `MOST`, 2^51 + 2^18, and the sum of two of them no longer fits the multiplier;
- columns of a product of elements are below 2^59.1, and up to 2^62 of them may be taken away from others, which
  may be as large.
"""

from __future__ import annotations

from collections.abc import Sequence

from .field import Field, Limbs, add
from .limb import Limb, high, low

WIDTH = 51
SIZE = 5
MASK = (1 << WIDTH) - 1

MOST = (1 << WIDTH) + (1 << 18)

P = 2**255 - 19
FOLD = 19
"""2^255 mod p: what a column five places up counts below."""

_P_LIMBS = (MASK - FOLD + 1, MASK, MASK, MASK, MASK)
_ABOVE_ELEMENTS = [limb << 1 for limb in _P_LIMBS]
_ABOVE_COLUMNS = [limb << 11 for limb in _P_LIMBS]


class Field25519(Field):
    modulus = P
    positions = tuple(WIDTH * place for place in range(SIZE))

    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        # Neighbouring instructions belong to different columns, so that none waits for the one before.
        highs = [x[0].lift(0)] * (2 * SIZE)
        for i in range(SIZE):
            for j in range(SIZE):
                highs[i + j + 1] = high(highs[i + j + 1], x[i], y[j])
        # The multiplier cuts at the 52nd bit and the columns are 51 apart: high parts count twice.
        columns = [column + column for column in highs]
        for i in range(SIZE):
            for j in range(SIZE):
                columns[i + j] = low(columns[i + j], x[i], y[j])
        return _folded(columns, start)

    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        pairs = [(i, j) for i in range(SIZE) for j in range(i + 1, SIZE)]
        columns = [x[0].lift(0)] * (2 * SIZE)
        for i, j in pairs:
            columns[i + j + 1] = high(columns[i + j + 1], x[i], x[j])
        columns = [column + column for column in columns]
        for i, j in pairs:
            columns[i + j] = low(columns[i + j], x[i], x[j])
        for i in range(SIZE):
            columns[2 * i + 1] = high(columns[2 * i + 1], x[i], x[i])
        columns = [column + column for column in columns]
        for i in range(SIZE):
            columns[2 * i] = low(columns[2 * i], x[i], x[i])
        return _folded(columns, start)

    def reduce(self, columns: Limbs) -> list[Limb]:
        carries = [column >> WIDTH for column in columns]
        rests = [column & MASK for column in columns]
        return [low(rests[0], carries[-1], FOLD), *add(rests[1:], carries[:-1])]

    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        return [x + above - y for x, y, above in zip(columns, others, _ABOVE_COLUMNS, strict=True)]

    def negative(self, x: Limbs) -> list[Limb]:
        return [above - limb for limb, above in zip(x, _ABOVE_ELEMENTS, strict=True)]

    def settle(self, x: Limbs) -> list[Limb]:
        return self.reduce(x)

    def canonical(self, x: Limbs) -> list[Limb]:
        x = _carried(x)
        x = _carried([x[0] + FOLD * (x[-1] >> WIDTH), *x[1:-1], x[-1] & MASK])
        # Now below 2^255, or barely above: adding 19 carries out of the top exactly where p has to go.
        carry = (x[0] + FOLD) >> WIDTH
        for limb in x[1:]:
            carry = (limb + carry) >> WIDTH
        x = _carried([x[0] + FOLD * carry, *x[1:]])
        return [*x[:-1], x[-1] & MASK]


def _folded(columns: Sequence[Limb], start: Limbs | None) -> list[Limb]:
    """Ten columns as five that stand for the same number mod p, plus `start`."""
    folded = [columns[k] + columns[SIZE + k] * FOLD for k in range(SIZE)]
    return folded if start is None else add(folded, start)


def _carried(x: Limbs) -> list[Limb]:
    """The same number, with 51 bits in every limb but the last."""
    limbs = list(x)
    for k in range(SIZE - 1):
        limbs[k + 1] = limbs[k + 1] + (limbs[k] >> WIDTH)
        limbs[k] = limbs[k] & MASK
    return limbs
