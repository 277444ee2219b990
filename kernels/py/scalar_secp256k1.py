"""Multipliers of points of secp256k1, modulo the number of points N, in 5 limbs of radix 2^52 (AVX-512 IFMA).

Products are Montgomery's: `multiply` divides by 2^260. So that a point is multiplied in half as many doublings,
its multiplier u becomes a + b·LAMBDA with a and b of half the length (Gallant, Lambert, Vanstone 2001); LAMBDA
times a point costs one multiplication. All multipliers are made odd, so that they have signed digits of which none
is 0 and every lane does the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from .curve_secp256k1 import N
from .field import Limbs, any_bits, select
from .field_secp256k1 import RADIX, SIZE
from .limb import MULTIPLIER_MASK, Limb, high, low

SIGN = 1 << 63
"""The bit of a digit that says that it is negative; the lower ones are its index."""

LAMBDA = pow(3, (N - 1) // 3, N)
"""A cube root of 1 modulo N: LAMBDA·(x, y) is (BETA·x, y), for `curve_secp256k1.BETA`."""


def digits(number: int, count: int = SIZE) -> list[int]:
    return [number >> (RADIX * i) & MULTIPLIER_MASK for i in range(count)]


_INVERSE = -pow(N, -1, 1 << RADIX) % (1 << RADIX)


def multiply(x: Limbs, y: Limbs) -> list[Limb]:
    """x·y / 2^260 modulo N, for numbers below 2^257; at most N + 2^254."""
    zero = x[0].lift(0)
    total = [zero] * (SIZE + 1)
    for a in x:
        for place, b in enumerate(y):
            _accumulate(total, place, a, b)
        quotient = low(0, total[0] & MULTIPLIER_MASK, _INVERSE)
        for place, digit in enumerate(digits(N)):
            _accumulate(total, place, quotient, digit)
        total = [total[1] + (total[0] >> RADIX), *total[2:], zero]
    return carried(total[:SIZE])


def carried(x: Limbs) -> list[Limb]:
    """Limbs below 2^52 but for the last; they may have been below 0."""
    x = list(x)
    for i in range(len(x) - 1):
        x[i + 1] = x[i + 1] + x[i].signed_shift(RADIX)
        x[i] = x[i] & MULTIPLIER_MASK
    return x


def of_words(words: Limbs) -> list[Limb]:
    """A number of four 64-bit words."""
    a, b, c, d = words
    limbs = [a, a >> 52 | b << 12, b >> 40 | c << 24, c >> 28 | d << 36, d >> 16]
    return [limb & MULTIPLIER_MASK for limb in limbs]


def words(x: Limbs) -> list[Limb]:
    """The four 64-bit words of a number below 2^256."""
    a, b, c, d, e = x
    return [a | b << 52, b >> 12 | c << 40, c >> 24 | d << 28, d >> 36 | e << 16]


def reduced(x: Limbs) -> list[Limb]:
    """A number below 2N, modulo N."""
    less = carried([limb - digit for limb, digit in zip(x, digits(N), strict=True)])
    return select(less[-1].signed_shift(63), x, less)


def is_zero(x: Limbs) -> Limb:
    """The mask of the lanes in which a number below N is 0."""
    return any_bits(x).is_zero()


def negative(x: Limbs) -> list[Limb]:
    """2N - x, for a number below 2^256."""
    return carried([2 * digit - limb for digit, limb in zip(digits(N), x, strict=True)])


def odd(x: Limbs) -> list[Limb]:
    """x, or x + N where x is even."""
    even = (x[0] & 1) - 1
    return carried([limb + (even & digit) for limb, digit in zip(x, digits(N), strict=True)])


def _short_vectors() -> list[tuple[int, int]]:
    """Two short (a, b) with a + b·LAMBDA divisible by N, by Euclid's algorithm (Guide to ECC, algorithm 3.74)."""
    rows = [(N, 0), (LAMBDA, -1)]
    while rows[-1][0] ** 2 > N:
        quotient = rows[-2][0] // rows[-1][0]
        rows.append((rows[-2][0] - quotient * rows[-1][0], rows[-2][1] - quotient * rows[-1][1]))
    return rows[-2:]


_EVEN_ODD, _ODD_ODD = _short_vectors()
"""Of the first only b is odd, so that a's parity can be mended by the second and then b's by the first."""

