"""Programs over words against the same operations on Python's integers, and what binding times leave to emit."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.kernels.py.word import INTEGERS, Operation, Program, Time, Word, constant, uniforms, varyings

UNIFORMS, VARYINGS = 3, 2

numbers = st.integers(0, 2**32 - 1)

# Each operation on words beside the same on integers, in other terms than the target of integers has it. Sums come
# more often than the rest, for they are what programs rearrange.
ADD: tuple[Callable[[Word, Word], Word], Callable[[int, int], int]] = (operator.add, lambda x, y: (x + y) % 2**32)
OPERATIONS: list[tuple[Callable[[Word, Word], Word], Callable[[int, int], int]]] = [
    *[ADD] * 5,
    (operator.xor, operator.xor),
    (operator.and_, operator.and_),
    (lambda x, _: x.rotate(1), lambda x, _: int(f"{x:032b}"[-1:] + f"{x:032b}"[:-1], 2)),
    (lambda x, _: x.rotate(25), lambda x, _: int(f"{x:032b}"[-25:] + f"{x:032b}"[:-25], 2)),
    (lambda x, _: x.shift(3), lambda x, _: x // 8),
    (lambda x, _: x.swap(), lambda x, _: int.from_bytes(x.to_bytes(4, "big"), "little")),
]

steps = st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 6), st.integers(0, 6))
"""An operation, and how far back its two operands are: words of all binding times, used once or many times."""


class Counting:
    """A target that computes nothing and counts the operations it is asked for."""

    def __init__(self) -> None:
        self.operations: Counter[Operation] = Counter()

    def constant(self, value: int) -> None:
        return None

    def apply(self, operation: Operation, operands: Sequence[None], distance: int) -> None:
        self.operations[operation] += 1


def emitted(*outputs: Word) -> Counter[Operation]:
    target = Counting()
    Program(outputs).run(target, [None] * VARYINGS, lambda _: None)
    return target.operations


@settings(deadline=None)
@given(st.lists(steps, min_size=1, max_size=40), st.lists(numbers, min_size=7, max_size=7), st.integers(1, 47))
def test_a_program_computes_what_the_operations_say(
    steps: list[tuple[int, int, int]], inputs: list[int], wanted: int
) -> None:
    words = [constant(inputs[0]), constant(inputs[1]), *uniforms(UNIFORMS), *varyings(VARYINGS)]
    values = list(inputs)
    for number, first, second in steps:
        on_words, on_integers = OPERATIONS[number]
        words.append(on_words(words[-1 - first], words[-1 - second]))
        values.append(on_integers(values[-1 - first], values[-1 - second]))
    program = Program(words[-wanted:])
    slots = program.slots(inputs[2:5])
    assert program.run(INTEGERS, inputs[5:], slots.__getitem__) == values[-wanted:]


def test_static_operations_are_computed_at_once() -> None:
    word = ((constant(0xFFFFFFFF) + 2) ^ constant(0x100)).rotate(8).swap()
    assert (word.time, word.number) == (Time.STATIC, 0x01000001)


def test_only_what_varies_is_emitted() -> None:
    a, b, _ = uniforms(UNIFORMS)
    n, _ = varyings(VARYINGS)
    assert emitted((a ^ b).rotate(7) + 5) == {}
    assert emitted(n ^ (a & b).rotate(3)) == {"xor": 1}


def test_the_known_terms_of_a_sum_become_one_slot() -> None:
    a, b, c = uniforms(UNIFORMS)
    n, m = varyings(VARYINGS)
    total = a + n + 7 + b + m + c + 9
    program = Program([total])
    assert program.slots([1, 2, 3]) == [22]
    assert emitted(total) == {"add": 2}


def test_no_terms_are_added_twice() -> None:
    a, b, _ = uniforms(UNIFORMS)
    n, m = varyings(VARYINGS)
    shared = n + m + a
    assert emitted(shared + b, shared.rotate(3), shared + (n & m)) == {"add": 4, "rotate": 1, "and": 1}


def test_a_constant_added_to_one_term_waits_for_the_sums_that_use_it() -> None:
    a, b, c = uniforms(UNIFORMS)
    n, m = varyings(VARYINGS)
    shared = n + a
    assert emitted(shared + (m + b), shared + (m.rotate(1) + c)) == {"add": 4, "rotate": 1}


def test_what_nothing_needs_is_not_emitted() -> None:
    n, m = varyings(VARYINGS)
    unused = n.rotate(5) ^ m
    assert emitted(n + m) == {"add": 1}
    assert emitted(unused) == {"rotate": 1, "xor": 1}


def test_a_uniform_output_is_a_slot() -> None:
    a, b, _ = uniforms(UNIFORMS)
    program = Program([a + b, constant(5)])
    assert program.run(INTEGERS, [], program.slots([1, 2]).__getitem__) == [3, 5]


def test_a_program_with_slots_cannot_run_without_them() -> None:
    [a] = uniforms(1)
    [n] = varyings(1)
    with pytest.raises(IndexError, match="needs slot 0"):
        Program([a ^ n]).run(INTEGERS, [1])


def test_a_deep_graph_needs_no_deep_stack() -> None:
    [n] = varyings(1)
    word = reduce(lambda word, _: (word ^ n).rotate(1), range(20_000), n)
    assert Program([word]).run(INTEGERS, [0]) == [0]
