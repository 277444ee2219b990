"""Messages for SHA-256, written into one buffer of whole blocks and hashed together in lanes.

A kernel writes a message with the `put` functions and ends it with `seal`; `Messages` says where each lies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from ...kernels.py.cache import compiled
from ...kernels.py.challenge import BLOCK_BYTES, BLOCK_WORDS, LANES, LENGTH_BYTES, STATE_WORDS, add_block
from ...kernels.py.sha256 import H0
from .table import NUMBERS, Bytes, Numbers

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

Words = npt.NDArray[np.uint32]

BUFFER = types.uint8[::1]
WORDS = types.uint32[:, ::1]

_START = np.array([word.number for word in H0], np.uint32)

PADDING = BLOCK_BYTES + LENGTH_BYTES
"""Bytes that `seal` adds to a message, at most."""


class Messages(NamedTuple):
    """Room for padded messages."""

    text: Bytes
    """Shape (64 × blocks,)."""

    first: Numbers
    """The block with which each message begins, shape (messages,)."""

    blocks: Numbers
    """How many it has."""

    @classmethod
    def room(cls, count: int, size: int) -> Messages:
        """For so many messages, of so many bytes together before they are padded."""
        blocks = (size + PADDING * count) // BLOCK_BYTES + 1
        return cls(np.empty(BLOCK_BYTES * blocks, np.uint8), np.empty(count, np.int64), np.empty(count, np.int64))

    def hashes(self, count: int) -> Words:
        """The SHA-256 of the first `count`: uint32 of shape (count, 8), the digests as they lie in memory."""
        # The longest first, so that no lane is left alone with one at the end.
        order = np.argsort(-self.blocks[:count], kind="stable")
        found = np.empty((count, STATE_WORDS), np.uint32)
        words = self.text.view(np.uint32).reshape(-1, BLOCK_WORDS)
        hash_messages()(_START, words, self.first, self.blocks, order, found)
        return found


def hashes_of_digests(digests: Words) -> Words:
    """The SHA-256 of each row: of one digest (8 words), or of two side by side (16)."""
    count, size = digests.shape
    blocks = 1 if size == STATE_WORDS else 2
    padded = np.zeros((count, BLOCK_WORDS * blocks), np.uint32)
    padded[:, :size] = digests
    padded[:, size] = 0x80
    padded[:, -1] = np.array([32 * size], ">u4").view("<u4")
    found = np.empty((count, STATE_WORDS), np.uint32)
    numbers = np.arange(count)
    words = padded.reshape(-1, BLOCK_WORDS)
    hash_messages()(_START, words, blocks * numbers, np.full(count, blocks), numbers, found)
    return found


@cache
def hash_messages() -> Callable[..., None]:
    """`hash_messages(start, words, first, blocks, order, found)`: SHA-256 from the hash value `start`.

    Every lane takes the next message when its own is done. Digests come where their message's number says.
    """

    def hash_messages(start, words, first, blocks, order, found):  # type: ignore[no-untyped-def]
        columns = np.zeros((STATE_WORDS + BLOCK_WORDS, LANES), np.uint32)
        message = np.full(LANES, -1)
        block, end = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        begun = done = 0
        while done < len(order):
            for lane in range(LANES):
                if message[lane] < 0 and begun < len(order):
                    message[lane] = order[begun]
                    begun += 1
                    block[lane] = first[message[lane]]
                    end[lane] = block[lane] + blocks[message[lane]]
                    for word in range(STATE_WORDS):
                        columns[word, lane] = start[word]
                if message[lane] >= 0:
                    for word in range(BLOCK_WORDS):
                        columns[STATE_WORDS + word, lane] = _swapped(words[block[lane], word])
            add_block(columns)
            for lane in range(LANES):
                if message[lane] >= 0:
                    block[lane] += 1
                    if block[lane] == end[lane]:
                        for word in range(STATE_WORDS):
                            found[message[lane], word] = _swapped(columns[word, lane])
                        message[lane] = -1
                        done += 1

    return compiled(hash_messages, types.void(types.uint32[::1], WORDS, NUMBERS, NUMBERS, NUMBERS, WORDS))


@numba.njit
def _swapped(word):  # type: ignore[no-untyped-def]
    """The word with its bytes reversed."""
    high = np.uint32(word << np.uint32(24)) | np.uint32(np.uint32(word & np.uint32(0xFF00)) << np.uint32(8))
    low = np.uint32(np.uint32(word >> np.uint32(8)) & np.uint32(0xFF00)) | np.uint32(word >> np.uint32(24))
    return np.uint32(np.uint32(high) | np.uint32(low))


# What kernels write messages with; each returns where the next byte goes.


@numba.njit
def put(text, at, source, begin, end):  # type: ignore[no-untyped-def]
    """The bytes of `source` from `begin` to before `end`."""
    # Unsigned, for Numba looks at every signed place whether it counts from the end.
    to, start = np.uint64(at), np.uint64(begin)
    for place in range(np.uint64(end - begin)):
        text[to + place] = source[start + place]
    return at + end - begin


@numba.njit
def put_number(text, at, number, width):  # type: ignore[no-untyped-def]
    """Little-endian, in so many bytes."""
    for place in range(width):
        text[at + place] = (number >> 8 * place) & 0xFF
    return at + width


@numba.njit
def put_size(text, at, size):  # type: ignore[no-untyped-def]
    """A CompactSize below 2^32."""
    if size < 0xFD:
        return put_number(text, at, size, 1)
    if size < 1 << 16:
        return put_number(text, put_number(text, at, 0xFD, 1), size, 2)
    return put_number(text, put_number(text, at, 0xFE, 1), size, 4)


@numba.njit
def seal(text, begin, at, first, blocks, message):  # type: ignore[no-untyped-def]
    """Pad the message that began at `begin`, a multiple of 64, and note where it lies (FIPS 180-4, 5.1.1)."""
    size = at - begin
    count = (size + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) // BLOCK_BYTES
    end = begin + BLOCK_BYTES * count
    text[at] = 0x80
    text[at + 1 : end] = 0
    for place in range(LENGTH_BYTES):
        text[end - 1 - place] = (8 * size >> 8 * place) & 0xFF
    first[message], blocks[message] = begin // BLOCK_BYTES, count
    return end
