"""What the group laws need of a prime field, whatever the representation: the contract of the field files.

Three kinds of values, all of them limbs (`limb.py`), from the lowest:

- an *element* is what `reduce` and `settle` return: limbs that fit the multiplier, of a number that need not be
  below the modulus;
- a *loose* element is a sum or negative of elements: its limbs are too large to be multiplied, until `settle`;
- *columns* are a product before it is reduced. Sums of products are formed on columns, so that they share one
  reduction.

Every field states its bounds beside its representation, and a test proves them by running the text over intervals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .limb import Limb

Limbs = Sequence[Limb]


class Field(ABC):
    """Numbers modulo a prime, in limbs of which the i-th counts 2^positions[i]."""

    modulus: int
    positions: Sequence[int]

    @property
    def size(self) -> int:
        """How many limbs an element has."""
        return len(self.positions)

    def digits(self, number: int) -> list[int]:
        """The limbs of a number from 0 to modulus - 1."""
        ends = [*self.positions[1:], self.modulus.bit_length()]
        return [number >> at & (1 << (end - at)) - 1 for at, end in zip(self.positions, ends, strict=True)]

    def number(self, digits: Sequence[int]) -> int:
        """What limbs stand for, reduced."""
        return sum(digit << at for digit, at in zip(digits, self.positions, strict=True)) % self.modulus

    def constant(self, like: Limb, number: int) -> list[Limb]:
        """The element for a static number, of the kind of limb that `like` is."""
        return [like.lift(digit) for digit in self.digits(number % self.modulus)]

    def of_words(self, words: Limbs) -> list[Limb]:
        """The element for a number below 2^256 in four words of 64 bits, from the lowest."""
        limbs = []
        for at, end in zip(self.positions, [*self.positions[1:], 256], strict=True):
            word, bit = divmod(at, 64)
            limb, over = words[word] >> bit, end - 64 * (word + 1)
            if over > 0:
                limbs.append(limb | (words[word + 1] & (1 << over) - 1) << (64 - bit))
            else:
                limbs.append(limb & (1 << (end - at)) - 1)
        return limbs

    def words(self, x: Limbs) -> list[Limb]:
        """The four words of 64 bits, from the lowest, of a canonical element."""
        words = [x[0].lift(0)] * 4
        for at, end, limb in zip(self.positions, [*self.positions[1:], 256], x, strict=True):
            word, bit = divmod(at, 64)
            if end - 64 * word > 64:
                words[word] = words[word] | (limb & (1 << (64 - bit)) - 1) << bit
                words[word + 1] = limb >> (64 - bit)
            else:
                words[word] = words[word] | limb << bit
        return words

    def multiply(self, x: Limbs, y: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        """The element for (x·y + start)·factor, where `start` is loose and the factor small."""
        return self.reduce_times(self.product(x, y, start), factor)

    def squared(self, x: Limbs, start: Limbs | None = None, factor: int = 1) -> list[Limb]:
        """The element for (x² + start)·factor."""
        return self.reduce_times(self.square(x, start), factor)

    @abstractmethod
    def product(self, x: Limbs, y: Limbs, start: Limbs | None = None) -> list[Limb]:
        """Columns of x·y + start, where `start` is a loose element or columns; that costs nothing."""

    @abstractmethod
    def square(self, x: Limbs, start: Limbs | None = None) -> list[Limb]:
        """Columns of x² + start, where `start` is a loose element."""

    @abstractmethod
    def reduce(self, columns: Limbs) -> list[Limb]:
        """The element that columns stand for."""

    def reduce_times(self, columns: Limbs, factor: int) -> list[Limb]:
        """The element that the columns times a small factor stand for."""
        return self.reduce(columns if factor == 1 else times(columns, factor))

    @abstractmethod
    def difference(self, columns: Limbs, others: Limbs) -> list[Limb]:
        """Columns minus columns, with a multiple of the modulus that keeps them above 0."""

    @abstractmethod
    def negative(self, x: Limbs) -> list[Limb]:
        """-x, loose, for an element x."""

    def opposite(self, x: Limbs) -> list[Limb]:
        """-x, loose, for a canonical element; what it settles to can be negated once more."""
        return self.negative(x)

    @abstractmethod
    def settle(self, x: Limbs) -> list[Limb]:
        """The element that a loose one stands for."""

    @abstractmethod
    def canonical(self, x: Limbs) -> list[Limb]:
        """The one representation that is below the modulus, of an element."""

    def is_zero(self, x: Limbs) -> Limb:
        """The mask of the lanes in which an element is 0."""
        return any_bits(self.canonical(x)).is_zero()


def add(x: Limbs, y: Limbs) -> list[Limb]:
    """The sum of loose elements, or of columns, limb by limb."""
    return [a + b for a, b in zip(x, y, strict=True)]


def times(x: Limbs, factor: int) -> list[Limb]:
    """Columns or loose elements times a small power of two, or the sum that makes another small factor."""
    doubled = x if factor == 1 else [limb << (factor.bit_length() - 1) for limb in x]
    rest = factor - (1 << (factor.bit_length() - 1))
    return add(doubled, times(x, rest)) if rest else list(doubled)


def select(mask: Limb, yes: Limbs, no: Limbs) -> list[Limb]:
    """`yes` in the lanes where the mask is all ones, `no` where it is 0."""
    return [mask.select(a, b) for a, b in zip(yes, no, strict=True)]


def any_bits(x: Limbs) -> Limb:
    """The limbs or-ed together."""
    total = x[0]
    for limb in x[1:]:
        total = total | limb
    return total


def below(x: Limbs, digits: Sequence[int], widths: Sequence[int]) -> Limb:
    """The mask of the lanes in which a number, in limbs that have no more bits than `widths`, is below another."""
    borrow = x[0].lift(0)
    for limb, digit, width in zip(x, digits, widths, strict=True):
        borrow = (limb - digit + borrow).signed_shift(width)
    return borrow