_FRACTION_BITS = 7 * RADIX
_FRACTIONS = [(b << _FRACTION_BITS) // N for b in (-_ODD_ODD[1], _EVEN_ODD[1])]

HALF_SIZE = 3
"""Limbs of half a multiplier, which are a number modulo 2^156 with a sign."""


@dataclass(frozen=True)
class Half:
    """An odd number below 2^130, and the mask of the lanes in which it is meant to be negative."""

    limbs: Limbs
    negative: Limb


def split(u: Limbs) -> tuple[Half, Half]:
    """Odd a and b with u = a + b·LAMBDA modulo N, for u below 2^257."""
    a, b = list(u[:HALF_SIZE]), [u[0].lift(0)] * HALF_SIZE
    # (u, 0) is a sum of fractions of the vectors; u less what is whole in them is short.
    for (x, y), fraction in zip((_EVEN_ODD, _ODD_ODD), _FRACTIONS, strict=True):
        whole = _rounded(u, fraction)
        a, b = _plus_product(a, whole, -x), _plus_product(b, whole, -y)
    a, b = _wrapped(a), _wrapped(b)
    even = (a[0] & 1) - 1
    a, b = (_plus_where(even, half, -x) for half, x in zip((a, b), _ODD_ODD, strict=True))
    even = (b[0] & 1) - 1
    a, b = (_plus_where(even, half, -x) for half, x in zip((a, b), _EVEN_ODD, strict=True))
    return _half(a), _half(b)


def _rounded(u: Limbs, fraction: int) -> list[Limb]:
    """u·fraction / 2^364, rounded down."""
    columns = [u[0].lift(0)] * (2 * SIZE)
    for i, a in enumerate(u):
        for j, b in enumerate(digits(fraction)):
            _accumulate(columns, i + j, a, b)
    return carried(columns)[_FRACTION_BITS // RADIX :]


def _plus_product(start: Limbs, x: Limbs, factor: int) -> list[Limb]:
    """start + x·factor modulo 2^156, not carried."""
    total = list(start)
    for i in range(HALF_SIZE):
        for j, b in enumerate(digits(factor, HALF_SIZE - i)):
            _accumulate(total, i + j, x[i], b)
    return total


def _plus_where(mask: Limb, x: Limbs, number: int) -> list[Limb]:
    return _wrapped([limb + (mask & digit) for limb, digit in zip(x, digits(number, HALF_SIZE), strict=True)])


def _wrapped(x: Limbs) -> list[Limb]:
    """Modulo 2^156."""
    return [limb & MULTIPLIER_MASK for limb in carried(x)]


def _half(x: Limbs) -> Half:
    """An odd number modulo 2^156 as its absolute value and sign."""
    minus = 0 - (x[-1] >> (RADIX - 1))
    flipped = [limb ^ (minus & MULTIPLIER_MASK) for limb in x]  # and 1 more, which the lowest bit has room for
    return Half([flipped[0] | 1, *flipped[1:]], minus)


def signed_digits(x: Limbs, width: int, count: int, flip: Limb | int = 0) -> list[Limb]:
    """The digits, of `width` bits and from the lowest, of an odd number below 2^(width·count); `flip` negates.

    The digit with index i is 2·i + 1, or its negative: no digit is 0, because (x + 2^(width·count)) / 2 in binary
    is the sum of all digits with 2^width - 1 added to each and halved.
    """
    top_limb, top_bit = divmod(width * count, RADIX)
    limbs = [*x, *[x[0].lift(0)] * (top_limb + 2 - len(x))]
    limbs[top_limb] = limbs[top_limb] | 1 << top_bit
    result = []
    for place in range(count):
        limb, bit = divmod(width * place + 1, RADIX)
        window = limbs[limb] >> bit
        if bit + width > RADIX:
            window = window | limbs[limb + 1] << (RADIX - bit)
        minus = (window >> (width - 1) & 1) - 1
        index = (window ^ minus) & (1 << (width - 1)) - 1
        result.append(index | (minus ^ flip) & SIGN)
    return result


def _accumulate(columns: list[Limb], place: int, x: Limb | int, y: Limb | int) -> None:
    columns[place] = low(columns[place], x, y)
    if place + 1 < len(columns):
        columns[place + 1] = high(columns[place + 1], x, y)
