"""Inverses modulo an odd number below 2^256, of many numbers at a time and several times faster than by powers.

"Fast constant-time gcd computation and modular inversion" (Bernstein, Yang 2019), in the variant where delta
begins at 1/2, for which 590 division steps suffice. Lanes take the same steps, whatever their numbers are. Steps
look only at the lowest bits of f and g, so that 30 of them are collected in a matrix first and applied to the long
numbers at once. The long numbers have nine limbs of 30 bits, the last with the sign.

Bounds. What a round of 30 steps multiplies f and g by, a row (u, v) of its matrix, has |u| + |v| <= 2^30, as steps
double that at most. From it follow: f and g never grow beyond 2^256; and d and e stay between -2m and m for the
modulus m, as those below 0 are lifted by m first, and before the division m is taken off less than 2^30 times.
`tests/kernels/py/test_inverse.py` proves that no limb overflows for any numbers within these bounds. In a round
itself only the lowest bits count, and what is above them wraps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba

from .lanes import staged
from .limb import Limb

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

BITS = 30
MASK = (1 << BITS) - 1
SIZE = 9
ROUNDS = 20
"""Of 30 steps each: 600."""


def of_modulus(modulus: int, like: Limb) -> list[Limb]:
    """What `inverse` wants to know of a modulus: its limbs, and its inverse modulo 2^30."""
    numbers = [*(modulus >> (BITS * i) & MASK for i in range(SIZE)), pow(modulus, -1, 1 << BITS)]
    return [like.constant(number) for number in numbers]


@staged
def step(half_delta: Limb, f: Limb, g: Limb, fs: Limb, gs: Limb) -> tuple[Limb, Limb, Limb, Limb, Limb]:
    """One division step of the lowest bits of f and g, and of what they are made of.

    `half_delta` is -delta - 1/2, below 0 where f and g may be exchanged. `fs` is u + v·2^32 where f is u·f + v·g
    of the numbers at the start of the round, and `gs` is the same for g.
    """
    turn = half_delta.signed_shift(63)
    odd = 0 - (g & 1)
    g = g + ((f ^ turn) - turn & odd)
    gs = gs + ((fs ^ turn) - turn & odd)
    turn = turn & odd
    f = f + (g & turn)
    fs = fs + (gs & turn)
    return (half_delta ^ turn) - 1, f, g >> 1, fs << 1, gs


def coefficients(packed: Limb) -> tuple[Limb, Limb]:
    """u and v."""
    low = (packed << 32).signed_shift(32)
    return low, (packed - low).signed_shift(32)


@staged
def apply(f: Sequence[Limb], g: Sequence[Limb], fs: Limb, gs: Limb) -> tuple[list[Limb], list[Limb]]:
    """f and g after a round."""
    return tuple(divided(combined(coefficients(row), f, g)) for row in (fs, gs))  # type: ignore[return-value]


@staged
def apply_modulo(
    d: Sequence[Limb], e: Sequence[Limb], fs: Limb, gs: Limb, modulus: Sequence[Limb]
) -> tuple[list[Limb], list[Limb]]:
    """The same for d and e, divided by 2^30 modulo the modulus; they stay between -2 and 1 times that."""
    return tuple(divided_modulo(coefficients(row), d, e, modulus) for row in (fs, gs))  # type: ignore[return-value]


def divided_modulo(
    row: tuple[Limb, Limb], d: Sequence[Limb], e: Sequence[Limb], modulus: Sequence[Limb]
) -> list[Limb]:
    """(u·d + v·e) / 2^30 modulo the modulus."""
    u, v = row
    columns = combined(row, d, e)
    # As often the modulus is added as makes the lowest limb 0; d and e below 0 are lifted first.
    lift = (u & d[-1].signed_shift(63)) + (v & e[-1].signed_shift(63))
    count = lift - (modulus[-1] * (columns[0] & MASK) + lift & MASK)
    return divided([column + count * digit for column, digit in zip(columns, modulus, strict=False)])


def combined(row: tuple[Limb, Limb], x: Sequence[Limb], y: Sequence[Limb]) -> list[Limb]:
    """Columns of u·x + v·y."""
    u, v = row
    return [u * a + v * b for a, b in zip(x, y, strict=True)]


def divided(columns: Sequence[Limb]) -> list[Limb]:
    """A number whose lowest 30 bits are 0 without those."""
    carry = columns[0].signed_shift(BITS)
    limbs = []
    for column in columns[1:]:
        carry = carry + column
        limbs.append(carry & MASK)
        carry = carry.signed_shift(BITS)
    return [*limbs, carry]


@staged
def result(d: Sequence[Limb], f: Sequence[Limb], modulus: Sequence[Limb]) -> list[Limb]:
    """The four words of d or, where f is -1, of -d, from 0 to the modulus."""
    minus = f[-1].signed_shift(63)
    d = lifted(d, modulus)
    d = _carried([(limb ^ minus) - minus for limb in d])
    d = lifted(d, modulus)
    words = [d[0].lift(0)] * 4
    for place, limb in enumerate(d):
        word, bit = divmod(BITS * place, 64)
        words[word] = words[word] | limb << bit
        if bit + BITS > 64 and word < 3:
            words[word + 1] = limb >> (64 - bit)
    return words


def lifted(x: Sequence[Limb], modulus: Sequence[Limb]) -> list[Limb]:
    below = x[-1].signed_shift(63)
    return _carried([limb + (digit & below) for limb, digit in zip(x, modulus, strict=False)])


def _carried(x: Sequence[Limb]) -> list[Limb]:
    x = list(x)
    for i in range(SIZE - 1):
        x[i + 1] = x[i + 1] + x[i].signed_shift(BITS)
        x[i] = x[i] & MASK
    return x


@staged
def limbs(words: Sequence[Limb]) -> list[Limb]:
    """Four words as nine limbs."""
    result = []
    for place in range(SIZE):
        word, bit = divmod(BITS * place, 64)
        limb = words[word] >> bit
        if bit + BITS > 64 and word < 3:
            limb = limb | words[word + 1] << (64 - bit)
        result.append(limb & MASK)
    return result


@staged
def beginning(like: Limb) -> tuple[list[Limb], list[Limb], Limb, Limb, Limb]:
    """d = 0 and e = 1; and of a round the packed rows of the identity, and -delta - 1/2."""
    zero, one = like.constant(0), like.constant(1)
    return [zero] * SIZE, [one, *[zero] * (SIZE - 1)], one, like.constant(1 << 32), like.constant(-1)


@numba.njit
def inverse(words, modulus):  # type: ignore[no-untyped-def]
    """The inverse of the numbers in four words, as four words; 0 for 0. `modulus` is a tuple like `of_modulus`."""
    f, g = modulus[:SIZE], limbs(words)
    d, e, identity, identity_too, half_delta = beginning(words[0])
    for _ in range(ROUNDS):
        low_f, low_g, fs, gs = f[0], g[0], identity, identity_too
        for _ in range(BITS):
            half_delta, low_f, low_g, fs, gs = step(half_delta, low_f, low_g, fs, gs)
        f, g = apply(f, g, fs, gs)
        d, e = apply_modulo(d, e, fs, gs, modulus)
    return result(d, f, modulus)
