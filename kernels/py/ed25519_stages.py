"""What verifying an Ed25519 signature computes (RFC 8032, section 5.1.7; ZIP 215), as text over limbs, staged.

`ed25519.py` has the loops around it. Scalars are read in windows: digits of a few bits from -2^(width - 1) on.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..signatures import Verdict
from . import base_point_table, scalar_25519, sha512
from .curve_25519 import Edwards25519
from .field import any_bits, select
from .lanes import staged
from .limb import Limb
from .power_25519 import FIELD, SIZE

CURVE = Edwards25519(FIELD)

KEY_WIDTH = 2
KEY_DIGITS = 129
"""For every scalar below 2^256; of most the upper half is 0."""
KEY_ENTRIES = 1 << (2 * KEY_WIDTH)
"""A sum of multiples of A and R for each pair of digits."""
KEY_ENTRY_LIMBS = -(-4 * SIZE // 8) * 8
"""Words from one sum to the next, of which four elements are used."""

_ZERO_WINDOW = 0b1010
"""Of two digits 0."""

BASE_WIDTH = base_point_table.WIDTH
BASE_DIGITS = 2 * base_point_table.HALF_DIGITS
LINE = 8
"""Words in a line of the cache."""

BASE_LINES = base_point_table.ENTRY_LIMBS // LINE

HIGH_HALF = base_point_table.ENTRIES * base_point_table.ENTRY_LIMBS
"""Where the second half of the base point's table begins."""

neutral = staged(CURVE.neutral)
double = staged(CURVE.double)
affine = staged(CURVE.affine)
affine_addend = staged(CURVE.affine_addend)
add = staged(CURVE.add)
radicand = staged(CURVE.radicand)


@staged
def initial_state(x: Limb) -> list[Limb]:
    return [x.constant(word) for word in sha512.INITIAL]


@staged
def absorb(state: Sequence[Limb], block: Sequence[Limb], live: Limb) -> list[Limb]:
    """The state after a block of bytes as they lie in memory, in the lanes where the mask is all ones."""
    return select(live, sha512.compress(state, [word.swap() for word in block]), state)


@staged
def less(x: Limb, y: Limb) -> Limb:
    """The mask of the lanes where x < y, for numbers below 2^63."""
    return (x - y).signed_shift(63)


@staged
def scalars(state: Sequence[Limb], signature: Sequence[Limb]) -> tuple[list[Limb], list[Limb], Limb]:
    """k from the hash, S, and the verdict on S alone."""
    s, too_large = scalar_25519.from_words(signature[4:])
    return scalar_25519.remainder([word.swap() for word in state]), s, too_large & Verdict.RANGE


@staged
def begin_decoding(words: Sequence[Limb]) -> tuple[list[Limb], Limb, Limb]:
    """y; whether x of the *negative* point is odd; the mask of the lanes where y is p or more."""
    encoded = [*words[:3], words[3] & ((1 << 63) - 1)]
    y = FIELD.of_words(encoded)
    proper = FIELD.words(FIELD.canonical(y))
    unfit = any_bits([x ^ y for x, y in zip(encoded, proper, strict=True)]).is_zero() ^ -1
    return y, (words[3] >> 63) ^ 1, unfit


@staged
def decode(
    y: Sequence[Limb], power: Sequence[Limb], odd: Limb, unfit: Limb, strict: Limb
) -> tuple[list[Limb], list[Limb], Limb]:
    """The negative of a point, and the mask of the lanes in which the rule refuses it or there is none.

    In those it becomes the neutral point, for which all formulas hold.
    """
    x, is_point, x_is_zero = CURVE.decode(y, power, odd)
    unfit = unfit | x_is_zero & (odd - 1)
    refused = (is_point ^ -1) | (unfit & strict)
    zero, one = FIELD.constant(odd, 0), FIELD.constant(odd, 1)
    return select(refused, zero, x), select(refused, one, y), refused


@staged
def turn(x: Sequence[Limb], negative: Limb) -> list[Limb]:
    """The x of the negative point, in the lanes where the mask is all ones."""
    return select(negative, FIELD.settle(FIELD.negative(x)), x)


@staged
def as_addend(point: Sequence[Sequence[Limb]]) -> list[Limb]:
    """The point as an addend."""
    return [limb for element in CURVE.addend(point) for limb in element]


@staged
def opposite(addend: Sequence[Limb]) -> list[Limb]:
    """The negative of what `as_addend` gave."""
    return [limb for element in CURVE.opposite(_elements(addend)) for limb in element]


@staged
def key_windows(u: Sequence[Limb], v: Sequence[Limb]) -> list[Limb]:
    """Of each pair of digits, one of u and one of v."""
    us, vs = (scalar_25519.windows(scalar, KEY_WIDTH, KEY_DIGITS) for scalar in (u, v))
    return [low | high << KEY_WIDTH for low, high in zip(us, vs, strict=True)]


@staged
def base_windows(vs: Sequence[Limb]) -> list[Limb]:
    return scalar_25519.windows(vs, BASE_WIDTH, BASE_DIGITS)


@staged
def is_zero(window: Limb) -> Limb:
    """The mask of the lanes where the window is that of two digits 0."""
    return (window ^ _ZERO_WINDOW).is_zero()


@staged
def key_place(window: Limb, lane: Limb) -> Limb:
    """Where the sum for a window lies in the table."""
    return (KEY_ENTRIES * lane + window) * KEY_ENTRY_LIMBS


@staged
def digits_place(digit: Limb, other: Limb, lane: Limb) -> Limb:
    """The same for a pair of digits."""
    window = digit + (other << KEY_WIDTH) + _ZERO_WINDOW
    return (KEY_ENTRIES * lane + window) * KEY_ENTRY_LIMBS


@staged
def base_place(window: Limb) -> tuple[Limb, Limb]:
    """The same for the base point's table, in its first half."""
    magnitude, negative = scalar_25519.signed(window, BASE_WIDTH)
    return magnitude * base_point_table.ENTRY_LIMBS, negative


@staged
def high_place(window: Limb) -> tuple[Limb, Limb]:
    """And in its second half."""
    magnitude, negative = scalar_25519.signed(window, BASE_WIDTH)
    return magnitude * base_point_table.ENTRY_LIMBS + HIGH_HALF, negative


@staged
def next_line(place: Limb) -> Limb:
    """The cache line after that of a place in a table."""
    return place + LINE


@staged
def add_entry(point: Sequence[Sequence[Limb]], entry: Sequence[Limb], negative: Limb) -> list[list[Limb]]:
    """point ± addend, from a row of either table."""
    return CURVE.add(point, _elements(entry), negative)


def _elements(entry: Sequence[Limb]) -> list[Sequence[Limb]]:
    return [entry[at : at + SIZE] for at in range(0, len(entry), SIZE)]


@staged
def judge(point: Sequence[Sequence[Limb]], no_key: Limb, code: Limb, no_r: Limb) -> Limb:
    """The verdict: the point is to be neutral. `code` is that on S alone."""
    holds = CURVE.is_neutral(point) & (no_r ^ -1)
    code = code.is_zero().select(holds.select(Verdict.VALID, Verdict.EQUATION), code)
    return no_key.select(Verdict.KEY, code)
