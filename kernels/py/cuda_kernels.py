"""The four kernels for NVIDIA GPUs, compiled by numba-cuda, one nonce or header at a time in each thread.

The loops are ordinary numba-cuda; the hashing inside them is emitted by intrinsics. numba-cuda's simulator
(NUMBA_ENABLE_CUDASIM=1) runs the same loops as Python and cannot emit anything, so there the same names are
functions that run the same programs over Python's integers.

All numbers are uint32 on purpose: Numba takes the sum of two of them for a uint64, which a GPU computes in two
steps, hence the many conversions.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from . import rolling, search
from .search import DIGEST_WORDS, HEADER_WORDS, Words
from .word import INTEGERS

# By name, since type checkers would look at Numba's own, older module, which numba-cuda replaces.
cuda = import_module("numba.cuda")

SIMULATED = bool(cuda.config.ENABLE_CUDASIM)

u32 = np.uint32

VERSIONS = 4
"""Versions that a thread tries with each nonce: 2,195 instructions a hash on sm_90, and 80 registers."""

ZEROS = (u32(0),) * DIGEST_WORDS


def scan(slots: tuple[u32, ...], first: u32, count: u32, limit: u32, found: Words, hits: Words) -> None:
    """Writes the nonces whose top word is at most `limit` to `found`, in any order, as far as they fit.

    `hits`, of shape (1,), counts them all, so whoever reads it sees whether they did fit.
    """
    position = u32(cuda.grid(1))
    while position < count:
        nonce = u32(first + position)
        if top_word(slots, nonce) <= limit:
            index = cuda.atomic.add(hits, 0, u32(1))
            if index < u32(found.size):
                found[index] = nonce
        position = u32(position + u32(cuda.gridsize(1)))


def roll(slots: tuple[u32, ...], first: u32, count: u32, limit: u32, found: Words, hits: Words) -> None:
    """`scan` for several versions: number v with the nonce `first` + n is reported as `VERSIONS` * n + v.

    One atomic for all of them, since four make the loop longer by 7 instructions a hash.
    """
    position = u32(cuda.grid(1))
    while position < count:
        top_words = rolled_top_words(slots, u32(first + position))
        here = u32(0)
        for version in range(VERSIONS):
            here = u32(here + u32(top_words[version] <= limit))
        if here > u32(0):
            index = cuda.atomic.add(hits, 0, here)
            for version in range(VERSIONS):
                if top_words[version] <= limit:
                    if index < u32(found.size):
                        found[index] = u32(u32(position * u32(VERSIONS)) + u32(version))
                    index = u32(index + u32(1))
        position = u32(position + u32(cuda.gridsize(1)))


def fingerprint(slots: tuple[u32, ...], first: u32, count: u32, total: Words) -> None:
    """XORs the digests of the window into `total`, of shape (8,)."""
    own = ZEROS
    position = u32(cuda.grid(1))
    while position < count:
        own = xor_digest(slots, u32(first + position), own)
        position = u32(position + u32(cuda.gridsize(1)))
    for word in range(DIGEST_WORDS):
        cuda.atomic.xor(total, word, own[word])


def hash_headers(headers: Words, digests: Words, count: u32) -> None:
    """Digests, of shape (n, 8), of the first `count` headers, of shape (n, 20), all as they lie in memory."""
    row = u32(cuda.grid(1))
    while row < count:
        digest = hash_row(headers, row)
        for word in range(DIGEST_WORDS):
            digests[row, word] = digest[word]
        row = u32(row + u32(cuda.gridsize(1)))


if SIMULATED:
    FAILURES: tuple[type[Exception], ...] = ()

    def top_word(slots: Any, nonce: Any) -> Any:
        [top] = search.scan_program().run(INTEGERS, [int(nonce)], lambda index: int(slots[index]))
        return u32(top)

    def rolled_top_words(slots: Any, nonce: Any) -> Any:
        words = rolling.versions_program(VERSIONS).run(INTEGERS, [int(nonce)], lambda index: int(slots[index]))
        return tuple(u32(word) for word in words)

    def xor_digest(slots: Any, nonce: Any, before: Any) -> Any:
        digest = search.digest_program().run(INTEGERS, [int(nonce)], lambda index: int(slots[index]))
        return tuple(u32(old ^ new) for old, new in zip(before, digest, strict=True))

    def hash_row(headers: Any, row: Any) -> Any:
        header = [int(headers[row, word]) for word in range(HEADER_WORDS)]
        return tuple(u32(word) for word in search.header_program().run(INTEGERS, header))

else:
    from llvmlite import ir
    from numba.cuda.cudadrv.driver import LinkerError
    from numba.cuda.cudadrv.error import CudaDriverError, CudaRuntimeError, NvvmError
    from numba.cuda.extending import intrinsic

    from .emit import I32, I64, Call, Emitter

    FAILURES = (CudaDriverError, CudaRuntimeError, NvvmError, LinkerError)

    DIGEST = cuda.types.UniTuple(cuda.types.uint32, DIGEST_WORDS)
    TOP_WORDS = cuda.types.UniTuple(cuda.types.uint32, VERSIONS)

    @intrinsic
    def top_word(_typing: Any, slots: Any, nonce: Any) -> Any:
        """The top word for a nonce."""

        def generate(*arguments: Any) -> ir.Value:
            call = Call(*arguments)
            [top] = search.scan_program().run(Emitter(call.builder, 1), [call.arguments[1]], _slot(call))
            return top

        return cuda.types.uint32(slots, nonce), generate

    @intrinsic
    def rolled_top_words(_typing: Any, slots: Any, nonce: Any) -> Any:
        """The top words of all versions for a nonce."""

        def generate(*arguments: Any) -> ir.Value:
            call = Call(*arguments)
            program = rolling.versions_program(VERSIONS)
            words = program.run(Emitter(call.builder, 1), [call.arguments[1]], _slot(call))
            return call.context.make_tuple(call.builder, TOP_WORDS, words)

        return TOP_WORDS(slots, nonce), generate

    @intrinsic
    def xor_digest(_typing: Any, slots: Any, nonce: Any, before: Any) -> Any:
        """Eight words and the digest for a nonce, XORed."""

        def generate(*arguments: Any) -> ir.Value:
            call = Call(*arguments)
            digest = search.digest_program().run(Emitter(call.builder, 1), [call.arguments[1]], _slot(call))
            before = [call.builder.extract_value(call.arguments[2], index) for index in range(DIGEST_WORDS)]
            words = [call.builder.xor(old, new) for old, new in zip(before, digest, strict=True)]
            return call.context.make_tuple(call.builder, DIGEST, words)

        return DIGEST(slots, nonce, before), generate

    @intrinsic
    def hash_row(_typing: Any, headers: Any, row: Any) -> Any:
        """The digest of one row of a (n, 20) array."""

        def generate(*arguments: Any) -> ir.Value:
            call = Call(*arguments)
            index = call.builder.zext(call.arguments[1], I64)
            start = call.builder.gep(call.data(0), [call.builder.mul(index, I64(HEADER_WORDS))])
            header = [call.builder.load(call.builder.gep(start, [I32(word)])) for word in range(HEADER_WORDS)]
            words = search.header_program().run(Emitter(call.builder, 1), header)
            return call.context.make_tuple(call.builder, DIGEST, words)

        return DIGEST(headers, row), generate

    def _slot(call: Call) -> Callable[[int], ir.Value]:
        """Slots from the tuple that is argument 0."""
        return lambda index: call.builder.extract_value(call.arguments[0], index)
