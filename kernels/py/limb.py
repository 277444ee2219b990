"""Words of 64 bits, abstract: arithmetic on large numbers is written once over them and runs on several targets.

A *limb* is a digit of a large number, or an intermediate value, in 64 bits. The text of a field or of a group law
is plain Python over limbs. What the limbs are decides what comes of it:

- `Number`: Python integers. It computes, readably, and is what the other targets are tested against;
- `Interval`: the least and the most that a limb can be. It proves that nothing overflows: running the text over
  the widest limbs that may enter either shows what may come out, or raises `LimbOverflowError`;
- `lanes.Lanes`: vectors of the processor. It emits machine code for a signature in every lane.

Text that all of them run takes no branches on the value of a limb; it selects by masks, which are 0 or all ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Literal, Self, TypeAlias

BITS = 64
WRAP = (1 << BITS) - 1
MULTIPLIER_BITS = 52
MULTIPLIER_MASK = (1 << MULTIPLIER_BITS) - 1

Operation = Literal[
    "add", "subtract", "multiply", "and", "or", "xor", "left", "right", "signed right", "rotate", "swap", "low",
    "high", "multiply 32", "is zero", "select",
]  # fmt: skip


Operand: TypeAlias = "Sequence[Limb] | int | None"
"""What a routine takes."""


class Limb(ABC):
    """One 64-bit word. Numbers mix with limbs: `x + 1`, `19 * x`, `low(0, x, y)`."""

    __slots__ = ()

    @abstractmethod
    def apply(self, operation: Operation, operands: Sequence[Self], distance: int = 0) -> Self:
        """The operation on these operands; `self` only says what kind of limb they are."""

    @abstractmethod
    def constant(self, value: int) -> Self:
        """This value mod 2^64, as the same kind of limb."""

    def call(self, name: str, text: Callable[..., list[Limb]], operands: Sequence[Operand]) -> list[Limb]:
        """text(*operands); what emits code may emit it once under this name, and call it."""
        del name
        return text(*operands)

    def lift(self, value: Self | int) -> Self:
        return self.constant(value) if isinstance(value, int) else value

    def __add__(self, other: Self | int) -> Self:
        return self if other == 0 and isinstance(other, int) else self.apply("add", (self, self.lift(other)))

    __radd__ = __add__

    def __sub__(self, other: Self | int) -> Self:
        return self.apply("subtract", (self, self.lift(other)))

    def __rsub__(self, other: int) -> Self:
        return self.apply("subtract", (self.lift(other), self))

    def __mul__(self, other: Self | int) -> Self:
        """The low 64 bits of the product; slow on most processors unless one factor is a small constant."""
        return self.apply("multiply", (self, self.lift(other)))

    __rmul__ = __mul__

    def __and__(self, other: Self | int) -> Self:
        return self.apply("and", (self, self.lift(other)))

    def __or__(self, other: Self | int) -> Self:
        return self.apply("or", (self, self.lift(other)))

    def __xor__(self, other: Self | int) -> Self:
        return self.apply("xor", (self, self.lift(other)))

    def __lshift__(self, distance: int) -> Self:
        return self.apply("left", (self,), distance) if distance else self

    def __rshift__(self, distance: int) -> Self:
        """Without sign."""
        return self.apply("right", (self,), distance) if distance else self

    def signed_shift(self, distance: int) -> Self:
        """To the right; the sign bit stays."""
        return self.apply("signed right", (self,), distance)

    def rotate(self, distance: int) -> Self:
        """To the right by 1 to 63 bits."""
        return self.apply("rotate", (self,), distance)

    def swap(self) -> Self:
        """With its eight bytes in reverse order."""
        return self.apply("swap", (self,))

    def is_zero(self) -> Self:
        """The mask: all ones where it is 0, else 0."""
        return self.apply("is zero", (self,))

    def select(self, yes: Self | int, no: Self | int) -> Self:
        """`yes` where this mask is all ones, `no` where it is 0."""
        return self.apply("select", (self, self.lift(yes), self.lift(no)))


def low(start: Limb | int, x: Limb | int, y: Limb | int) -> Limb:
    """start + the low 52 bits of x·y, for factors below 2^52."""
    return _fused("low", start, x, y)


def high(start: Limb | int, x: Limb | int, y: Limb | int) -> Limb:
    """start + the bits from the 52nd of x·y, for factors below 2^52."""
    return _fused("high", start, x, y)


def product32(x: Limb, y: Limb | int) -> Limb:
    """The product of the low 32 bits of each."""
    return x.apply("multiply 32", (x, x.lift(y)))


def routine(text: Callable[..., list[Limb]]) -> Callable[..., list[Limb]]:
    """Makes a method over limbs a function of the machine code, for text that is long and stands in many places.

    Its first argument is a sequence of limbs, further ones are sequences, numbers or None. A class has one such
    function for each of its methods and everything about its arguments that is not the value of a limb.
    """

    @wraps(text)
    def called(self: object, *operands: Operand) -> list[Limb]:
        (like, *_), *_ = operands  # type: ignore[misc]
        return like.call(f"{type(self).__name__}.{text.__name__}", partial(text, self), operands)

    return called


def _fused(operation: Operation, *operands: Limb | int) -> Limb:
    kind = next(x for x in operands if not isinstance(x, int))
    return kind.apply(operation, [kind.lift(x) for x in operands])


@dataclass(frozen=True, slots=True)
class Number(Limb):
    """A limb that is a Python integer, 0 to 2^64 - 1."""

    value: int

    def constant(self, value: int) -> Number:
        return Number(value & WRAP)

    def apply(self, operation: Operation, operands: Sequence[Number], distance: int = 0) -> Number:
        x, y, z = ([operand.value for operand in operands] + [0, 0])[:3]
        return Number(_compute(operation, x, y, z, distance) & WRAP)


def _compute(operation: Operation, x: int, y: int, z: int, distance: int) -> int:
    match operation:
        case "add":
            return x + y
        case "subtract":
            return x - y
        case "multiply":
            return x * y
        case "and":
            return x & y
        case "or":
            return x | y
        case "xor":
            return x ^ y
        case "left":
            return x << distance
        case "right":
            return x >> distance
        case "signed right":
            return (x - (x >> (BITS - 1) << BITS)) >> distance
        case "rotate":
            return x >> distance | x << (BITS - distance)
        case "swap":
            return int.from_bytes(x.to_bytes(8, "little"), "big")
        case "low":
            return x + ((y & MULTIPLIER_MASK) * (z & MULTIPLIER_MASK) & MULTIPLIER_MASK)
        case "high":
            return x + ((y & MULTIPLIER_MASK) * (z & MULTIPLIER_MASK) >> MULTIPLIER_BITS)
        case "multiply 32":
            return (x & 0xFFFFFFFF) * (y & 0xFFFFFFFF)
        case "is zero":
            return 0 if x else WRAP
        case "select":
            return y if x else z


class LimbOverflowError(ArithmeticError):
    """A limb can be larger than its place, or a factor larger than the multiplier takes."""


@dataclass(frozen=True, slots=True)
class Interval(Limb):
    """What a limb can be, from the least to the most, as the number that is meant and not as its bits.

    A number below zero stands for its two's complement. Only what is right for every number in between is
    derived: an operation for which that is not plain raises `LimbOverflowError`.
    """

    least: int
    most: int

    def __post_init__(self) -> None:
        if not -(1 << (BITS - 1)) <= self.least <= self.most <= WRAP:
            raise LimbOverflowError(f"{self.least} to {self.most} is no range of a limb")

    def constant(self, value: int) -> Interval:
        return Interval(value, value)

    def apply(self, operation: Operation, operands: Sequence[Interval], distance: int = 0) -> Interval:
        x, y, z = (list(operands) + [operands[0]] * 2)[:3]
        match operation:
            case "add":
                return Interval(x.least + y.least, x.most + y.most)
            case "subtract":
                return Interval(x.least - y.most, x.most - y.least)
            case "multiply":
                corners = [a * b for a in (x.least, x.most) for b in (y.least, y.most)]
                return Interval(min(corners), max(corners))
            case "and":
                tops = [v.most for v in (x, y) if v.least >= 0]
                if not tops:
                    return Interval(min(x.least, y.least), -1) if max(x.most, y.most) < 0 else _any_sign(x, y)
                return Interval(0, min(tops))
            case "or" | "xor":
                return _any_sign(x, y)
            case "left":
                return Interval(x.least << distance, x.most << distance)
            case "right":
                _require(x.least >= 0, f"{x} is shifted without its sign")
                return Interval(x.least >> distance, x.most >> distance)
            case "signed right":
                _require(x.most < 1 << (BITS - 1), f"{x} is shifted with a sign that is none")
                return Interval(x.least >> distance, x.most >> distance)
            case "rotate" | "swap":
                return Interval(0, WRAP)
            case "low" | "high":
                for factor in (y, z):
                    _require(factor.least >= 0 and factor.most <= MULTIPLIER_MASK, f"{factor} is multiplied")
                if operation == "low":
                    return Interval(x.least, x.most + min(MULTIPLIER_MASK, y.most * z.most))
                return Interval(
                    x.least + (y.least * z.least >> MULTIPLIER_BITS), x.most + (y.most * z.most >> MULTIPLIER_BITS)
                )
            case "multiply 32":
                for factor in (x, y):
                    _require(factor.least >= 0 and factor.most < 1 << 32, f"{factor} is multiplied")
                return Interval(x.least * y.least, x.most * y.most)
            case "is zero":
                return Interval(-1, 0)
            case "select":
                return Interval(min(y.least, z.least), max(y.most, z.most))


def _any_sign(x: Interval, y: Interval) -> Interval:
    """What the bits of both can make together."""
    bits = max(max(-v.least - 1, v.most, 0).bit_length() for v in (x, y))
    return Interval(-(1 << bits) if min(x.least, y.least) < 0 else 0, (1 << bits) - 1)


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise LimbOverflowError(fault)
