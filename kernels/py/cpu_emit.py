"""What the kernels for the host's processor share: their types, and arguments and results of their intrinsics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir
from numba import extending, types

from .emit import I32, I64, Call, Emitter
from .search import Words

ALIGNMENT = 4
"""Of vectors in memory, in bytes: NumPy promises no more for its uint32."""

SLOTS = types.Array(types.uint32, 1, "C", readonly=True)
HEADERS = types.Array(types.uint32, 2, "C", readonly=True)
NONCES = types.uint32[::1]
TABLE = types.uint32[:, ::1]
TWO = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
SCAN = TWO(SLOTS, types.int64, types.int64, types.int64, NONCES)
ROLL = TWO(SLOTS, TABLE, types.int64, types.int64, types.int64, TABLE)

Scan: TypeAlias = Callable[[Words, int, int, int, Words], tuple[int, int]]
Roll: TypeAlias = Callable[[Words, Words, int, int, int, Words], tuple[int, int]]


def intrinsic(definition: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit their own code; hides from type checkers what becomes of them."""
    return extending.intrinsic(prefer_literal=True)(definition)


def nonces(call: Call, emitter: Emitter) -> ir.Value:
    """The nonce that is argument 1 and those after it."""
    return call.builder.add(emitter.splat(call.arguments[1]), emitter.lane_numbers())


def mask_at_most(emitter: Emitter, words: ir.Value, limit: ir.Value) -> ir.Value:
    """An i64 whose bit i says whether lane i is at most the limit."""
    bits = emitter.builder.icmp_unsigned("<=", words, emitter.splat(limit))
    return emitter.builder.zext(emitter.builder.bitcast(bits, ir.IntType(emitter.lanes)), I64)


def slot_loader(call: Call, emitter: Emitter) -> Callable[[int], ir.Value]:
    """Slots, the same in all lanes, from the array that is argument 0."""
    slots = call.data(0)

    def slot(index: int) -> ir.Value:
        return emitter.splat(call.builder.load(call.builder.gep(slots, [I32(index)])))

    return slot


def row_pointers(call: Call, emitter: Emitter, argument: int, count: int) -> list[ir.Value]:
    """Pointers to the first rows of a two-dimensional array of `lanes` columns."""
    base = call.builder.bitcast(call.data(argument), emitter.type.as_pointer())
    return [call.builder.gep(base, [I32(index)]) for index in range(count)]
