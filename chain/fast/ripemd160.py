"""RIPEMD-160 of many digests of 32 bytes, one in each lane (Dobbertin, Bosselaers, Preneel 1996)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import isqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types

from ...kernels.py.cache import compiled
from ...kernels.py.emit import I32, Call, Emitter
from ...kernels.py.word import MASK, Program, Word, constant, varyings
from .messages import WORDS, Words

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

LANES = 16
DIGEST_WORDS, HASH_WORDS = 8, 5

# The message words of the two lines, and the distances of their rotations, round by round.
_RHO = [7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8]
_IDENTITY = list(range(16))
_PI = [(9 * i + 5) % 16 for i in _IDENTITY]
_SHIFTS = [
    [11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8],
    [12, 13, 11, 15, 6, 9, 9, 7, 12, 15, 11, 13, 7, 8, 7, 7],
    [13, 15, 14, 11, 7, 7, 6, 8, 13, 14, 13, 12, 5, 5, 6, 9],
    [14, 11, 12, 14, 8, 6, 5, 5, 15, 12, 15, 14, 9, 9, 8, 6],
    [15, 12, 13, 13, 9, 5, 8, 6, 14, 11, 12, 11, 8, 6, 5, 5],
]
"""By round, and by the number of the message word that is added."""

_START = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]


def _root(of: int, degree: int) -> int:
    """The first 32 bits of a root of a small prime, or 0 of 0: 2^30 times a square root or a cube root."""
    if degree == 2:
        return isqrt(of << 60)
    root = 0
    for bit in range(31, -1, -1):
        if (root | 1 << bit) ** 3 <= of << 90:
            root |= 1 << bit
    return root


_LEFT_SUMMANDS = [_root(of, 2) for of in (0, 2, 3, 5, 7)]
_RIGHT_SUMMANDS = [_root(of, 3) for of in (2, 3, 5, 7, 0)]

_ONES = constant(MASK)


def _or(x: Word, y: Word) -> Word:
    return ((x ^ _ONES) & (y ^ _ONES)) ^ _ONES


_FUNCTIONS: list[Callable[[Word, Word, Word], Word]] = [
    lambda x, y, z: x ^ y ^ z,
    lambda x, y, z: (x & (y ^ z)) ^ z,
    lambda x, y, z: _or(x, y ^ _ONES) ^ z,
    lambda x, y, z: (z & (x ^ y)) ^ y,
    lambda x, y, z: x ^ _or(y, z ^ _ONES),
]


def ripemd160(message: Sequence[Word]) -> list[Word]:
    """The five little-endian words of the digest of a message of eight little-endian words."""
    block = [*message, constant(0x80), *[constant(0)] * 5, constant(32 * len(message)), constant(0)]
    start = [constant(word) for word in _START]
    left = _line(start, block, _IDENTITY, _FUNCTIONS, _LEFT_SUMMANDS)
    right = _line(start, block, _PI, _FUNCTIONS[::-1], _RIGHT_SUMMANDS)
    return [start[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5] for i in range(5)]


def _line(
    start: Sequence[Word],
    block: Sequence[Word],
    order: Sequence[int],
    functions: Sequence[Callable[[Word, Word, Word], Word]],
    summands: Sequence[int],
) -> list[Word]:
    """One of the two lines of five rounds; `order` is that of the message words in the first."""
    a, b, c, d, e = start
    for shifts, function, summand in zip(_SHIFTS, functions, summands, strict=True):
        for number in order:
            t = a + function(b, c, d) + block[number] + summand
            a, b, c, d, e = e, t.rotate(32 - shifts[number]) + e, b, c.rotate(32 - 10), d
        order = [_RHO[number] for number in order]
    return [a, b, c, d, e]


@cache
def program() -> Program:
    return Program(ripemd160(varyings(DIGEST_WORDS)))


def hashes(digests: Words) -> Words:
    """The RIPEMD-160 of each row: uint32 of shape (n, 8) to (n, 5), all as their bytes lie in memory."""
    found = np.empty((len(digests), HASH_WORDS), np.uint32)
    hash_digests()(digests, found)
    return found


@cache
def hash_digests() -> Callable[[Words, Words], None]:
    """`hash_digests(digests, found)`, of shapes (n, 8) and (n, 5)."""

    def hash_digests(digests: Any, found: Any) -> None:
        columns = np.zeros((DIGEST_WORDS, LANES), np.uint32)
        for first in range(0, len(digests), LANES):
            live = min(LANES, len(digests) - first)
            for lane in range(live):
                for word in range(DIGEST_WORDS):
                    columns[word, lane] = digests[first + lane, word]
            hash_columns(columns)
            for lane in range(live):
                for word in range(HASH_WORDS):
                    found[first + lane, word] = columns[word, lane]

    return compiled(hash_digests, types.void(WORDS, WORDS))


def _intrinsic(definition: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit their own code; hides from type checkers what becomes of them."""
    return extending.intrinsic(definition)


@_intrinsic
def hash_columns(_typing: Any, columns: Any) -> Any:
    """Replaces the first rows of an (8, 16) array, whose columns are digests, by the words of their hashes."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, LANES)
        base = call.builder.bitcast(call.data(0), emitter.type.as_pointer())
        rows = [call.builder.gep(base, [I32(row)]) for row in range(DIGEST_WORDS)]
        words = [call.builder.load(row, align=4) for row in rows]
        for word, row in zip(program().run(emitter, words), rows, strict=False):
            call.builder.store(word, row, align=4)
        return call.nothing()

    return types.void(columns), generate
