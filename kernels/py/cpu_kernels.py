"""The kernels of SIMD lanes for the host's processor, compiled by Numba for 1 to 64 lanes (a power of two).

The loops are ordinary Numba; the hashing inside them is emitted by intrinsics. Those have to be globals of their
module: one that a kernel holds in a closure would make Numba's cache miss at every start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from . import rolling, search
from .cache import compiled
from .cpu_emit import (
    ALIGNMENT,
    HEADERS,
    ROLL,
    SCAN,
    SLOTS,
    TABLE,
    Roll,
    Scan,
    intrinsic,
    mask_at_most,
    nonces,
    row_pointers,
    slot_loader,
)
from .emit import I32, Call, Emitter
from .search import DIGEST_WORDS, HEADER_WORDS, Words


@cache
def scan(lanes: int) -> Scan:
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

    return compiled(scan, SCAN, lanes)


@cache
def roll(lanes: int) -> Roll:
    """`roll(common, slots, first, count, limit, found)`, the kernel that looks for candidates of many versions.

    Every lane has a version of its own, with its column of `slots`, of shape (n, lanes); `common` are the slots of
    the schedule. Writes rows of lane and nonce to `found`, of shape (n, 2) with n at least `lanes`², and returns
    the same as `scan`. The nonces of a lane are ascending.
    """
    scheduled = rolling.schedule_program().output_count

    def roll(common: Words, slots: Words, first: int, count: int, limit: int, found: Words) -> tuple[int, int]:
        schedules = np.empty((scheduled, lanes), np.uint32)
        position = hits = 0
        while position < count and hits + lanes * lanes <= len(found):
            expand_schedules(common, np.uint32(first + position), schedules, lanes)
            for column in range(min(lanes, count - position)):
                mask = rolled_candidates(slots, schedules, column, np.uint32(limit), lanes)
                if mask:
                    for lane in range(lanes):
                        if mask >> lane & 1:
                            found[hits, 0] = lane
                            found[hits, 1] = first + position + column
                            hits += 1
            position += lanes
        return min(position, count), hits

    return compiled(roll, ROLL, lanes)


@cache
def fingerprint(lanes: int) -> Callable[[Words, int, int, Words], None]:
    """`fingerprint(slots, first, count, accumulators)`, the kernel that XORs digests.

    The accumulators are uint32 of shape (8, lanes); the XOR of their columns is that of the digests.
    """

    def fingerprint(slots: Words, first: int, count: int, accumulators: Words) -> None:
        for position in range(0, count, lanes):
            live = min(lanes, count - position)
            xor_digests(slots, np.uint32(first + position), np.uint32(live), accumulators, lanes)

    return compiled(fingerprint, types.void(SLOTS, types.int64, types.int64, TABLE), lanes)


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

    return compiled(hash_headers, types.void(HEADERS, TABLE), lanes)


@intrinsic
def candidates(_typing: Any, slots: Any, first: Any, limit: Any, lanes: Any) -> Any:
    """Bit i of the uint64 is set if the top word for the nonce `first` + i is at most `limit`."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(3))
        [top] = search.scan_program().run(emitter, [nonces(call, emitter)], slot_loader(call, emitter))
        return mask_at_most(emitter, top, call.arguments[2])

    return types.uint64(slots, first, limit, lanes), generate


@intrinsic
def expand_schedules(_typing: Any, slots: Any, first: Any, schedules: Any, lanes: Any) -> Any:
    """Replaces the columns i by the schedules for the nonces `first` + i."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(3))
        words = rolling.schedule_program().run(emitter, [nonces(call, emitter)], slot_loader(call, emitter))
        for word, row in zip(words, row_pointers(call, emitter, 2, len(words)), strict=True):
            call.builder.store(word, row, align=ALIGNMENT)
        return call.nothing()

    return types.void(slots, first, schedules, lanes), generate


@intrinsic
def rolled_candidates(_typing: Any, slots: Any, schedules: Any, column: Any, limit: Any, lanes: Any) -> Any:
    """Bit i of the uint64 is set if version i's top word, for the nonce of this column, is at most `limit`."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(4))
        program = rolling.rounds_program()
        rows = row_pointers(call, emitter, 0, program.slot_count)
        column = call.builder.gep(call.data(1), [call.arguments[2]])
        schedule = [
            emitter.splat(call.builder.load(call.builder.gep(column, [I32(row * emitter.lanes)])))
            for row in range(rolling.schedule_program().output_count)
        ]
        [top] = program.run(emitter, schedule, lambda slot: call.builder.load(rows[slot], align=ALIGNMENT))
        return mask_at_most(emitter, top, call.arguments[3])

    return types.uint64(slots, schedules, column, limit, lanes), generate


@intrinsic
def xor_digests(_typing: Any, slots: Any, first: Any, live: Any, accumulators: Any, lanes: Any) -> Any:
    """XORs the digests for `first` + i, for i < `live`, into the columns i of the accumulators."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(4))
        digest = search.digest_program().run(emitter, [nonces(call, emitter)], slot_loader(call, emitter))
        live = call.builder.icmp_unsigned("<", emitter.lane_numbers(), emitter.splat(call.arguments[2]))
        mask = call.builder.sext(live, emitter.type)
        for word, row in zip(digest, row_pointers(call, emitter, 3, DIGEST_WORDS), strict=True):
            before = call.builder.load(row, align=ALIGNMENT)
            call.builder.store(call.builder.xor(before, call.builder.and_(word, mask)), row, align=ALIGNMENT)
        return call.nothing()

    return types.void(slots, first, live, accumulators, lanes), generate


@intrinsic
def hash_columns(_typing: Any, columns: Any, lanes: Any) -> Any:
    """Replaces the first 8 rows of a (20, lanes) array, whose columns are headers, by their digests."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        emitter = Emitter(call.builder, call.literal(1))
        rows = row_pointers(call, emitter, 0, HEADER_WORDS)
        header = [call.builder.load(row, align=ALIGNMENT) for row in rows]
        digest = search.header_program().run(emitter, header)
        for word, row in zip(digest, rows, strict=False):
            call.builder.store(word, row, align=ALIGNMENT)
        return call.nothing()

    return types.void(columns, lanes), generate
