"""Words with binding times: code written once, of which only the part that varies with the nonce is emitted.

A `Word` is a 32-bit number that is described, not yet computed: a node in a graph of operations. How soon its
value is known is its *binding time*:

- static: known while the code is written (SHA-256's constants), so Python computes it at once;
- uniform: known once per job (everything in a header but its nonce), so the host computes it;
- varying: different for every nonce, so the device computes it.

An algorithm is plain Python over words. `Program` takes the words that are wanted in the end, finds what they
need, leaves the static and uniform parts to the host and hands the rest to a `Target`, which computes or emits
it. The uniform values that the rest refers to are the job's *slots*. Nobody has to work out by hand what could
be prepared or left out: midstate, prepared schedule words and skipped last rounds all follow from the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from typing import Literal, NoReturn, Protocol, TypeVar

MASK = 0xFFFFFFFF

Operation = Literal["add", "xor", "and", "rotate", "shift", "swap"]
"""Sum mod 2^32, bitwise xor and and, rotation and shift right by a static distance, reversal of the bytes."""


class Time(IntEnum):
    """When a word's value is known; an operation is as late as its latest operand."""

    STATIC = 0
    UNIFORM = 1
    VARYING = 2


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One 32-bit number, either a constant, an input, or an operation on other words."""

    time: Time
    operation: Operation | None
    """None for constants and inputs."""

    operands: tuple[Word, ...]
    number: int
    """A constant's value, an input's index in its binding time, a rotation's or shift's distance, or 0."""

    def __add__(self, other: Word | int) -> Word:
        return _make("add", self, other)

    def __xor__(self, other: Word) -> Word:
        return _make("xor", self, other)

    def __and__(self, other: Word) -> Word:
        return _make("and", self, other)

    def rotate(self, distance: int) -> Word:
        """Rotated to the right by 1 to 31 bits."""
        return _make("rotate", self, number=distance)

    def shift(self, distance: int) -> Word:
        """Shifted to the right by 1 to 31 bits."""
        return _make("shift", self, number=distance)

    def swap(self) -> Word:
        """With its four bytes in reverse order."""
        return _make("swap", self)


def constant(value: int) -> Word:
    return Word(Time.STATIC, None, (), value & MASK)


def uniforms(count: int) -> list[Word]:
    """The numbered inputs that a job fixes."""
    return [Word(Time.UNIFORM, None, (), index) for index in range(count)]


def varyings(count: int) -> list[Word]:
    """The numbered inputs that differ from one evaluation to the next."""
    return [Word(Time.VARYING, None, (), index) for index in range(count)]


def _make(operation: Operation, *operands: Word | int, number: int = 0) -> Word:
    words = tuple(constant(x) if isinstance(x, int) else x for x in operands)
    time = max(word.time for word in words)
    if time is Time.STATIC:
        return constant(INTEGERS.apply(operation, [word.number for word in words], number))
    if operation == "add":
        for word, other in (words, words[::-1]):
            if word.time is Time.STATIC and word.number == 0:
                return other
    return Word(time, operation, words, number)


Value = TypeVar("Value")


class Target(Protocol[Value]):
    """What computes: its own kind of 32-bit values, and the operations on them."""

    def constant(self, value: int) -> Value: ...

    def apply(self, operation: Operation, operands: Sequence[Value], distance: int) -> Value:
        """The operation's result; `distance` counts for rotations and shifts alone."""
        ...


class Integers:
    """The target of plain Python integers: for what the host computes, and the oracle of this family."""

    def constant(self, value: int) -> int:
        return value

    def apply(self, operation: Operation, operands: Sequence[int], distance: int) -> int:
        x, y = operands[0], operands[-1]
        match operation:
            case "add":
                return (x + y) & MASK
            case "xor":
                return x ^ y
            case "and":
                return x & y
            case "rotate":
                return (x >> distance | x << (32 - distance)) & MASK
            case "shift":
                return x >> distance
            case "swap":
                return int.from_bytes(x.to_bytes(4, "little"), "big")


INTEGERS = Integers()


