"""The three kernels for the host's processor, compiled by Numba for 1 to 64 SIMD lanes (a power of two).

The loops are ordinary Numba; the hashing inside them is emitted by intrinsics. Those have to be globals of this
module: one that a kernel holds in a closure would make Numba's cache miss at every start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types

from . import search
from .cache import compiled
from .emit import I32, I64, Call, Emitter
from .search import DIGEST_WORDS, HEADER_WORDS, Words

ALIGNMENT = 4
"""Of vectors in memory, in bytes: NumPy promises no more for its uint32."""


SLOTS = types.Array(types.uint32, 1, "C", readonly=True)
HEADERS = types.Array(types.uint32, 2, "C", readonly=True)
NONCES = types.uint32[::1]
DIGESTS = types.uint32[:, ::1]
TWO = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]


@cache
def scan(lanes: int) -> Callable[[Words, int, int, int, Words], tuple[int, int]]:
    """`scan(slots, first, count, limit, found)`, the kernel that looks for candidates.

    Writes the nonces among the `count` from `first` whose top word is at most `limit` to `found`, ascending, and
    returns how many nonces it looked at and how many it found. It stops early where `found`, of at least `lanes`
    entries, could overflow.
    """

    def scan(slots: Words, first: int, count: int, limit: int, found: Words) -> tuple[int, int]:
        position = hits = 0
        while position < count and hits + lanes <= found.size:
            mask = candidates(slots, np.uint32(first + position), np.uint32(limit), lanes)
            if mask:
                for lane in range(min(lanes, count - position)):
                    if mask >> lane & 1:
                        found[hits] = first + position + lane
                        hits += 1
            position += lanes
        return min(position, count), hits

    return compiled(scan, TWO(SLOTS, types.int64, types.int64, types.int64, NONCES), lanes)


@cache
def fingerprint(lanes: int) -> Callable[[Words, int, int, Words], None]:
    """`fingerprint(slots, first, count, accumulators)`, the kernel that XORs digests.

    The accumulators are uint32 of shape (8, lanes); the XOR of their columns is that of the digests.
    """

    def fingerprint(slots: Words, first: int, count: int, accumulators: Words) -> None:
        for position in range(0, count, lanes):
            live = min(lanes, count - position)
            xor_digests(slots, np.uint32(first + position), np.uint32(live), accumulators, lanes)

    return compiled(fingerprint, types.void(SLOTS, types.int64, types.int64, DIGESTS), lanes)


@cache
def hash_headers(lanes: int) -> Callable[[Words, Words], None]:
    """`hash_headers(headers, digests)`, the kernel that hashes unrelated headers, one a lane.

    Headers are uint32 of shape (n, 20), digests of shape (n, 8), both as they lie in memory.
    """

    def hash_headers(headers: Words, digests: Words) -> None:
        columns = np.empty((HEADER_WORDS, lanes), np.uint32)
        for row in range(0, len(headers), lanes):
            live = min(lanes, len(headers) - row)
            for lane in range(live):
                for word in range(HEADER_WORDS):
                    columns[word, lane] = headers[row + lane, word]
            hash_columns(columns, lanes)
            for lane in range(live):
                for word in range(DIGEST_WORDS):
                    digests[row + lane, word] = columns[word, lane]

    return compiled(hash_headers, types.void(HEADERS, DIGESTS), lanes)


def _intrinsic(definition: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit their own code; hides from type checkers what becomes of them."""
    return extending.intrinsic(prefer_literal=True)(definition)


@_intrinsic
def candidates(_typing: Any, slots: Any, first: Any, limit: Any, lanes: Any) -> Any:
    """Bit i of the uint64 is set if the top word for the nonce `first` + i is at most `limit`."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(3))
        [top] = search.scan_program().run(emitter, [_nonces(call, emitter)], _slot(call, emitter))
        bits = call.builder.icmp_unsigned("<=", top, emitter.splat(call.arguments[2]))
        return call.builder.zext(call.builder.bitcast(bits, ir.IntType(emitter.lanes)), I64)

    return types.uint64(slots, first, limit, lanes), generate


@_intrinsic
def xor_digests(_typing: Any, slots: Any, first: Any, live: Any, accumulators: Any, lanes: Any) -> Any:
    """XORs the digests for `first` + i, for i < `live`, into the columns i of the accumulators."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(4))
        digest = search.digest_program().run(emitter, [_nonces(call, emitter)], _slot(call, emitter))
        live = call.builder.icmp_unsigned("<", emitter.lane_numbers(), emitter.splat(call.arguments[2]))
        mask = call.builder.sext(live, emitter.type)
        for word, row in zip(digest, _rows(call, emitter, 3, DIGEST_WORDS), strict=True):
            before = call.builder.load(row, align=ALIGNMENT)
            call.builder.store(call.builder.xor(before, call.builder.and_(word, mask)), row, align=ALIGNMENT)
        return call.nothing()

    return types.void(slots, first, live, accumulators, lanes), generate


@_intrinsic
def hash_columns(_typing: Any, columns: Any, lanes: Any) -> Any:
    """Replaces the first 8 rows of a (20, lanes) array, whose columns are headers, by their digests."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(1))
        rows = _rows(call, emitter, 0, HEADER_WORDS)
        header = [call.builder.load(row, align=ALIGNMENT) for row in rows]
        digest = search.header_program().run(emitter, header)
        for word, row in zip(digest, rows, strict=False):
            call.builder.store(word, row, align=ALIGNMENT)
        return call.nothing()

    return types.void(columns, lanes), generate


def _nonces(call: Call, emitter: Emitter) -> ir.Value:
    """The nonce that is argument 1 and those after it."""
    return call.builder.add(emitter.splat(call.arguments[1]), emitter.lane_numbers())


def _slot(call: Call, emitter: Emitter) -> Callable[[int], ir.Value]:
    """Slots, the same in all lanes, from the array that is argument 0."""
    slots = call.data(0)

    def slot(index: int) -> ir.Value:
        return emitter.splat(call.builder.load(call.builder.gep(slots, [I32(index)])))

    return slot


def _rows(call: Call, emitter: Emitter, argument: int, count: int) -> list[ir.Value]:
    """Pointers to the first rows of a two-dimensional array of `lanes` columns."""
    base = call.builder.bitcast(call.data(argument), emitter.type.as_pointer())
    return [call.builder.gep(base, [I32(index)]) for index in range(count)]
