"""Scalars of Ed25519: integers mod L = 2^252 + C, the order of the base point (RFC 8032, section 5.1).

In 5 limbs of 52 bits, which are recoded as signed digits of a few bits. Bounds are proved in
`tests/kernels/py/test_scalar_25519.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .limb import MULTIPLIER_BITS, MULTIPLIER_MASK, Limb, high, low

C = 27742317777372353535851937790883648493
TOP = 252
L = 2**TOP + C

SIZE = 5


def remainder(words: Sequence[Limb]) -> list[Limb]:
    """A number of 512 bits mod L, from eight words of 64 bits."""
    return _reduced(_regrouped(words, 64, MULTIPLIER_BITS, 2 * SIZE))


def product(x: Sequence[Limb], y: Sequence[Limb]) -> list[Limb]:
    """x·y mod L, for numbers whose product has at most 512 bits."""
    columns = [x[0].lift(0)] * (2 * SIZE)
    for i in range(SIZE):
        for j in range(SIZE):
            columns[i + j] = low(columns[i + j], x[i], y[j])
            columns[i + j + 1] = high(columns[i + j + 1], x[i], y[j])
    return _reduced(carried(columns))


def _reduced(limbs: Sequence[Limb]) -> list[Limb]:
    """A number of 512 bits, in ten limbs, mod L."""
    # 2^252 = -C, and C has 125 bits, so that x becomes x0 - C x1, and C x1 in its turn y0 - C y1.
    x0, x1 = _split(limbs)
    y0, y1 = _split(_times_c(x1, 8))
    z0, z1 = _split(_times_c(y1, 6))
    c_z1 = _times_c(z1, SIZE)
    # x1, y1 and z1 have 260, 133 and 6 bits, so that c_z1 is below 2^131 and this between 0 and 2^254:
    terms = zip(x0, y0, z0, c_z1, _digits(2 * L), strict=True)
    rest = carried([x - y + z - c + base for x, y, z, c, base in terms])
    # Its bits from the 252nd say how many L to take off, perhaps one too many.
    quotient = rest[-1] >> (TOP - 4 * MULTIPLIER_BITS)
    rest = carried([limb - quotient * digit for limb, digit in zip(rest, _digits(L), strict=True)])
    below = rest[-1].signed_shift(63)
    return carried([limb + (below & digit) for limb, digit in zip(rest, _digits(L), strict=True)])


def from_words(words: Sequence[Limb]) -> tuple[list[Limb], Limb]:
    """The limbs of a number of 256 bits, and the mask of the lanes where it is L or more."""
    limbs = _regrouped(words, 64, MULTIPLIER_BITS, SIZE)
    rest = carried([limb - digit for limb, digit in zip(limbs, _digits(L), strict=True)])
    return limbs, rest[-1].signed_shift(63) ^ -1


def windows(limbs: Sequence[Limb], width: int, count: int) -> list[Limb]:
    """`count` signed digits, each 2^(width - 1) too large and so of `width` bits; see `signed`."""
    half = 1 << (width - 1)
    offset = _digits(sum(half << (width * place) for place in range(count)))
    return _regrouped(carried([x + y for x, y in zip(limbs, offset, strict=True)]), MULTIPLIER_BITS, width, count)


def signed(window: Limb, width: int) -> tuple[Limb, Limb]:
    """The digit that a window stands for: its magnitude, 0 to 2^(width - 1), and the mask where it is below 0."""
    digit = window - (1 << (width - 1))
    negative = digit.signed_shift(63)
    return (digit ^ negative) - negative, negative


def _regrouped(limbs: Sequence[Limb], width: int, new_width: int, count: int) -> list[Limb]:
    """The number in limbs of `width` bits as `count` limbs of `new_width` bits; what does not fit is left out."""
    result = []
    for start in range(0, new_width * count, new_width):
        place, at = divmod(start, width)
        limb, have = None, 0
        while have < new_width and place < len(limbs):
            take = min(width - at, new_width - have)
            part = limbs[place] >> at
            part = (part if at + take == width else part & ((1 << take) - 1)) << have
            limb, have = part if limb is None else limb | part, have + take
            place, at = place + 1, 0
        result.append(limbs[0].constant(0) if limb is None else limb)
    return result


def _digits(number: int) -> list[int]:
    return [number >> (MULTIPLIER_BITS * place) & MULTIPLIER_MASK for place in range(SIZE)]


def carried(limbs: Sequence[Limb]) -> list[Limb]:
    """The same number, with 52 bits in every limb but the last, which keeps the rest and the sign."""
    result = list(limbs)
    for place in range(len(result) - 1):
        result[place + 1] = result[place + 1] + result[place].signed_shift(MULTIPLIER_BITS)
        result[place] = result[place] & MULTIPLIER_MASK
    return result


def _split(limbs: Sequence[Limb]) -> tuple[list[Limb], list[Limb]]:
    """The low 252 bits, in five limbs, and the bits above them."""
    bits = TOP - 4 * MULTIPLIER_BITS
    upper = [limb >> bits for limb in limbs[4:]]
    lower = [(limb & ((1 << bits) - 1)) << (MULTIPLIER_BITS - bits) for limb in limbs[5:]]
    joined = [x | y for x, y in zip(upper, lower, strict=False)]
    return [*limbs[:4], limbs[4] & ((1 << bits) - 1)], [*joined, *upper[len(lower) :]]


def _times_c(limbs: Sequence[Limb], count: int) -> list[Limb]:
    """C times the number, in `count` limbs, for which it has to be small enough."""
    columns: list[Limb | int] = [0] * (len(limbs) + 3)
    for i, limb in enumerate(limbs):
        for j, digit in enumerate(_digits(C)[:3]):
            columns[i + j] = low(columns[i + j], limb, digit)
            columns[i + j + 1] = high(columns[i + j + 1], limb, digit)
    return carried([limbs[0].lift(column) for column in columns])[:count]
