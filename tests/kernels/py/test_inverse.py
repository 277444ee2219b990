"""Inverses by division steps: proved not to overflow. That they are right, the tests of secp256k1 show."""

from __future__ import annotations

import pytest

from quorate.kernels.py.inverse import BITS, MASK, SIZE, combined, divided, divided_modulo, lifted
from quorate.kernels.py.limb import Interval, LimbOverflowError

LIMBS = [Interval(0, MASK)] * (SIZE - 1)
TOP = 256 - BITS * (SIZE - 1)
"""Bits of the highest limb of a number below 2^256."""

ROW = (Interval(-1 << BITS, 1 << BITS), Interval(-1 << BITS, 1 << BITS))
MODULUS = [*LIMBS, Interval(0, (1 << TOP) - 1), Interval(0, MASK)]
F = [*LIMBS, Interval(-1 << TOP, 1 << TOP)]
D = [*LIMBS, Interval(-2 << TOP, 1 << TOP)]


@pytest.mark.parametrize(
    "limbs",
    [
        divided(combined(ROW, F, F)),
        divided_modulo(ROW, D, D, MODULUS),
        lifted(D, MODULUS),
        lifted([*LIMBS, Interval(-1 << TOP, 1 << TOP)], MODULUS),
    ],
    ids=["f and g", "d and e", "the result", "the result, turned"],
)
def test_no_limb_overflows(limbs: list[Interval]) -> None:
    """And all but the highest, whose bound is that of the number, are again as wide as they were."""
    assert limbs[:-1] == LIMBS


def test_wider_numbers_are_refused() -> None:
    wide = [Interval(0, 1 << 32)] * SIZE
    with pytest.raises(LimbOverflowError):
        divided(combined(ROW, wide, wide))
    with pytest.raises(LimbOverflowError):
        divided_modulo((Interval(-1 << 32, 1 << 32), ROW[1]), D, D, MODULUS)
