"""Rows of bytes, another one for each lane: how lanes read keys, signatures and hashes; and fetching ahead."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .lanes import I32, I64, intrinsic

# Numba has no types for mypy, and llvmlite few.
# mypy: disable-error-code="no-untyped-call"

_I8 = ir.IntType(8)


@intrinsic
def load_rows(_typing: Any, like: Any, memory: Any, rows: Any, _place: Any) -> Any:
    """A tuple of words like `like`: for each lane those from the byte `place` of its row, as they lie in memory.

    `memory` is of shape (n, bytes); nothing checks that the rows, a vector of numbers, are below n.
    """
    lanes = like.dtype.lanes

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        array = context.make_array(signature.args[1])(context, builder, arguments[1])
        base = builder.gep(builder.bitcast(array.data, _I8.as_pointer()), [arguments[3]])
        stride = builder.extract_value(array.strides, 0)
        words = [ir.Constant(ir.VectorType(I64, lanes), ir.Undefined)] * like.count
        for lane in range(lanes):
            row = builder.extract_element(arguments[2], I32(lane))
            start = builder.bitcast(builder.gep(base, [builder.mul(row, stride)]), I64.as_pointer())
            for place, word in enumerate(words):
                value = builder.load(builder.gep(start, [I64(place)]), align=1)
                words[place] = builder.insert_element(word, value, I32(lane))
        return context.make_tuple(builder, like, words)

    return like(like, memory, rows, types.int64), generate


@intrinsic
def prefetch(_typing: Any, memory: Any, places: Any) -> Any:
    """Asks for the cache line at each lane's word of an array of uint64, which `lanes.gather` will read."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        words = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        name, kind = "llvm.prefetch.p0", ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), I32, I32, I32])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        reading, keep, data = I32(0), I32(3), I32(1)
        for lane in range(places.lanes):
            line = builder.gep(words, [builder.extract_element(arguments[1], I32(lane))])
            builder.call(function, [builder.bitcast(line, _I8.as_pointer()), reading, keep, data])
        return context.get_dummy_value()

    return types.void(memory, places), generate
