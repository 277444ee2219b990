"""Two numbers at a time: a field whose elements are pairs, so that a processor always has something to do.

The steps of a group law wait for each other, longer than their instructions take. Two of them, independent and
interleaved product by product, fill each other's gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .field import Field, Limbs
from .limb import Limb


class Pair(Field):
    """Elements, loose elements and columns of two numbers, those of the first before those of the second."""

    def __init__(self, half: Field) -> None:
        self.half = half
        self.modulus = half.modulus
        self.positions = (*half.positions, *half.positions)

    def digits(self, number: int) -> list[int]:
        """The limbs of a pair of the same number twice."""
        return self.half.digits(number) * 2

    def number(self, digits: Sequence[int]) -> int:
        raise TypeError(f"{len(digits)} limbs of a pair stand for two numbers")

    def multiply(self, x: Limbs, y: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return _both(lambda x, y, start: self.half.multiply(x, y, start, factor), x, y, start)

    def squared(self, x: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        return _both(lambda x, start: self.half.squared(x, start, factor), x, start)

    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        return _both(self.half.product, x, y, start)

    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        return _both(self.half.square, x, start)

    def reduce(self, columns: Limbs) -> list[Limb]:
        return _both(self.half.reduce, columns)

    def reduce_times(self, columns: Limbs, factor: int) -> list[Limb]:
        return _both(lambda half: self.half.reduce_times(half, factor), columns)

    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        return _both(self.half.difference, columns, others)

    def negative(self, x: Limbs) -> list[Limb]:
        return _both(self.half.negative, x)

    def settle(self, x: Limbs) -> list[Limb]:
        return _both(self.half.settle, x)

    def canonical(self, x: Limbs) -> list[Limb]:
        return _both(self.half.canonical, x)


def _both(text: Callable[..., list[Limb]], *pairs: Limbs | None) -> list[Limb]:
    firsts = [pair and pair[: len(pair) // 2] for pair in pairs]
    seconds = [pair and pair[len(pair) // 2 :] for pair in pairs]
    return text(*firsts) + text(*seconds)
