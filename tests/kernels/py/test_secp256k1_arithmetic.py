"""The numbers and points of secp256k1: bounds proved, and text, lanes and plain integers in agreement."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

import numba
import numpy as np
import pytest

from quorate.kernels.py import curve_secp256k1 as curve
from quorate.kernels.py import generator_table, inverse, multiplier, scalar_secp256k1
from quorate.kernels.py.curve_secp256k1 import BETA, G, N
from quorate.kernels.py.field import Field, Limbs, add
from quorate.kernels.py.field_pair import Pair
from quorate.kernels.py.field_secp256k1 import SIZE, FieldIFMA, P
from quorate.kernels.py.lanes import load, scratch, staged, store, zeros
from quorate.kernels.py.limb import Interval, Limb, LimbOverflowError, Number

from ..signature_oracle import Point, times
from ..signature_oracle import add as sum_of

FIELD = FieldIFMA()
WIDEST = [2**52 - 1] * 4 + [2**48 + 1023]
"""What `reduce` returns."""

SETTLED = [2**52 - 1] * 4 + [2**51 - 1]


# Bounds.


def upto(most: Sequence[int]) -> list[Interval]:
    return [Interval(0, bound) for bound in most]


def mosts(x: Limbs) -> list[int]:
    return [limb.most for limb in x if isinstance(limb, Interval)]


def all_within(elements: Sequence[Limbs], most: Sequence[int]) -> bool:
    return all(value <= bound for x in elements for value, bound in zip(mosts(x), most, strict=True))


def test_group_laws_stay_within_the_bounds() -> None:
    x = upto(WIDEST)
    canonical = upto([2**52 - 1] * 4 + [2**48 - 1])
    opposite = mosts(FIELD.opposite(canonical))
    y = FIELD.settle(upto([max(one, other) for one, other in zip(opposite, mosts(canonical), strict=True)]))
    results = [
        *curve.doubled(FIELD, [x, x, x]),
        *curve.doubled(FIELD, [x, y, x]),
        *curve.sum_with(FIELD, [x, x, x], x, y),
        *curve.sum_with(FIELD, [x, y, x], x, y),
        *curve.affine_sum(FIELD, [x, y], x, y, x),
        *curve.complete_double(FIELD, [x, x, x]),
        *curve.complete_sum(FIELD, [x, x, x], x, y),
        *curve.jacobian(FIELD, [x, x, x]),
        curve.curve(FIELD, x),
    ]
    assert all_within(results, WIDEST)
    assert all_within([FIELD.settle(add(x, FIELD.negative(x)))], SETTLED)


def test_columns_of_sums_of_products_reduce() -> None:
    x = upto(SETTLED)
    columns = add(FIELD.product(x, x), FIELD.square(x, FIELD.negative(upto(WIDEST))))
    assert all_within([FIELD.reduce_times(columns, 4)], WIDEST)
    reduced = upto(WIDEST)
    columns = add(FIELD.product(reduced, reduced), FIELD.square(reduced))
    assert all_within([FIELD.reduce(FIELD.difference(columns, columns))], WIDEST)


def test_wider_limbs_are_refused() -> None:
    with pytest.raises(LimbOverflowError):
        FIELD.product(upto([2**52] * SIZE), upto(WIDEST))
    with pytest.raises(LimbOverflowError):
        FIELD.reduce(upto([2**64 - 2**10] * 10))


# Numbers, against integers.


def numbers(digits: Sequence[int]) -> list[Number]:
    return [Number(digit) for digit in digits]


def values(x: Limbs) -> list[int]:
    return [limb.value for limb in x if isinstance(limb, Number)]


def value(x: Limbs) -> int:
    return FIELD.number(values(x))


def elements(count: int) -> list[list[Number]]:
    rng = random.Random("secp256k1")
    known = [numbers(FIELD.digits(n)) for n in (0, 1, 2, P - 1, P - 2, P // 2)]
    known += [numbers(WIDEST), numbers([0] * 4 + [2**48]), numbers([*FIELD.digits(P - 1)[1:], 2**48 - 1])]
    known += [numbers([(P >> 52 * i) & (2**52 - 1) for i in range(SIZE)])]
    mixed = [[rng.choice([0, most, rng.randint(0, most)]) for most in WIDEST] for _ in range(count)]
    return known + [numbers(digits) for digits in mixed]


def check_field(field: Field) -> None:
    """A wrong carry anywhere fails it."""
    xs = elements(200)
    for x, y in zip(xs, reversed(xs), strict=True):
        a, b = value(x), value(y)
        assert value(field.multiply(x, y)) == a * b % P
        assert value(field.squared(x)) == a * a % P
        assert value(field.reduce(field.product(x, y, field.negative(y)))) == (a * b - b) % P
        assert value(field.reduce(field.square(x, add(x, field.negative(y))))) == (a * a + a - b) % P
        assert value(field.reduce(field.product(x, y, field.square(y)))) == (a * b + b * b) % P
        assert value(field.reduce_times(field.product(x, y), 3)) == 3 * a * b % P
        assert value(field.reduce(field.difference(field.product(x, y), field.square(y)))) == (a * b - b * b) % P
        assert value(field.settle(add(x, field.negative(y)))) == (a - b) % P
        proper = field.canonical(x)
        assert values(proper) == field.digits(a)
        assert value(field.opposite(proper)) == -a % P
        assert value(field.of_words(field.words(proper))) == a
        assert values([field.is_zero(x)]) == [0 if a else 2**64 - 1]


def test_arithmetic_is_that_of_integers() -> None:
    check_field(FIELD)


class WrongCarry(FieldIFMA):
    """A carry of the last chain is lost."""

    def settle(self, x: Limbs) -> list[Limb]:
        right = super().settle(x)
        return [*right[:3], x[3] & 2**52 - 1, right[4]]


class MissingReduction(FieldIFMA):
    """An element is not brought below P."""

    def canonical(self, x: Limbs) -> list[Limb]:
        return self.tight(x)


@pytest.mark.parametrize("fault", [WrongCarry, MissingReduction])
def test_planted_faults_are_caught(fault: type[Field]) -> None:
    with pytest.raises(AssertionError):
        check_field(fault())


@pytest.mark.skipif(not multiplier.is_fused(), reason="the processor has no 52-bit multiplier")
def test_lanes_compute_what_numbers_do() -> None:
    def text(x: Limbs, y: Limbs) -> list[Limb]:
        point = curve.doubled(FIELD, curve.sum_with(FIELD, [x, y, x], y, x))
        point = curve.jacobian(FIELD, curve.complete_double(FIELD, curve.complete_sum(FIELD, point, x, y)))
        return [limb for number in point for limb in FIELD.canonical(number)]

    intrinsic = staged(text)

    @numba.njit
    def run(memory):  # type: ignore[no-untyped-def]
        like = zeros(SIZE, 8)
        store(intrinsic(load(like, memory, 0), load(like, memory, SIZE)), memory, 2 * SIZE)

    xs = elements(6)[-16:]
    memory = scratch(5 * SIZE, 8)
    for lane in range(8):
        memory[: 2 * SIZE, lane] = [*values(xs[lane]), *values(xs[lane + 8])]
    run(memory)
    for lane in range(8):
        assert memory[2 * SIZE :, lane].tolist() == values(text(xs[lane], xs[lane + 8]))


def test_a_pair_is_two_numbers() -> None:
    pair = Pair(FIELD)
    xs = elements(4)
    for x, y in zip(xs, reversed(xs), strict=True):
        halves = curve.sum_with(FIELD, [x, y, x], y, x), curve.sum_with(FIELD, [y, x, y], x, y)
        both = curve.sum_with(pair, [x + y, y + x, x + y], y + x, x + y)
        assert both == [one + other for one, other in zip(*halves, strict=True)]
        assert pair.canonical(x + y) == FIELD.canonical(x) + FIELD.canonical(y)


# Points, against the oracle.

POINTS = [times(k, G) for k in (1, 2, 3, 7, N - 1, N - 2, 2**200 + 1)]


def homogeneous(point: Point, z: int) -> list[list[Number]]:
    x, y, z = (point[0] * z, point[1] * z, z) if point else (0, z, 0)
    return [numbers(FIELD.digits(number % P)) for number in (x, y, z)]


def affine(point: Sequence[Limbs], weights: tuple[int, int]) -> Point:
    x, y, z = (value(number) for number in point)
    return (x * pow(z, -weights[0], P) % P, y * pow(z, -weights[1], P) % P) if z else None


@pytest.mark.parametrize("first", [None, *POINTS])
def test_group_laws(first: Point) -> None:
    start = homogeneous(first, 0x1234567 << 200)
    assert affine(curve.complete_double(FIELD, start), (1, 1)) == sum_of(first, first)
    fast = curve.jacobian(FIELD, start)
    assert affine(fast, (2, 3)) == first
    assert affine(curve.doubled(FIELD, fast), (2, 3)) == negative(sum_of(first, first))
    for second in POINTS:
        assert second
        x, y = (numbers(FIELD.digits(number)) for number in second)
        total = sum_of(first, second)
        assert affine(curve.complete_sum(FIELD, start, x, y), (1, 1)) == total
        quick = affine(curve.sum_with(FIELD, fast, x, y), (2, 3))
        exceptional = first is None or first[0] == second[0]
        assert quick == (None if exceptional else negative(total))


def negative(point: Point) -> Point:
    return (point[0], -point[1] % P) if point else None


def test_the_endomorphism() -> None:
    assert times(scalar_secp256k1.LAMBDA, G) == (BETA * G[0] % P, G[1])


# Multipliers.


def integer(x: Limbs) -> int:
    return sum(digit << 52 * place for place, digit in enumerate(values(x)))


def of_digits(digits: Sequence[Limb], width: int) -> int:
    total = 0
    for place, digit in enumerate(values(digits)):
        magnitude = 2 * (digit % scalar_secp256k1.SIGN) + 1
        assert magnitude < 2**width
        total += (-magnitude if digit >> 63 else magnitude) << (width * place)
    return total


def multipliers() -> list[int]:
    rng = random.Random("multipliers")
    known = [0, 1, 2, N - 1, N, N + 1, 2 * N - 1, 2 * N, scalar_secp256k1.LAMBDA, N // 2, 2**128, 2**256]
    return (
        known + [rng.randrange(N) for _ in range(300)] + [rng.getrandbits(rng.randrange(257)) for _ in range(300)]
    )


def test_multipliers_split_into_odd_halves() -> None:
    for u in multipliers():
        x = numbers(scalar_secp256k1.digits(u))
        total = 0
        for half, factor in zip(scalar_secp256k1.split(x), (1, scalar_secp256k1.LAMBDA), strict=True):
            signed = integer(half.limbs) * (-1 if values([half.negative])[0] else 1)
            assert signed % 2 == 1
            assert abs(signed) < 2**130
            assert of_digits(scalar_secp256k1.signed_digits(half.limbs, 5, 26, half.negative), 5) == signed
            total += signed * factor
        assert total % N == u % N


def test_products_modulo_the_order() -> None:
    for u, v in zip(multipliers(), reversed(multipliers()), strict=True):
        x, y = numbers(scalar_secp256k1.digits(u)), numbers(scalar_secp256k1.digits(v))
        product = scalar_secp256k1.multiply(x, y)
        assert integer(product) % N == u * v * pow(2, -260, N) % N
        assert integer(product) <= N + 2**254
        assert integer(scalar_secp256k1.reduced(product)) == integer(product) % N
        odd = scalar_secp256k1.odd(x)
        assert integer(odd) % N == u % N
        assert of_digits(scalar_secp256k1.signed_digits(odd, 13, 20), 13) == integer(odd)
        if u < 2**256:
            assert integer(scalar_secp256k1.negative(x)) == 2 * N - u
            assert integer(scalar_secp256k1.of_words(scalar_secp256k1.words(x))) == u


def test_products_modulo_the_order_do_not_overflow() -> None:
    x = upto([2**52 - 1] * 4 + [2**49])
    assert max(mosts(scalar_secp256k1.multiply(x, x))) < 2**52


# Inverses.


def inverses(modulus: int) -> Callable[[list[int]], list[int]]:
    @staged
    def constants(like: Limb) -> list[Limb]:
        return inverse.of_modulus(modulus, like)

    @numba.njit
    def run(memory):  # type: ignore[no-untyped-def]
        words = load(zeros(4, 4), memory, 0)
        store(inverse.inverse(words, constants(words[0])), memory, 4)

    def all_of(integers: list[int]) -> list[int]:
        memory = scratch(8, 4)
        memory[:4] = np.frombuffer(b"".join(x.to_bytes(32, "little") for x in integers), np.uint64).reshape(4, 4).T
        run(memory)
        rows = np.ascontiguousarray(memory[4:].T)
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    return all_of


@pytest.mark.parametrize("modulus", [P, N])
def test_inverses(modulus: int) -> None:
    rng = random.Random(modulus)
    run = inverses(modulus)
    known = [0, 1, 2, modulus - 1, modulus - 2, (modulus + 1) // 2, 2**255, 2**30]
    for integers in [known[:4], known[4:], *([rng.randrange(modulus) for _ in range(4)] for _ in range(50))]:
        assert run(integers) == [pow(x, -1, modulus) if x else 0 for x in integers]


# The generator's table.


def point_at(row: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> Point:
    return int.from_bytes(row[:4].tobytes(), "little"), int.from_bytes(row[4:].tobytes(), "little")


def test_the_table_has_odd_multiples_of_the_generator() -> None:
    table = generator_table.table()
    assert table.shape == (20 * 4096, 8)
    for window, index in ((0, 0), (0, 1), (0, 4095), (1, 0), (7, 1234), (19, 0), (19, 4095)):
        expected = times((2 * index + 1) << (13 * window), G)
        assert point_at(table[4096 * window + index]) == expected


def test_a_table_for_which_there_is_no_room_leaves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The limit on the size of a file stands in for a full disk: the write itself fails, after it began."""
    points = np.arange(1 << 20, dtype=np.uint64).reshape(-1, generator_table.WORDS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        generator_table._save(tmp_path / "points.table", points)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in caplog.text
    assert [*tmp_path.iterdir()] == []


def test_a_damaged_table_is_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = generator_table.table()
    monkeypatch.setattr(generator_table, "folder", lambda: tmp_path)
    generator_table._save(tmp_path / "points.table", right)
    (file,) = tmp_path.iterdir()
    loaded = generator_table._load(file)
    assert loaded is not None
    assert np.array_equal(loaded, right)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert generator_table._load(file) is None
    file.write_bytes(content[:1000])
    assert generator_table._load(file) is None
