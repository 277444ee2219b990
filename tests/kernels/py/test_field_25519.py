"""The field of Curve25519 in limbs of 51 bits: proved, right in numbers, and the same in vectors."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numba
import pytest
from numba import types

from quorate.kernels.py import processor
from quorate.kernels.py.field import Limbs, add, times
from quorate.kernels.py.field_25519 import MOST, WIDTH, Field25519, P
from quorate.kernels.py.lanes import load, scratch, staged, store, zeros
from quorate.kernels.py.limb import Interval, Limb, LimbOverflowError, Number

FIELD = Field25519()
LANES = 8

WIDEST = [Interval(0, MOST)] * FIELD.size


def is_element(limbs: Sequence[Limb]) -> bool:
    return all(isinstance(limb, Interval) and limb.least >= 0 and limb.most <= MOST for limb in limbs)


# Proofs: what goes in is as wide as it may be.


def test_products_are_below_the_stated_bound() -> None:
    for product in (FIELD.product(WIDEST, WIDEST, WIDEST), FIELD.square(WIDEST, WIDEST)):
        assert all(isinstance(column, Interval) and column.most < 2**59.1 for column in product)


def test_sums_and_differences_of_products_can_be_reduced() -> None:
    product = FIELD.product(WIDEST, WIDEST)
    seven = times(product, 7)
    for columns in (seven, FIELD.difference(WIDEST, seven), FIELD.difference(seven, WIDEST)):
        assert is_element(FIELD.reduce(columns))


def test_loose_elements_settle() -> None:
    for loose in (FIELD.negative(WIDEST), add(WIDEST, FIELD.negative(WIDEST)), times(WIDEST, 2)):
        assert is_element(FIELD.settle(loose))


def test_canonical_limbs_have_51_bits() -> None:
    assert all(limb == Interval(0, (1 << WIDTH) - 1) for limb in FIELD.canonical(WIDEST))


def test_the_bounds_are_needed() -> None:
    with pytest.raises(LimbOverflowError, match="is multiplied"):
        FIELD.product(times(WIDEST, 2), WIDEST)
    with pytest.raises(LimbOverflowError, match="without its sign"):
        FIELD.reduce(FIELD.difference(WIDEST, times(FIELD.product(WIDEST, WIDEST), 9)))


# Numbers: against plain integers, with limbs as large as they can be.


def value(limbs: Sequence[Limb]) -> int:
    return FIELD.number([limb.value for limb in limbs if isinstance(limb, Number)])


def samples(count: int) -> list[list[Limb]]:
    rng = random.Random(51)
    mixed = [[rng.choice([0, MOST, rng.randint(0, MOST)]) for _ in range(FIELD.size)] for _ in range(count)]
    near = [FIELD.digits(number) for number in (0, 1, 18, 19, P - 19, P - 1)]
    above = [
        [limb + (place == 0) * offset for place, limb in enumerate(FIELD.digits(P - 1))] for offset in (1, 2, 20)
    ]
    rows = [*near, *above, [MOST] * FIELD.size, *mixed]
    return [[Number(limb) for limb in row] for row in rows]


def check(field: Field25519) -> None:
    """Every operation of the field against integers."""
    rows = samples(150)
    for x, y in zip(rows, rows[1:] + rows[:1], strict=True):
        a, b = value(x), value(y)
        assert value(field.multiply(x, y)) == a * b % P
        assert value(field.reduce(field.product(x, y, x))) == (a * b + a) % P
        assert value(field.squared(x)) == a * a % P
        assert value(field.multiply(field.multiply(x, y), field.squared(y))) == a * b**3 % P
        assert value(field.reduce(field.square(x, y))) == (a * a + b) % P
        difference = field.difference(times(field.product(x, y), 2), field.square(y))
        assert value(field.reduce(difference)) == (2 * a * b - b * b) % P
        assert value(field.settle(add(x, field.negative(y)))) == (a - b) % P
        assert [limb.value for limb in field.canonical(x) if isinstance(limb, Number)] == field.digits(a)
        assert field.is_zero(x) == Number((1 << 64) - 1 if a == 0 else 0)


def test_arithmetic() -> None:
    check(FIELD)


class WrongFold(Field25519):
    """The carry out of the top counts 18 times."""

    def reduce(self, columns: Limbs) -> list[Limb]:
        carry = columns[-1] >> WIDTH
        limbs = super().reduce(columns)
        return [limbs[0] - carry, *limbs[1:]]


class LostCarry(Field25519):
    """The last carry of the canonical form is forgotten."""

    def canonical(self, x: Limbs) -> list[Limb]:
        return [limb & ((1 << WIDTH) - 1) for limb in self.reduce(x)]


class MissingReduction(Field25519):
    """Columns pass for an element."""

    def reduce(self, columns: Limbs) -> list[Limb]:
        return list(columns)


@pytest.mark.parametrize("faulty", [WrongFold, LostCarry, MissingReduction])
def test_a_planted_fault_is_found(faulty: type[Field25519]) -> None:
    with pytest.raises(AssertionError):
        check(faulty())


def test_a_missing_reduction_is_not_provable() -> None:
    with pytest.raises(LimbOverflowError, match="is multiplied"):
        MissingReduction().multiply(MissingReduction().multiply(WIDEST, WIDEST), WIDEST)


# Vectors: what the processor computes in each lane is what numbers say.


def every_operation(x: Limbs, y: Limbs) -> list[Limb]:
    product, square = FIELD.product(x, y, x), FIELD.square(x, y)
    results = [product, square, FIELD.difference(product, square), FIELD.reduce(product), FIELD.multiply(x, y)]
    results += [
        FIELD.squared(x),
        FIELD.settle(FIELD.negative(y)),
        FIELD.canonical(x),
        FIELD.words(FIELD.canonical(y)),
    ]
    return [limb for result in results for limb in result] + [FIELD.is_zero(x)]


RESULTS = len(every_operation([Number(0)] * FIELD.size, [Number(0)] * FIELD.size))
staged_operations = staged(every_operation)


@pytest.mark.skipif(
    not {"avx512f", "avx512ifma"} <= processor.features(),
    reason="the processor has no AVX-512 with the 52-bit multiplier",
)
def test_vectors_compute_what_numbers_do() -> None:
    @numba.njit(types.void(types.Array(types.uint64, 2, "C")))
    def kernel(memory):  # type: ignore[no-untyped-def]
        element = zeros(5, LANES)
        store(staged_operations(load(element, memory, 0), load(element, memory, 5)), memory, 10)

    rows = samples(150)
    for start in range(0, len(rows) - 2 * LANES, LANES):
        memory = scratch(10 + RESULTS, LANES)
        for lane in range(LANES):
            operands = [*rows[start + lane], *rows[start + LANES + lane]]
            memory[:10, lane] = [limb.value for limb in operands if isinstance(limb, Number)]
        kernel(memory)
        for lane in range(LANES):
            results = every_operation(rows[start + lane], rows[start + LANES + lane])
            assert memory[10:, lane].tolist() == [limb.value for limb in results if isinstance(limb, Number)]
