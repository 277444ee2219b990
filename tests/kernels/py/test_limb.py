"""Limbs: intervals hold what numbers do, vectors compute what numbers do, and overflow is seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numba import types

from quorate.kernels.py import lanes
from quorate.kernels.py.cache import compiled
from quorate.kernels.py.limb import Interval, Limb, LimbOverflowError, Number, high, low, product32

M52, M64 = (1 << 52) - 1, (1 << 64) - 1

# Every operation, on limbs x, y below 2^52 and z of any size, and on constants.
TEXTS: dict[str, Callable[[Limb, Limb, Limb], Limb]] = {
    "add": lambda x, y, _: x + y + 5,
    "subtract": lambda x, y, _: (1 << 53) - x - y,
    "multiply": lambda x, *_: 19 * (x >> 5),
    "and": lambda x, _, z: (x & z) + (z & 0xFF00FF),
    "or": lambda x, y, _: x | y | 1,
    "xor": lambda x, y, _: x ^ y ^ 3,
    "shifts": lambda x, y, z: (x << 7) + (y >> 9) + ((z >> 1) >> 0),
    "signed shift": lambda x, y, _: (x - y).signed_shift(40) + (1 << 20),
    "rotate": lambda _, __, z: z.rotate(13),
    "swap": lambda _, __, z: z.swap(),
    "low": lambda x, y, _: low(low(0, x, y), y, 977),
    "high": lambda x, y, _: high(high(x, x, y), 3, y),
    "product 32": lambda x, y, _: product32(x >> 21, y >> 21) + product32(x >> 20, 7),
    "is zero": lambda x, y, _: x.is_zero() | (y - y).is_zero(),
    "select": lambda x, y, _: (x & 1).is_zero().select(y, 7),
}


def samples(seed: int, count: int) -> list[tuple[int, int, int]]:
    rng = random.Random(seed)

    def limb(bits: int) -> int:
        return rng.choice([0, 1, (1 << bits) - 1, 1 << (bits - 1), rng.getrandbits(bits), rng.getrandbits(bits)])

    return [(limb(52), limb(52), limb(64)) for _ in range(count)]


def signed(value: int) -> int:
    return value - (value >> 63 << 64)


@pytest.mark.parametrize("name", TEXTS)
def test_an_interval_holds_every_number(name: str) -> None:
    text = TEXTS[name]
    widest = text(Interval(0, M52), Interval(0, M52), Interval(0, M64))
    assert isinstance(widest, Interval)
    for x, y, z in samples(1, 500):
        number = text(Number(x), Number(y), Number(z))
        assert isinstance(number, Number)
        assert any(widest.least <= value <= widest.most for value in (number.value, signed(number.value))), (
            x,
            y,
            z,
        )
        around = text(Interval(max(0, x - 2), x), Interval(y, y), Interval(z, z))
        assert isinstance(around, Interval)
        assert any(around.least <= value <= around.most for value in (number.value, signed(number.value))), (
            x,
            y,
            z,
        )


def all_texts(x: Sequence[Limb]) -> list[Limb]:
    return [text(*x) for text in TEXTS.values()]


every = lanes.staged(all_texts)


def width() -> int:
    """Lanes that this processor can multiply in 52 bits, as some of the texts do."""
    from quorate.kernels.py.processor import simd

    if simd()[0] != 16:
        pytest.skip("the processor has no AVX-512, so it cannot run what is emitted for it")
    return 8


def test_vectors_compute_what_numbers_do() -> None:
    count = width()

    def run(inputs: Any, outputs: Any) -> Any:
        like = lanes.zeros(3, count)
        results = every(lanes.load(like, inputs, 0))
        lanes.store(results, outputs, 0)
        return lanes.bits(results[13])

    table = types.uint64[:, ::1]
    kernel = compiled(run, types.uint64(table, table), count)
    for seed in range(20):
        columns = samples(seed, count)
        inputs, outputs = lanes.scratch(3, count), lanes.scratch(len(TEXTS), count)
        inputs[:] = np.array(columns, np.uint64).T
        bits = kernel(inputs, outputs)
        for lane, column in enumerate(columns):
            numbers = all_texts([Number(x) for x in column])
            for name, number, got in zip(TEXTS, numbers, outputs[:, lane], strict=True):
                assert isinstance(number, Number)
                assert number.value == int(got), (name, column)
            assert bits >> lane & 1 == (outputs[13, lane] != 0)


@pytest.mark.parametrize(
    "text",
    [
        lambda: low(0, Interval(0, M52 + 1), Interval(0, 1)),
        lambda: high(0, Interval(0, 1), Interval(-1, 1)),
        lambda: high(Interval(0, M64 - M52 + 3), Interval(0, M52), Interval(0, M52)),
        lambda: Interval(0, M64) + 1,
        lambda: Interval(0, 1 << 60) << 5,
        lambda: Interval(-1, 0) >> 1,
        lambda: Interval(0, M64).signed_shift(1),
        lambda: Interval(0, 1) - Interval(0, 1 << 63) - 2,
        lambda: product32(Interval(0, 1 << 32), Interval(0, 1)),
        lambda: Interval(0, 1 << 60) * 19,
    ],
)
def test_what_may_overflow_is_refused(text: Callable[[], Limb]) -> None:
    with pytest.raises(LimbOverflowError):
        text()
