"""Version rolling (BIP 320): what headers that differ in nothing but their version can share.

The version is in the first block of a header and the nonce in the second, so all versions have the message
schedule of the second block in common and differ in their midstates. A nonce is tried with several versions at
once: on CPUs with one in each lane or one after the other by SHA-NI, on GPUs with a few in each thread.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np

from ..backend import HEADER_BYTES
from . import search
from .search import HEADER_WORDS, Words
from .sha256 import H0, padding, rounds, schedule, sha256
from .word import Program, Time, Word, uniforms, varyings


def _midstate(version: Word, rest: Sequence[Word]) -> list[Word]:
    return rounds(H0, schedule([version, *rest[:15]]))


def _second_schedule(rest: Sequence[Word], nonce: Word) -> list[Word]:
    return schedule([*rest[15:], nonce.swap(), *padding(HEADER_WORDS)])


def _top_word(midstate: Sequence[Word], second_schedule: Sequence[Word]) -> Word:
    return sha256(rounds(midstate, second_schedule))[-1].swap()


@cache
def schedule_program() -> Program:
    """From a nonce to the words of the second schedule that vary with it."""
    _, *rest = uniforms(HEADER_WORDS - 1)
    [nonce] = varyings(1)
    return Program([word for word in _second_schedule(rest, nonce) if word.time is Time.VARYING])


@cache
def rounds_program() -> Program:
    """From the words of `schedule_program` to the top word; every version has slots of its own."""
    version, *rest = uniforms(HEADER_WORDS - 1)
    [nonce] = varyings(1)
    computed = iter(varyings(schedule_program().output_count))
    shared = [next(computed) if word.time is Time.VARYING else word for word in _second_schedule(rest, nonce)]
    return Program([_top_word(_midstate(version, rest), shared)])


@cache
def whole_schedule_program() -> Program:
    """From a nonce to all 64 words of the second schedule, for rounds that take them from memory."""
    _, *rest = uniforms(HEADER_WORDS - 1)
    [nonce] = varyings(1)
    return Program(_second_schedule(rest, nonce))


@cache
def versions_program(versions: int) -> Program:
    """From a nonce to the top words for several versions, in their order, whose slots are `versions_slots`."""
    inputs = uniforms(versions + HEADER_WORDS - 2)
    rolled, rest = inputs[:versions], inputs[versions:]
    [nonce] = varyings(1)
    shared = _second_schedule(rest, nonce)
    return Program([_top_word(_midstate(version, rest), shared) for version in rolled])


def lane_slots(headers: Sequence[bytes]) -> Words:
    """The slots of `rounds_program`, uint32 of shape (slots, headers): a column for each header."""
    columns = [search.slots(rounds_program(), header) for header in headers]
    return np.ascontiguousarray(np.array(columns).T)


@lru_cache(maxsize=1024)
def versions_slots(headers: tuple[bytes, ...]) -> Words:
    """The slots of `versions_program`, flat uint32, read-only, for headers that differ in their version alone."""
    versions = [struct.unpack(">I", header[:4])[0] for header in headers]
    rest = struct.unpack(f">{HEADER_WORDS - 2}I", headers[0][4 : HEADER_BYTES - 4])
    slots = np.array(versions_program(len(headers)).slots([*versions, *rest]), np.uint32)
    slots.flags.writeable = False
    return slots
