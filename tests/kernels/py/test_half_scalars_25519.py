"""Scalars of half the length: exact for every k, short for nearly all, and v prime to the group's order."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from numba import types

from quorate.kernels.py import half_scalars_25519, lanes, multiplier
from quorate.kernels.py.cache import compiled
from quorate.kernels.py.half_scalars_25519 import MODULUS, MOST, RECORD, T_SIZE
from quorate.kernels.py.limb import MULTIPLIER_MASK, Interval, Limb, LimbOverflowError, Number
from quorate.kernels.py.scalar_25519 import SIZE, L

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

FULL = Interval(0, MULTIPLIER_MASK)
FACTOR = Interval(-(2**25), 2**25)


def limbs(number: int, size: int = SIZE) -> list[Number]:
    return [Number(number >> 52 * place & MULTIPLIER_MASK) for place in range(size)]


def number(limbs: Sequence[Limb]) -> int:
    return joined([limb.value for limb in limbs if isinstance(limb, Number)])


def joined(digits: Sequence[int]) -> int:
    return sum(digit << 52 * place for place, digit in enumerate(digits))


def test_nothing_overflows() -> None:
    for size in (SIZE, T_SIZE):
        results = [
            half_scalars_25519.combined([FULL] * size, [FULL] * size, FACTOR, FACTOR),
            half_scalars_25519.magnitude([FULL] * size)[0],
        ]
        for limb in (limb for result in results for limb in result):
            assert isinstance(limb, Interval)
            assert limb.least >= 0
            assert limb.most <= MULTIPLIER_MASK
    with pytest.raises(LimbOverflowError):
        half_scalars_25519.combined([Interval(0, 2**53)] * SIZE, [FULL] * SIZE, FACTOR, FACTOR)


def test_combinations_wrap() -> None:
    rng = random.Random(1)
    for size in (SIZE, T_SIZE):
        modulus = 1 << 52 * size
        for _ in range(200):
            x, y = rng.randrange(-modulus // 2, modulus // 2), rng.choice([0, -1, 1, -modulus // 2])
            a, b = rng.randrange(-(2**25), 2**25 + 1), rng.choice([0, 1, -1, 2**25, -(2**25)])
            factors = Number(0).constant(a), Number(0).constant(b)
            result = half_scalars_25519.combined(limbs(x, size), limbs(y, size), *factors)
            assert number(result) == (a * x + b * y) % modulus


def test_magnitudes() -> None:
    for value in (0, 1, -1, 2**155 - 1, 1 - 2**155, -(2**104), 2**52 - 1):
        magnitude, negative = half_scalars_25519.magnitude(limbs(value, T_SIZE))
        assert number(magnitude) == abs(value)
        assert negative == Number(0).constant(-(value < 0))


def scalars() -> list[int]:
    """Random ones; edges; and those whose quotients are too large for an approximation, early and late."""
    rng = random.Random(2)
    samples = [
        0,
        1,
        2,
        3,
        4,
        L - 1,
        L - 2,
        L // 2,
        L // 2 + 1,
        2**252,
        2**252 - 1,
        *(2**i for i in range(120, 135)),
    ]
    samples += [MODULUS // divisor for divisor in (9, 2**20, 2**25 + 1, 2**26, 2**40, 2**64, 2**100, 2**127)]
    for _ in range(300):
        # A pair much shorter than the half, with an even t too: r / t mod 8L, for what is below L.
        r, t = rng.getrandbits(rng.randrange(2, 120)), rng.getrandbits(rng.randrange(2, 125)) | 1
        samples += [r * pow(t, -1, L) % L, r * pow(2 * t, -1, L) % L]
        k = r * pow(t, -1, MODULUS) % MODULUS
        samples += [k] if k < L else []
    return samples + [rng.randrange(L) for _ in range(3 * MOST)]


@pytest.mark.skipif(multiplier.lanes() == 0, reason="the processor has no AVX2")
def test_halves() -> None:
    width = multiplier.lanes()
    groups = MOST // width
    rng = random.Random(3)

    def half_scalars(memory, results, groups):  # type: ignore[no-untyped-def]
        element = lanes.zeros(SIZE, width)
        for group in range(groups):
            pairs = half_scalars_25519.first_pairs(lanes.load(element, memory, RECORD * group))
            lanes.store(pairs, memory, RECORD * group)
        half_scalars_25519.halve(memory, 0, RECORD, groups, element)
        for group in range(groups):
            row = RECORD * group
            pairs = lanes.load(element + element + element + element[:1], memory, row)
            s = lanes.load(element, results, row)
            u, v, product, negative = half_scalars_25519.halves(pairs, s)
            lanes.store(u + v + product + (negative,), results, row)

    table = types.uint64[:, ::1]
    kernel = compiled(half_scalars, types.void(table, table, types.int64), width)
    lengths = []
    samples = scalars()
    for first in range(0, len(samples), MOST):
        memory, results = (lanes.scratch(RECORD * groups, width) for _ in range(2))
        chunk, others = samples[first : first + MOST], [rng.randrange(2**256) for _ in range(MOST)]
        for index, other in enumerate(others):
            (group, lane), k = divmod(index, width), chunk[index % len(chunk)]
            memory[RECORD * group : RECORD * group + SIZE, lane] = [limb.value for limb in limbs(k)]
            results[RECORD * group : RECORD * group + SIZE, lane] = [limb.value for limb in limbs(other)]
        kernel(memory, results, groups)
        for index, k in enumerate(chunk):
            group, lane = divmod(index, width)
            column = results[RECORD * group : RECORD * (group + 1), lane]
            u, v, product = (joined(column[SIZE * part : SIZE * (part + 1)].tolist()) for part in range(3))
            assert column[3 * SIZE] in (0, np.uint64(2**64 - 1))
            assert ((-u if column[3 * SIZE] else u) - v * k) % MODULUS == 0
            assert math.gcd(v, MODULUS) == 1
            assert v < 2**131
            assert u < 2**253
            assert product == v * others[index] % L
            lengths.append(max(u, v).bit_length())
    usual = lengths[-3 * MOST :]
    assert sum(length <= 128 for length in usual) > len(usual) // 2
    assert max(usual) < 145
