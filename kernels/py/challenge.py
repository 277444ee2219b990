"""BIP 340's challenge, a tagged SHA-256, of many signatures: one in each SIMD lane."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import extending, types

from ..backend import Bytes2D
from .cache import compiled
from .emit import I32, Call, Emitter
from .sha256 import rounds, schedule
from .word import INTEGERS, Program, varyings

LANES = 16
STATE_WORDS, BLOCK_WORDS = 8, 16
BLOCK_BYTES = 64
LENGTH_BYTES = 8
TAG = sha256(b"BIP0340/challenge").digest()


def challenges(
    signatures: Bytes2D, keys: Bytes2D, messages: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> Bytes2D:
    """The hash of r, P and m under the tag `BIP0340/challenge` (BIP 340, "Verification"), for each signature.

    Takes rows as `SignatureBatch` has them: signatures of 64 bytes, of which the first 32 count, keys of which the
    first 32 count, and the messages end to end. Returns uint8 of shape (n, 32): big-endian numbers, not reduced.
    """
    points = np.concatenate([signatures[:, :32], keys[:, :32]], axis=1).view(">u4").astype(np.uint32)
    digests = np.empty((len(points), STATE_WORDS), np.uint32)
    kernel()(_after_tag(), points, messages, offsets, digests)
    return digests.astype(">u4").view(np.uint8)


@cache
def block_program() -> Program:
    """From the eight words of a hash value and the sixteen big-endian words of a block to the next hash value."""
    words = varyings(STATE_WORDS + BLOCK_WORDS)
    return Program(rounds(words[:STATE_WORDS], schedule(words[STATE_WORDS:])))


@cache
def _after_tag() -> npt.NDArray[np.uint32]:
    """The hash value after the first block, which is the tag twice and the same for all."""
    from .sha256 import H0

    block = np.frombuffer(TAG + TAG, ">u4").tolist()
    return np.array(block_program().run(INTEGERS, [*[word.number for word in H0], *block]), np.uint32)


def _intrinsic(definition: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit their own code; hides from type checkers what becomes of them."""
    return extending.intrinsic(definition)


@cache
def kernel() -> Callable[..., None]:
    """`kernel(value, points, messages, offsets, digests)`: hashing goes on from `value` with a block of `points`.

    Points are uint32 of shape (n, 16), one block each, and digests of shape (n, 8), as numbers.
    """

    def challenges(value: Any, points: Any, messages: Any, offsets: Any, digests: Any) -> None:
        columns = np.empty((STATE_WORDS + BLOCK_WORDS, LANES), np.uint32)
        for first in range(0, len(points), LANES):
            live = min(LANES, len(points) - first)
            most = 0
            for lane in range(live):
                for word in range(STATE_WORDS):
                    columns[word, lane] = value[word]
                for word in range(BLOCK_WORDS):
                    columns[STATE_WORDS + word, lane] = points[first + lane, word]
                most = max(most, block_count(offsets[first + lane + 1] - offsets[first + lane]))
            add_block(columns)
            for block in range(most):
                for lane in range(live):
                    start, end = offsets[first + lane], offsets[first + lane + 1]
                    if block < block_count(end - start):
                        fill_block(messages, start, end - start, block, columns, lane)
                add_block(columns)
                for lane in range(live):
                    if block + 1 == block_count(offsets[first + lane + 1] - offsets[first + lane]):
                        for word in range(STATE_WORDS):
                            digests[first + lane, word] = columns[word, lane]

    flat = types.Array(types.uint8, 1, "C", readonly=True)
    table = types.uint32[:, ::1]
    offset = types.Array(types.int64, 1, "C", readonly=True)
    return compiled(challenges, types.void(types.uint32[::1], table, flat, offset, table), LANES)


@extending.register_jitable
def block_count(size: int) -> int:
    """Blocks of a message of so many bytes after it is padded."""
    return (size + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) // BLOCK_BYTES


@extending.register_jitable
def fill_block(messages: Any, start: int, size: int, block: int, columns: Any, lane: int) -> None:
    """Writes one block of a padded message (FIPS 180-4, 5.1.1), of which two blocks are hashed already."""
    for word in range(BLOCK_WORDS):
        number = np.uint32(0)
        for place in range(BLOCK_BYTES * block + 4 * word, BLOCK_BYTES * block + 4 * word + 4):
            byte = np.uint32(0)
            if place < size:
                byte = np.uint32(messages[start + place])
            elif place == size:
                byte = np.uint32(0x80)
            number = np.uint32(number << np.uint32(8)) | byte
        columns[STATE_WORDS + word, lane] = number
    if block + 1 == block_count(size):
        length = 8 * (size + 2 * BLOCK_BYTES)
        columns[STATE_WORDS + 14, lane] = np.uint32(length >> 32)
        columns[STATE_WORDS + 15, lane] = np.uint32(length & 0xFFFFFFFF)


@_intrinsic
def add_block(_typing: Any, columns: Any) -> Any:
    """Replaces the first 8 rows of a (24, 16) array, hash values, by those after the block in the other rows."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, LANES)
        base = call.builder.bitcast(call.data(0), emitter.type.as_pointer())
        rows = [call.builder.gep(base, [I32(row)]) for row in range(STATE_WORDS + BLOCK_WORDS)]
        words = [call.builder.load(row, align=4) for row in rows]
        for word, row in zip(block_program().run(emitter, words), rows, strict=False):
            call.builder.store(word, row, align=4)
        return call.nothing()

    return types.void(columns), generate
