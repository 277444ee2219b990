"""The kernels of SHA-NI, for x86 processors that have it; those of lanes are in `cpu_kernels`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from . import rolling, sha_ni
from .cache import compiled
from .cpu_emit import (
    ALIGNMENT,
    ROLL,
    SCAN,
    Roll,
    Scan,
    intrinsic,
    mask_at_most,
    nonces,
    row_pointers,
    slot_loader,
)
from .emit import I32, I64, Call, Emitter
from .search import DIGEST_WORDS, Words
from .sha_ni import CHAINS, PAIRS, ROLLED


@cache
def scan() -> Scan:
    """`cpu_kernels.scan` by SHA-NI, with the slots of `sha_ni.job_program`."""

    def scan_by_sha_ni(slots: Words, first: int, count: int, limit: int, found: Words) -> tuple[int, int]:
        position = hits = 0
        while position < count and hits + CHAINS <= found.size:
            mask = candidates_by_sha_ni(slots, np.uint32(first + position), np.uint32(limit))
            if mask:
                for chain in range(min(CHAINS, count - position)):
                    if mask >> chain & 1:
                        found[hits] = first + position + chain
                        hits += 1
            position += CHAINS
        return min(position, count), hits

    return compiled(scan_by_sha_ni, SCAN, CHAINS)


@cache
def roll(lanes: int) -> Roll:
    """`roll(common, jobs, first, count, limit, found)`, the kernel that looks for candidates of many versions.

    `jobs` has a row for each version, an even number of them, with the slots of `sha_ni.job_program`; `common` are
    the slots of `rolling.whole_schedule_program`. Schedules are computed for `lanes` nonces at a time. Writes rows
    of version and nonce to `found`, of shape (n, 2) with n at least the lanes times the versions, and returns the
    same as `scan`. The nonces of a version are ascending.
    """

    def roll_by_sha_ni(
        common: Words, jobs: Words, first: int, count: int, limit: int, found: Words
    ) -> tuple[int, int]:
        schedules = np.empty((PAIRS, 2 * lanes), np.uint32)
        begun = np.empty((ROLLED, DIGEST_WORDS), np.uint32)
        groups = len(jobs) // ROLLED
        position = hits = 0
        while position < count and hits + lanes * len(jobs) <= len(found):
            expand_whole_schedules(common, np.uint32(first + position), schedules, lanes)
            columns = min(lanes, count - position)
            column = group = column_before = group_before = 0
            for step in range(columns * groups + 1):  # the last one only finishes what was begun before
                mask = roll_on(schedules, column, jobs, group, begun, np.uint32(limit), lanes)
                if mask and step:
                    for version in range(ROLLED):
                        if mask >> version & 1:
                            found[hits, 0] = group_before * ROLLED + version
                            found[hits, 1] = first + position + column_before
                            hits += 1
                column_before, group_before = column, group
                group += 1
                if group == groups:
                    column, group = min(column + 1, columns - 1), 0
            position += lanes
        return min(position, count), hits

    return compiled(roll_by_sha_ni, ROLL, lanes)


@intrinsic
def candidates_by_sha_ni(_typing: Any, slots: Any, first: Any, limit: Any) -> Any:
    """Bit i of the uint64 is set if the top word for the nonce `first` + i is at most `limit`."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        scalar, vector = Emitter(call.builder, 1), Emitter(call.builder, CHAINS)
        slot = slot_loader(call, scalar)
        job = [slot(index) for index in range(sha_ni.job_program().slot_count)]
        words = sha_ni.top_words(call.builder, job, nonces(call, vector))
        return mask_at_most(vector, words, call.arguments[2])

    return types.uint64(slots, first, limit), generate


@intrinsic
def expand_whole_schedules(_typing: Any, slots: Any, first: Any, schedules: Any, lanes: Any) -> Any:
    """Replaces the columns 2i and 2i + 1 by the even and the odd words of the schedule for `first` + i."""

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        lanes = call.literal(3)
        emitter, wide = Emitter(call.builder, lanes), Emitter(call.builder, 2 * lanes)
        words = rolling.whole_schedule_program().run(emitter, [nonces(call, emitter)], slot_loader(call, emitter))
        order = [index for lane in range(lanes) for index in (lane, lanes + lane)]
        for even, odd, row in zip(words[::2], words[1::2], row_pointers(call, wide, 2, PAIRS), strict=True):
            pairs = call.builder.shuffle_vector(even, odd, ir.Constant(wide.type, order))
            call.builder.store(pairs, row, align=ALIGNMENT)
        if lanes > 4:  # else there may be no AVX, which has the instruction to leave them
            sha_ni.leave_wide_lanes(call.builder)
        return call.nothing()

    return types.void(slots, first, schedules, lanes), generate


@intrinsic
def roll_on(
    _typing: Any, schedules: Any, column: Any, jobs: Any, group: Any, begun: Any, limit: Any, lanes: Any
) -> Any:
    """Finishes the hashes that the last call began, and begins those of a group of versions for a nonce.

    Bit i of the uint64 is set if the top word of the i-th hash that it finished is at most `limit`.
    """

    def generate(*arguments: Any) -> ir.Value:
        call = Call(*arguments)
        builder, quad = call.builder, Emitter(call.builder, 4)

        def halves(words: ir.Value, stride: int) -> list[list[ir.Value]]:
            """Pointers to the two vectors of hash values that lie so many words apart."""
            quads = quad.type.as_pointer()
            return [
                [builder.bitcast(builder.gep(words, [I32(start + half)]), quads) for half in (0, 4)]
                for start in range(0, ROLLED * stride, stride)
            ]

        def load(pointers: Sequence[ir.Value]) -> sha_ni.HashValue:
            abef, cdgh = (builder.load(pointer, align=ALIGNMENT) for pointer in pointers)
            return abef, cdgh

        job_words = sha_ni.job_program().slot_count
        first_job = builder.gep(call.data(2), [builder.mul(call.arguments[3], I64(ROLLED * job_words))])
        midstates = [load(pointers) for pointers in halves(first_job, job_words)]
        places = halves(call.data(4), DIGEST_WORDS)
        schedule = builder.gep(builder.bitcast(call.data(0), I64.as_pointer()), [call.arguments[1]])

        def pair(index: int) -> ir.Value:
            words = builder.load(builder.gep(schedule, [I32(index * call.literal(6))]), align=ALIGNMENT)
            zeros = ir.Constant(ir.VectorType(I64, 2), [0, 0])
            return builder.bitcast(builder.insert_element(zeros, words, I32(0)), quad.type)

        before = [load(pointers) for pointers in places]
        words, hash_values = sha_ni.rolled_top_words(builder, before, midstates, pair)
        for pointers, hash_value in zip(places, hash_values, strict=True):
            for pointer, half in zip(pointers, hash_value, strict=True):
                builder.store(half, pointer, align=ALIGNMENT)
        return mask_at_most(Emitter(builder, ROLLED), words, call.arguments[5])

    return types.uint64(schedules, column, jobs, group, begun, limit, lanes), generate
