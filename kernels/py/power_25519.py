"""Powers in the field of Curve25519, of two elements at a time, which hides the multiplier's latency.

A pair is a flat tuple: the limbs of the first, then those of the second.
"""

from __future__ import annotations

import numba
import numpy as np

from . import multiplier
from .field import Field
from .field_25519 import Field25519
from .field_25519_avx2 import Curve25519Narrow
from .field_pair import Pair
from .lanes import load, staged, store

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

FIELD: Field = Field25519() if multiplier.is_fused() else Curve25519Narrow()
"""In the representation that suits this processor."""

SIZE = FIELD.size
PAIR = Pair(FIELD)

square_pair = staged(PAIR.squared)
multiply_pair = staged(PAIR.multiply)


@numba.njit
def _squares(pair, count):  # type: ignore[no-untyped-def]
    for _ in range(count):
        pair = square_pair(pair)
    return pair


@numba.njit
def _times_squares(pair, count, other):  # type: ignore[no-untyped-def]
    """pair^(2^count) · other."""
    return multiply_pair(_squares(pair, count), other)


@numba.njit
def root_powers(memory, one, other, element):  # type: ignore[no-untyped-def]
    """Raises two elements in memory to (p - 5)/8 = 2^252 - 3."""
    x = load(element, memory, one) + load(element, memory, other)
    x2 = square_pair(x)
    x9 = _times_squares(x2, np.int64(2), x)
    x11 = multiply_pair(x9, x2)
    ones5 = _times_squares(x11, np.int64(1), x9)
    ones10 = _times_squares(ones5, np.int64(5), ones5)
    ones20 = _times_squares(ones10, np.int64(10), ones10)
    ones40 = _times_squares(ones20, np.int64(20), ones20)
    ones50 = _times_squares(ones40, np.int64(10), ones10)
    ones100 = _times_squares(ones50, np.int64(50), ones50)
    ones200 = _times_squares(ones100, np.int64(100), ones100)
    ones250 = _times_squares(ones200, np.int64(50), ones50)
    power = _times_squares(ones250, np.int64(2), x)
    store(power[:SIZE], memory, one)
    store(power[SIZE:], memory, other)
