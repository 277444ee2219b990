"""Scalars of Ed25519: proved not to overflow, and right against plain integers."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from quorate.kernels.py import scalar_25519
from quorate.kernels.py.limb import MULTIPLIER_MASK, WRAP, Interval, Limb, Number
from quorate.kernels.py.scalar_25519 import SIZE, L


def words(number: int, count: int) -> list[Number]:
    return [Number(number >> 64 * place & WRAP) for place in range(count)]


def values(limbs: Sequence[Limb]) -> list[int]:
    return [limb.value for limb in limbs if isinstance(limb, Number)]


def number(limbs: Sequence[Limb]) -> int:
    digits = values(limbs)
    assert len(digits) == SIZE
    assert max(digits) <= MULTIPLIER_MASK
    return sum(digit << 52 * place for place, digit in enumerate(digits))


EDGES = [0, 1, L - 1, L, L + 1, 2 * L - 1, 2 * L, 2**252 - 1, 2**252, 2**253, 2**256 - 1]


def test_remainder_does_not_overflow() -> None:
    limbs = scalar_25519.remainder([Interval(0, WRAP)] * 8)
    assert all(isinstance(limb, Interval) and limb.least >= 0 for limb in limbs[:-1])


def test_product_does_not_overflow() -> None:
    limbs = scalar_25519.product([Interval(0, MULTIPLIER_MASK)] * SIZE, [Interval(0, MULTIPLIER_MASK)] * SIZE)
    assert all(isinstance(limb, Interval) and limb.least >= 0 for limb in limbs[:-1])


def test_windows_do_not_overflow() -> None:
    limbs, too_large = scalar_25519.from_words([Interval(0, WRAP)] * 4)
    assert too_large == Interval(-1, 0)
    for width, count in ((2, 129), (13, 20)):
        for window in scalar_25519.windows(limbs, width, count):
            assert isinstance(window, Interval)
            assert window.least >= 0
            assert window.most < 1 << width
            assert all(isinstance(part, Interval) for part in scalar_25519.signed(window, width))


def test_remainder() -> None:
    rng = random.Random(25519)
    samples = EDGES + [edge << shift for edge in EDGES for shift in (1, 100, 252, 256) if edge << shift < 2**512]
    samples += [L * factor + offset for factor in (1, 2**100, 2**252, 2**512 // L - 1) for offset in (-1, 0, 1)]
    samples += [2**512 - 1, *(rng.getrandbits(512) for _ in range(500))]
    samples += [rng.getrandbits(260) * L + rng.choice([-1, 0, 1]) & 2**512 - 1 for _ in range(500)]
    for sample in samples:
        assert number(scalar_25519.remainder(words(sample, 8))) == sample % L


def test_product() -> None:
    rng = random.Random(519)
    samples = [*EDGES, *(rng.getrandbits(256) for _ in range(200))]
    for sample in samples:
        for other in (0, 1, L, 2**256 - 1, rng.choice(samples)):
            x, y = ([Number(n >> 52 * i & MULTIPLIER_MASK) for i in range(SIZE)] for n in (sample, other))
            assert number(scalar_25519.product(x, y)) == sample * other % L


def test_range() -> None:
    for sample in EDGES:
        limbs, too_large = scalar_25519.from_words(words(sample, 4))
        assert number(limbs) == sample
        assert too_large == Number(WRAP if sample >= L else 0)


@pytest.mark.parametrize(("width", "count"), [(2, 129), (13, 20)])
def test_windows(width: int, count: int) -> None:
    """Signed digits add up to the scalar, and are as small as the tables are long."""
    rng = random.Random(width)
    samples = [edge for edge in EDGES if edge < L] + [rng.randrange(L) for _ in range(300)]
    samples += [
        sum(1 << (width - 1) << width * place for place in range(count - 2)) + offset for offset in (-1, 0, 1)
    ]
    for sample in samples:
        limbs, _ = scalar_25519.from_words(words(sample, 4))
        total = 0
        for place, window in enumerate(scalar_25519.windows(limbs, width, count)):
            magnitude, negative = values(scalar_25519.signed(window, width))
            assert magnitude <= 1 << (width - 1)
            assert negative in (0, WRAP)
            total += (-magnitude if negative else magnitude) << width * place
        assert total == sample
