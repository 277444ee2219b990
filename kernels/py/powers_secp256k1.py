"""Roots and inverses modulo the prime of secp256k1, in Numba loops over staged arithmetic.

`FIELD` is the representation that suits this processor, `PAIR` two numbers of it at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from . import multiplier
from .field import Field
from .field_pair import Pair
from .field_secp256k1 import CalledIFMA, FieldIFMA, P
from .field_secp256k1_avx2 import Secp256k1Narrow
from .inverse import inverse, of_modulus
from .lanes import staged
from .limb import Limb

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

FIELD: Field = FieldIFMA() if multiplier.is_fused() else Secp256k1Narrow()
PAIR = Pair(FIELD)
RARE_PAIR = Pair(CalledIFMA()) if multiplier.is_fused() else PAIR
"""For text that hardly ever runs, and so should not take long to compile."""

SIZE = FIELD.size

multiply = staged(FIELD.multiply)
square = staged(FIELD.squared)
multiply_pair = staged(PAIR.multiply)
square_pair = staged(PAIR.squared)


@numba.njit
def _times_squares(pair, count, other):  # type: ignore[no-untyped-def]
    """pair^(2^count) · other."""
    for _ in range(count):
        pair = square_pair(pair)
    return multiply_pair(pair, other)


@numba.njit
def root_pair(x):  # type: ignore[no-untyped-def]
    """x^((p + 1)/4), a square root of x if there is one, of a pair (SEC 1, section 2.3.4)."""
    # Numba would compile `_times_squares` anew for every number that is written without its type.
    ones2 = _times_squares(x, np.int64(1), x)
    ones3 = _times_squares(ones2, np.int64(1), x)
    ones6 = _times_squares(ones3, np.int64(3), ones3)
    ones9 = _times_squares(ones6, np.int64(3), ones3)
    ones11 = _times_squares(ones9, np.int64(2), ones2)
    ones22 = _times_squares(ones11, np.int64(11), ones11)
    ones44 = _times_squares(ones22, np.int64(22), ones22)
    ones88 = _times_squares(ones44, np.int64(44), ones44)
    ones176 = _times_squares(ones88, np.int64(88), ones88)
    ones220 = _times_squares(ones176, np.int64(44), ones44)
    ones223 = _times_squares(ones220, np.int64(3), ones3)
    power = _times_squares(_times_squares(ones223, np.int64(23), ones22), np.int64(6), ones2)
    return square_pair(square_pair(power))


@staged
def canonical_words(x: Sequence[Limb]) -> list[Limb]:
    return FIELD.words(FIELD.canonical(x))


@staged
def of_words(words: Sequence[Limb]) -> list[Limb]:
    return FIELD.of_words(words)


@staged
def _modulus(like: Limb) -> list[Limb]:
    return of_modulus(P, like)


@numba.njit
def inverse_pair(x):  # type: ignore[no-untyped-def]
    """1/x for a pair of which neither is 0 modulo p."""
    one, other = x[:SIZE], x[SIZE:]
    words = canonical_words(multiply(one, other))
    both = of_words(inverse(words, _modulus(words[0])))
    return multiply(both, other) + multiply(both, one)
