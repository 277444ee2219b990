"""What this processor multiplies with, which decides the limbs of fields and how many lanes there are.

    multiplier                      limbs of fields      lanes
    52 bits, fused (AVX-512 IFMA)   5 of 51 or 52 bits   8
    32 bits in AVX-512              10 of 25 or 26       8
    32 bits in AVX2                 10 of 25 or 26       4

Scalars are a small part of the work, and of 52 bits everywhere: where the fused multiplier is missing, `low` and
`high` are made of four products of halves.
"""

from __future__ import annotations

from functools import cache

from .limb import MULTIPLIER_BITS, MULTIPLIER_MASK, Limb, product32
from .processor import features

HALF = MULTIPLIER_BITS // 2
HALF_MASK = (1 << HALF) - 1


@cache
def is_fused() -> bool:
    return {"avx512ifma", "avx512vl"} <= features()


@cache
def lanes() -> int:
    """Signatures side by side; 0 where the processor has no AVX2 and other roads are faster."""
    found = features()
    return 8 if "avx512f" in found else 4 if "avx2" in found else 0


def low_of_halves(start: Limb, x: Limb, y: Limb) -> Limb:
    """start + the low 52 bits of x·y, of the low 52 bits of each."""
    bottom, middle, _ = _products(x, y)
    return start + (bottom + ((middle & HALF_MASK) << HALF) & MULTIPLIER_MASK)


def high_of_halves(start: Limb, x: Limb, y: Limb) -> Limb:
    """start + the bits from the 52nd of x·y, of the low 52 bits of each."""
    bottom, middle, top = _products(x, y)
    return start + top + (((bottom >> HALF) + middle) >> HALF)


def _products(x: Limb, y: Limb) -> tuple[Limb, Limb, Limb]:
    x0, x1, y0, y1 = (half & HALF_MASK for limb in (x, y) for half in (limb, limb >> HALF))
    return product32(x0, y0), product32(x0, y1) + product32(x1, y0), product32(x1, y1)
