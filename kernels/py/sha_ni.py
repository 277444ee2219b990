"""SHA-256 by the instructions that x86 processors have for it (SHA-NI), as LLVM offers them.

One instruction takes one hash two rounds on, or extends its message schedule by a part of four words. The next has
to wait for the result, so several hashes are emitted in lockstep. A hash value lies in two vectors as the
instructions want it, lowest lane first: F, E, B, A, here `abef`, and H, G, D, C, here `cdgh`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import cache
from typing import TypeAlias

from llvmlite import ir

from .emit import I32, Emitter
from .search import DIGEST_WORDS, HEADER_WORDS
from .sha256 import H0, K, padding, rounds, schedule
from .word import Program, Word, uniforms

CHAINS = 4
"""Hashes in lockstep: two rounds take four cycles, and another two can begin every cycle."""

Value: TypeAlias = ir.Value
HashValue: TypeAlias = tuple[Value, Value]
Steps: TypeAlias = Generator[None, None, HashValue]
"""Yields after every instruction on which the next of the same hash has to wait."""


@cache
def job_program() -> Program:
    """Leaves nothing to the device: the slots are the midstate, eight words, and the three before the nonce."""
    header = uniforms(HEADER_WORDS - 1)
    return Program([*rounds(H0, schedule(header[:16])), *header[16:]])


def top_words(builder: ir.IRBuilder, slots: Sequence[Value], nonces: Value) -> Value:
    """The top words for a vector of `CHAINS` nonces, from the slots of `job_program`."""
    machine, emitter = _Machine(builder), Emitter(builder, CHAINS)
    midstate, tail = machine.hash_value(slots[:8]), slots[8:]
    swapped = emitter.apply("swap", [nonces], 0)
    hashes = [
        machine.hash_twice(midstate, [*tail, builder.extract_element(swapped, I32(chain))])
        for chain in range(CHAINS)
    ]
    last_words = [builder.extract_element(cdgh, I32(0)) for _, cdgh in _in_lockstep(hashes)]
    return emitter.apply("swap", [machine.quad(last_words)], 0)


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
        message = [self.quad(last_words), *self._quads(padding(HEADER_WORDS))]
        abef, cdgh = yield from self._compress(midstate, message)
        digest = [self._shuffle(abef, cdgh, (3, 2, 7, 6)), self._shuffle(abef, cdgh, (1, 0, 5, 4))]
        initial = self.hash_value([I32(word.number) for word in H0])
        return (yield from self._compress(initial, [*digest, *self._quads(padding(DIGEST_WORDS))]))

    def _compress(self, before: HashValue, message: Sequence[Value]) -> Steps:
        """The hash value after one more block of four quads."""
        abef, cdgh = before
        quads = list(message)
        for t in range(0, 64, 4):
            if t >= 16:
                w16, w12, w8, w4 = quads[-4:]
                w7 = self._shuffle(w8, w4, (1, 2, 3, 4))
                partial = self._add(self._instruction("sha256msg1", w16, w12), w7)
                quads.append(self._instruction("sha256msg2", partial, w4))
            kw = self._add(quads[t // 4], self.quad([I32(k) for k in K[t : t + 4]]))
            for two_words in (kw, self._shuffle(kw, kw, (2, 3, 2, 3))):
                abef, cdgh = self._instruction("sha256rnds2", cdgh, abef, two_words), abef
                yield
        return self._add(abef, before[0]), self._add(cdgh, before[1])

    def hash_value(self, words: Sequence[Value]) -> HashValue:
        """From the words A to H."""
        a, b, c, d, e, f, g, h = words
        return self.quad([f, e, b, a]), self.quad([h, g, d, c])

    def quad(self, words: Sequence[Value]) -> Value:
        if all(isinstance(word, ir.Constant) for word in words):
            return ir.Constant(self._emitter.type, [word.constant for word in words])
        vector = ir.Constant(self._emitter.type, ir.Undefined)
        for lane, word in enumerate(words):
            vector = self._builder.insert_element(vector, word, I32(lane))
        return vector

    def _quads(self, words: Sequence[Word]) -> list[Value]:
        numbers = [I32(word.number) for word in words]
        return [self.quad(numbers[first : first + 4]) for first in range(0, len(numbers), 4)]

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
