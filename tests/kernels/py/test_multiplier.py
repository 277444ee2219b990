"""The 52-bit multiplier made of halves, and what decides for it."""

from __future__ import annotations

import random

import pytest

from quorate.kernels.py import multiplier
from quorate.kernels.py.limb import MULTIPLIER_MASK, Interval, Number, high, low


def test_halves_multiply_as_the_whole() -> None:
    rng = random.Random(1)
    edges = [0, 1, (1 << 26) - 1, 1 << 26, MULTIPLIER_MASK, MULTIPLIER_MASK + 1, (1 << 64) - 1]
    pairs = [(x, y) for x in edges for y in edges]
    pairs += [(rng.getrandbits(64), rng.getrandbits(52)) for _ in range(500)]
    for x, y in pairs:
        limbs = Number(rng.getrandbits(62)), Number(x), Number(y)
        assert multiplier.low_of_halves(*limbs) == low(*limbs)
        assert multiplier.high_of_halves(*limbs) == high(*limbs)


def test_halves_do_not_overflow() -> None:
    start, factor = Interval(0, 1 << 62), Interval(0, MULTIPLIER_MASK)
    low_bound, high_bound = (
        text(start, factor, factor) for text in (multiplier.low_of_halves, multiplier.high_of_halves)
    )
    assert isinstance(low_bound, Interval)
    assert isinstance(high_bound, Interval)
    assert low_bound.most <= (1 << 62) + MULTIPLIER_MASK
    assert high_bound.most <= (1 << 62) + (1 << 52)


@pytest.mark.parametrize(
    ("features", "fused", "lanes"),
    [
        ("+avx2,+avx512f,+avx512vl,+avx512ifma", True, 8),
        ("+avx2,+avx512f,+avx512vl", False, 8),
        ("+avx2,+bmi2,-avx512f", False, 4),
        ("+sse4.2,-avx2", False, 0),
    ],
)
def test_the_processor_decides(features: str, fused: bool, lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    assert (multiplier.is_fused.__wrapped__(), multiplier.lanes.__wrapped__()) == (fused, lanes)
