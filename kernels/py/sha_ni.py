"""SHA-256 by the instructions that x86 processors have for it (SHA-NI), as LLVM offers them.

One instruction takes one hash two rounds on, or extends its message schedule by a part of four words. The next has
to wait for the result, so several hashes are emitted in lockstep. A hash value lies in two vectors as the
instructions want it, lowest lane first: F, E, B, A, here `abef`, and H, G, D, C, here `cdgh`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeAlias, TypeVar

from llvmlite import ir

from .emit import I32, Emitter
from .search import DIGEST_WORDS, HEADER_WORDS
from .sha256 import H0, K, padding, rounds, schedule
from .word import Program, Word, uniforms

CHAINS = 4
"""Hashes in lockstep: two rounds take four cycles, and another two can begin every cycle."""

ROLLED = 2
"""Versions in lockstep, each with a first and a second hash, which makes four."""

PAIRS = 32
"""Of words in the schedule of a block."""

Value: TypeAlias = ir.Value
HashValue: TypeAlias = tuple[Value, Value]
Steps: TypeAlias = Generator[None, None, HashValue]
"""Yields after every instruction on which the next of the same hash has to wait."""

T = TypeVar("T")


@cache
def job_program() -> Program:
    """Leaves nothing to the device: the slots are the midstate, in the order of the vectors, and three words."""
    header = uniforms(HEADER_WORDS - 1)
    return Program([*_in_vectors(rounds(H0, schedule(header[:16]))), *header[16:]])


def top_words(builder: ir.IRBuilder, slots: Sequence[Value], nonces: Value) -> Value:
    """The top words for a vector of `CHAINS` nonces, from the slots of `job_program`."""
    machine, emitter = _Machine(builder), Emitter(builder, CHAINS)
    midstate, tail = machine.hash_value(slots[:8]), slots[8:]
    swapped = emitter.apply("swap", [nonces], 0)
    hashes = [
        machine.hash_twice(midstate, [*tail, builder.extract_element(swapped, I32(chain))])
        for chain in range(CHAINS)
    ]
    return machine.top_words(_in_lockstep(hashes))


def rolled_top_words(
    builder: ir.IRBuilder, before: Sequence[HashValue], midstates: Sequence[HashValue], kw: Callable[[int], Value]
) -> tuple[Value, list[HashValue]]:
    """The second hashes of some headers beside the first hashes of the next, whose schedule is at hand.

    So while the ones extend their schedules, the others have work for the instruction that does the rounds. From
    hash values, a vector of top words. From midstates, and pairs 0 to 31 of the words K_t + W_t, each in the
    lower half of a vector, the hash values that come `before` the next time.
    """
    machine = _Machine(builder)
    hashes = []
    for value, midstate in zip(before, midstates, strict=True):
        hashes += [machine.hash_digest(value), machine.compress(midstate, map(kw, range(PAIRS)))]
    results = _in_lockstep(hashes)
    return machine.top_words(results[::2]), results[1::2]


def leave_wide_lanes(builder: ir.IRBuilder) -> None:
    """Has to come between vectors of more than four lanes and these instructions, which do not know of more.

    They keep what a register holds above, so after wide lanes each waits for what was there before: on Zen 4 it
    makes hashing a quarter slower. LLVM sees to it between functions, not inside one.
    """
    name = "llvm.x86.avx.vzeroupper"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), []), name)
    builder.call(function, [])


def _in_vectors(words: Sequence[T]) -> list[T]:
    """The words A to H in the order in which the two vectors hold them."""
    a, b, c, d, e, f, g, h = words
    return [f, e, b, a, h, g, d, c]


def _in_lockstep(hashes: Sequence[Steps]) -> list[HashValue]:
    """What the generators return; all of them take the same number of steps."""
    while True:
        results = []
        for steps in hashes:
            try:
                next(steps)
            except StopIteration as end:
                results.append(end.value)
        if results:
            return results


class _Machine:
    """The instructions, and SHA-256 made of them; all vectors are four words of one hash."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self._builder = builder
        self._emitter = Emitter(builder, 4)

    def hash_twice(self, midstate: HashValue, last_words: Sequence[Value]) -> Steps:
        """SHA-256 of SHA-256 of a header, from its midstate and the four words of its second block."""
        message = [self._quad(last_words), *self._quads(padding(HEADER_WORDS))]
        first = yield from self.compress(midstate, self._schedule(message))
        return (yield from self.hash_digest(first))

    def hash_digest(self, digest: HashValue) -> Steps:
        """SHA-256 of what SHA-256 has put out."""
        message = [self._shuffle(*digest, (3, 2, 7, 6)), self._shuffle(*digest, (1, 0, 5, 4))]
        message += self._quads(padding(DIGEST_WORDS))
        initial = self.hash_value([I32(word.number) for word in _in_vectors(H0)])
        return (yield from self.compress(initial, self._schedule(message)))

    def compress(self, before: HashValue, kw: Iterable[Value]) -> Steps:
        """The hash value after one more block, whose schedule comes two words at a time."""
        abef, cdgh = before
        for two_words in kw:
            abef, cdgh = self._instruction("sha256rnds2", cdgh, abef, two_words), abef
            yield
        return self._add(abef, before[0]), self._add(cdgh, before[1])

    def _schedule(self, message: Sequence[Value]) -> Iterator[Value]:
        """K_t + W_t of a block of four quads, two words at a time in the lower half of a vector."""
        quads = list(message)
        for t in range(0, 64, 4):
            if t >= 16:
                w16, w12, w8, w4 = quads[-4:]
                w7 = self._shuffle(w8, w4, (1, 2, 3, 4))
                partial = self._add(self._instruction("sha256msg1", w16, w12), w7)
                quads.append(self._instruction("sha256msg2", partial, w4))
            kw = self._add(quads[t // 4], self._quad([I32(k) for k in K[t : t + 4]]))
            yield kw
            yield self._shuffle(kw, kw, (2, 3, 2, 3))

    def top_words(self, hashes: Sequence[HashValue]) -> Value:
        """Of each hash, as a vector."""
        emitter = Emitter(self._builder, len(hashes))
        vector = ir.Constant(emitter.type, ir.Undefined)
        for lane, (_, cdgh) in enumerate(hashes):
            word = self._builder.extract_element(cdgh, I32(0))
            vector = self._builder.insert_element(vector, word, I32(lane))
        return emitter.apply("swap", [vector], 0)

    def hash_value(self, words: Sequence[Value]) -> HashValue:
        """From its words in the order of the vectors."""
        return self._quad(words[:4]), self._quad(words[4:])

    def _quad(self, words: Sequence[Value]) -> Value:
        if all(isinstance(word, ir.Constant) for word in words):
            return ir.Constant(self._emitter.type, [word.constant for word in words])
        vector = ir.Constant(self._emitter.type, ir.Undefined)
        for lane, word in enumerate(words):
            vector = self._builder.insert_element(vector, word, I32(lane))
        return vector

    def _quads(self, words: Sequence[Word]) -> list[Value]:
        numbers = [I32(word.number) for word in words]
        return [self._quad(numbers[first : first + 4]) for first in range(0, len(numbers), 4)]

    def _add(self, x: Value, y: Value) -> Value:
        return self._emitter.apply("add", [x, y], 0)

    def _shuffle(self, x: Value, y: Value, lanes: Sequence[int]) -> Value:
        """These of the lanes 0 to 3 of x and 4 to 7 of y."""
        return self._builder.shuffle_vector(x, y, ir.Constant(self._emitter.type, list(lanes)))

    def _instruction(self, name: str, *operands: Value) -> Value:
        name = f"llvm.x86.{name}"
        function = self._builder.module.globals.get(name)
        if function is None:
            quad = self._emitter.type
            function = ir.Function(self._builder.module, ir.FunctionType(quad, [quad] * len(operands)), name)
        return self._builder.call(function, operands)