def _no_slots(index: int) -> NoReturn:
    raise IndexError(f"the program needs slot {index} of a job and was given none")


class Program:
    """What a host computes once per job, and a device for every nonce, to get the words that are wanted."""

    def __init__(self, outputs: Sequence[Word]) -> None:
        self._outputs, self._slots = _split(outputs)
        self._device_order = _in_order(self._outputs)
        self._host_order = _in_order(self._slots)

    @property
    def slot_count(self) -> int:
        return len(self._slots)

    @property
    def output_count(self) -> int:
        return len(self._outputs)

    def slots(self, uniforms: Sequence[int]) -> list[int]:
        """The host's part: the slots of the job that has these uniform inputs."""
        values = _evaluate(self._host_order, INTEGERS, lambda word: uniforms[word.number])
        return [values[word] for word in self._slots]

    def run(
        self, target: Target[Value], varyings: Sequence[Value], slot: Callable[[int], Value] = _no_slots
    ) -> list[Value]:
        """The device's part: the wanted words, from the varying inputs and a job's slots, fetched by index."""

        def leaf(word: Word) -> Value:
            return varyings[word.number] if word.time is Time.VARYING else slot(word.number)

        values = _evaluate(self._device_order, target, leaf)
        return [values[word] for word in self._outputs]


def _evaluate(order: Sequence[Word], target: Target[Value], leaf: Callable[[Word], Value]) -> dict[Word, Value]:
    values: dict[Word, Value] = {}
    for word in order:
        if word.operation is not None:
            operands = [values[operand] for operand in word.operands]
            values[word] = target.apply(word.operation, operands, word.number)
        elif word.time is Time.STATIC:
            values[word] = target.constant(word.number)
        else:
            values[word] = leaf(word)
    return values


def _in_order(outputs: Sequence[Word]) -> list[Word]:
    """Every word that the outputs need, each once and after its operands."""
    done: dict[Word, None] = {}
    stack = list(reversed(outputs))
    while stack:
        missing = [operand for operand in stack[-1].operands if operand not in done]
        if missing:
            stack.extend(reversed(missing))
        else:
            done[stack.pop()] = None
    return list(done)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A word as a sum: varying terms that the device has to add up, and all that is known before."""

    terms: tuple[Word, ...]
    known: Word


def _split(outputs: Sequence[Word]) -> tuple[list[Word], list[Word]]:
    """The same words for the device alone, with a numbered input in place of all that is uniform; and the slots.

    Sums are where binding times mix: of all that is known in h + K + W + ... one number should be left. So a sum
    is dissolved into the sums that use it, where this does not make the device add the same terms twice.
    """
    order = _in_order(outputs)
    uses = Counter(operand for word in order for operand in word.operands)
    uses.update(outputs)
    uses_as_term = Counter(operand for word in order if word.operation == "add" for operand in word.operands)

    slots: dict[Word, Word] = {}
    sums: dict[Word, _Sum] = {}
    emitted: dict[Word, Word] = {}

    def for_device(word: Word) -> Word:
        match word.time:
            case Time.STATIC:
                return word
            case Time.UNIFORM:
                return slots.setdefault(word, Word(Time.UNIFORM, None, (), len(slots)))
            case Time.VARYING:
                return emitted[word]

    for word in order:
        if word.time is not Time.VARYING:
            sums[word] = _Sum((), word)
            continue
        sums[word] = _Sum((word,), constant(0))
        if word.operation is None:
            emitted[word] = word
        elif word.operation != "add":
            operands = tuple(for_device(operand) for operand in word.operands)
            emitted[word] = Word(Time.VARYING, word.operation, operands, word.number)
        else:
            left, right = (sums[operand] for operand in word.operands)
            whole = _Sum(left.terms + right.terms, left.known + right.known)
            used_once = uses[word] == 1
            used_in_sums_only = uses[word] == uses_as_term[word]
            if used_in_sums_only and (used_once or len(whole.terms) == 1):
                sums[word] = whole
            else:
                emitted[word] = reduce(Word.__add__, map(for_device, whole.terms), for_device(whole.known))
    return [for_device(word) for word in outputs], list(slots)
