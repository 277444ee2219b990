"""The programs for headers of any kind, and what the host sides of this family do around them.

Words that come from memory or go there are little-endian, as processors and GPUs load them; SHA-256 reads
big-endian words, hence the swaps.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from ..backend import HEADER_BYTES, Bytes2D, Nonces
from .sha256 import sha256
from .word import Program, Word, uniforms, varyings

HEADER_WORDS = 20
DIGEST_WORDS = 8

Words = npt.NDArray[np.uint32]


@cache
def _digest_of_nonce() -> Sequence[Word]:
    """The digest as eight words of memory: of a header that the job fixes, with the varying nonce."""
    [nonce] = varyings(1)
    header = [*uniforms(HEADER_WORDS - 1), nonce.swap()]
    return [word.swap() for word in sha256(sha256(header))]


@cache
def scan_program() -> Program:
    """From a nonce to the most significant 32 bits of the number that is compared with the target."""
    return Program(_digest_of_nonce()[-1:])


@cache
def digest_program() -> Program:
    """From a nonce to the digest, eight words."""
    return Program(_digest_of_nonce())


@cache
def header_program() -> Program:
    """From the twenty words of a header to its digest, eight words; it has no slots."""
    header = [word.swap() for word in varyings(HEADER_WORDS)]
    return Program([word.swap() for word in sha256(sha256(header))])


def slots(program: Program, header: bytes) -> Words:
    """The slots of the job to search this header, flat uint32, read-only; the header's nonce does not matter."""
    return _slots(program, header[: HEADER_BYTES - 4])


@lru_cache(maxsize=4096)
def _slots(program: Program, prefix: bytes) -> Words:
    """Remembered, for a job is searched in many windows, each with many versions, and a millisecond would show."""
    slots = np.array(program.slots(struct.unpack(f">{HEADER_WORDS - 1}I", prefix)), np.uint32)
    slots.flags.writeable = False
    return slots


def highest_top_word(target: int) -> int:
    """What the most significant 32 bits of a hit's number cannot exceed."""
    return target >> 224


def confirm(hash_headers: Callable[[Bytes2D], Bytes2D], header: bytes, candidates: Nonces, target: int) -> Nonces:
    """The candidates whose whole digest is at most the target, in their order."""
    return candidates[confirmed(hash_headers, np.tile(as_row(header), (len(candidates), 1)), candidates, target)]


def confirmed(
    hash_headers: Callable[[Bytes2D], Bytes2D], headers: Bytes2D, candidates: Nonces, target: int
) -> npt.NDArray[np.bool_]:
    """Which candidates are hits, each as the nonce of the header in its row; the headers are overwritten."""
    if not len(candidates):  # most often, and what hashes headers may have to be loaded first
        return np.empty(0, np.bool_)
    headers[:, -4:] = candidates.astype("<u4").view(np.uint8).reshape(-1, 4)
    return at_most(hash_headers(headers), target)


def as_row(header: bytes) -> Bytes2D:
    """A header as a batch of one, uint8 of shape (1, 80)."""
    return np.frombuffer(header, np.uint8).reshape(1, HEADER_BYTES)


def at_most(digests: Bytes2D, target: int) -> npt.NDArray[np.bool_]:
    """Which digests (uint8 of shape (n, 32)), read as little-endian numbers, are at most the target."""
    numbers = np.ascontiguousarray(digests).view("<u8")[:, ::-1]
    limit = np.frombuffer(target.to_bytes(32, "big"), ">u8").astype(np.uint64)
    decisive = (numbers != limit).argmax(axis=1)  # the first part that differs; the first of all if none does
    result: npt.NDArray[np.bool_] = numbers[np.arange(len(numbers)), decisive] <= limit[decisive]
    return result
