"""Keys and numbers of secp256k1 signatures, from bytes to limbs, with every check on them; text over limbs."""

from __future__ import annotations

from collections.abc import Sequence

from ..signatures import Verdict
from . import curve_secp256k1 as curve
from . import scalar_secp256k1 as scalars
from .curve_secp256k1 import N
from .field import any_bits, below, select
from .field_secp256k1 import P
from .lanes import staged
from .limb import Limb
from .powers_secp256k1 import FIELD, PAIR

WORD_WIDTHS = [52, 52, 52, 52, 48]
"""Bits of the limbs of 256-bit numbers outside the field."""


def number(words: Sequence[Limb]) -> list[Limb]:
    """Four words of a big-endian number as they lie in memory, as limbs of 52 bits."""
    return scalars.of_words([word.swap() for word in reversed(words)])


def element(words: Sequence[Limb]) -> list[Limb]:
    """The same number as an element of the field."""
    return FIELD.of_words([word.swap() for word in reversed(words)])


def below_number(x: Sequence[Limb], bound: int) -> Limb:
    return below(x, scalars.digits(bound), WORD_WIDTHS)


def negated(mask: Limb) -> Limb:
    return mask ^ -1


@staged
def ecdsa_numbers(
    signature: Sequence[Limb], digest: Sequence[Limb], low_s: Limb
) -> tuple[list[Limb], list[Limb], list[Limb], Limb]:
    """r, s and the hash, and the verdict on r and s alone. A refused s becomes 1, which has an inverse."""
    r, s, z = number(signature[:4]), number(signature[4:]), number(digest)
    wrong = negated(below_number(r, N) & below_number(s, N)) | scalars.is_zero(r) | scalars.is_zero(s)
    high = negated(below_number(s, N // 2 + 1)) & low_s
    one = [s[0].constant(digit) for digit in scalars.digits(1)]
    return r, select(wrong, one, s), z, wrong.select(Verdict.RANGE, high & Verdict.HIGH_S)


@staged
def ecdsa_key(prefix: Limb, words: Sequence[Limb], hybrid: Limb) -> tuple[list[Limb], list[Limb], Limb, Limb]:
    """x and y as given, the mask of the lanes where only the parity of y is, and of those that are no key."""
    prefix = prefix & 0xFF
    x, y = words[:4], words[4:]
    compressed = (prefix & 0xFE ^ 2).is_zero()
    parity_is_wrong = 0 - ((y[3] >> 56 ^ prefix) & 1)
    good = (
        compressed
        | (prefix ^ 4).is_zero() & below_number(number(y), P)
        | (prefix & 0xFE ^ 6).is_zero() & hybrid & below_number(number(y), P) & negated(parity_is_wrong)
    )
    bad = negated(good & below_number(number(x), P))
    return element(x), element(y), compressed, bad


@staged
def schnorr_numbers(signature: Sequence[Limb], challenge: Sequence[Limb]) -> tuple[list[Limb], ...]:
    """r; s and -e, the multipliers of G and of the key, modulo N; in a list the verdict on r and s alone."""
    r, s = number(signature[:4]), number(signature[4:])
    wrong = negated(below_number(r, P) & below_number(s, N))
    return r, s, scalars.negative(number(challenge)), [wrong & Verdict.RANGE]


@staged
def schnorr_key(words: Sequence[Limb]) -> tuple[list[Limb], Limb]:
    """x, and the mask of the lanes where it is too large."""
    return element(words), negated(below_number(number(words), P))


@staged
def right_side(x: Sequence[Limb]) -> list[Limb]:
    """x³ + 7 of a pair."""
    return curve.curve(PAIR, x)


@staged
def with_parity(root: Sequence[Limb], odd: Limb, compressed: Limb, y: Sequence[Limb]) -> list[Limb]:
    """Where the mask says so, the root of which the lowest bit is that of `odd`; else y."""
    root = FIELD.canonical(root)
    other = 0 - ((root[0] ^ odd) & 1)
    return select(compressed, FIELD.settle(select(other, FIELD.opposite(root), root)), y)


@staged
def point_or_generator(
    x: Sequence[Limb], y: Sequence[Limb], right: Sequence[Limb], bad: Limb, code: Limb
) -> tuple[list[Limb], list[Limb], Limb]:
    """The point if it is one, else the generator, which is as good as any other; and the verdict."""
    off = negated(FIELD.is_zero(FIELD.reduce(FIELD.square(y, FIELD.negative(right)))))
    bad = bad | off
    gx, gy = (FIELD.constant(bad, coordinate) for coordinate in curve.G)
    return select(bad, gx, x), select(bad, gy, y), bad.select(Verdict.KEY, code)


@staged
def is_ratio(x: Sequence[Limb], z: Sequence[Limb], r: Sequence[Limb]) -> Limb:
    """The mask of the lanes where X/Z² is r or r + N (SEC 1, section 4.1.4, step 8), for limbs of 52 bits of r."""
    fits = below_number(r, P - N)
    plus_n = scalars.carried([limb + digit for limb, digit in zip(r, scalars.digits(N), strict=True)])
    zz, minus_x = FIELD.squared(z), FIELD.negative(x)
    same = r[0].constant(0)
    for candidate in (r, select(fits, plus_n, r)):
        difference = FIELD.reduce(FIELD.product(FIELD.of_words(scalars.words(candidate)), zz, minus_x))
        same = same | FIELD.is_zero(difference)
    return same & negated(FIELD.is_zero(z))


@staged
def is_even_with(x: Sequence[Limb], y: Sequence[Limb], inverse: Sequence[Limb], r: Sequence[Limb]) -> Limb:
    """The mask of the lanes where r is x of a point with an even y (BIP 340), from its negative and 1/Z."""
    square = FIELD.squared(inverse)
    x = FIELD.canonical(FIELD.multiply(x, square))
    y = FIELD.canonical(FIELD.multiply(y, FIELD.multiply(square, inverse)))
    difference = [a ^ b for a, b in zip(x, FIELD.of_words(scalars.words(r)), strict=True)]
    return any_bits(difference).is_zero() & (0 - (y[0] & 1))


@staged
def first_verdict(code: Limb, holds: Limb) -> Limb:
    """The verdict so far, or else that on the equation."""
    return code.is_zero().select(negated(holds) & Verdict.EQUATION, code)
