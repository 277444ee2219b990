"""Limbs side by side in the processor's vectors, and how text over limbs becomes part of a Numba kernel.

A kernel's loops are ordinary Numba. The arithmetic inside them is *staged*: `staged` makes text over limbs
(`limb.py`) an intrinsic that emits its instructions while Numba compiles the kernel around it, so that Numba's
type inference never sees them. A value of such a kernel is a vector of one limb from each lane, `vector(lanes)`,
or a tuple of those. Intrinsics are module globals: one held in a closure makes Numba's cache miss at every start.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir
from numba import extending, types

from . import multiplier, routines
from .limb import MULTIPLIER_MASK, Limb, Number, Operand, Operation

# Numba has no types for mypy, and llvmlite few.
# mypy: disable-error-code="no-untyped-call"

I32 = ir.IntType(32)
I64 = ir.IntType(64)

binding.initialize_native_asmparser()

ALIGNMENT = 64
"""Of scratch memory, in bytes: a vector of 8 lanes."""


class Vector(types.Type):
    """Numba's type of one limb from each lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Vector({lanes})")


@extending.register_model(Vector)
class _VectorModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(I64, vector.lanes))


@cache
def vector(lanes: int) -> Vector:
    return Vector(lanes)


@dataclass(frozen=True, slots=True)
class Lanes(Limb):
    """A limb for each lane: an LLVM value `<lanes x i64>`, and the builder that emits what is done to it."""

    builder: ir.IRBuilder
    value: ir.Value

    def constant(self, value: int) -> Lanes:
        return Lanes(self.builder, _all(self.value.type, value))

    def apply(self, operation: Operation, operands: Sequence[Lanes], distance: int = 0) -> Lanes:
        return Lanes(self.builder, self._emit(operation, [operand.value for operand in operands], distance))

    def _emit(self, operation: Operation, operands: list[ir.Value], distance: int) -> ir.Value:
        builder, kind = self.builder, operands[0].type
        x, y = operands[0], operands[-1]
        by = _all(kind, distance)
        match operation:
            case "add":
                return builder.add(x, y)
            case "subtract":
                return builder.sub(x, y)
            case "multiply":
                return builder.mul(x, y)
            case "and":
                return builder.and_(x, y)
            case "or":
                return builder.or_(x, y)
            case "xor":
                return builder.xor(x, y)
            case "left":
                return builder.shl(x, by)
            case "right":
                return builder.lshr(x, by)
            case "signed right":
                return builder.ashr(x, by)
            case "rotate":
                return self._call(f"llvm.fshr.v{kind.count}i64", x, x, by)
            case "swap":
                return self._call(f"llvm.bswap.v{kind.count}i64", x)
            case "low" | "high" if not multiplier.is_fused():
                text = multiplier.low_of_halves if operation == "low" else multiplier.high_of_halves
                return text(*[Lanes(builder, operand) for operand in operands]).value  # type: ignore[attr-defined]
            case "low" | "high":
                start, *factors = operands
                name = f"llvm.x86.avx512.vpmadd52{operation[0]}.uq.{64 * kind.count}"
                return self._call(name, start, *[_unmasked(factor) for factor in factors])
            case "multiply 32" if kind.count > multiplier.lanes():
                mask = _all(kind, 0xFFFFFFFF)
                return builder.mul(builder.and_(x, mask), builder.and_(y, mask))
            case "multiply 32":
                # As text: LLVM makes three multiplications of it where it does not see that factors are small.
                vpmuludq = ir.InlineAsm(ir.FunctionType(kind, [kind, kind]), "vpmuludq $2, $1, $0", "=v,v,v")
                return builder.call(vpmuludq, (x, y), attrs=("readnone", "nounwind"))
            case "is zero":
                return builder.sext(builder.icmp_unsigned("==", x, _all(kind, 0)), kind)
            case "select":
                _, yes, no = operands
                return builder.select(builder.icmp_signed("<", x, _all(kind, 0)), yes, no)

    def call(self, name: str, text: Callable[..., list[Limb]], operands: Sequence[Operand]) -> list[Limb]:
        if routines.is_inside(self.builder):
            return text(*operands)
        module, kind = self.builder.module, self.value.type
        function = routines.routine(module, name, text, operands, Lanes, kind)
        limbs = [limb.value for operand in operands if isinstance(operand, Sequence) for limb in operand]  # type: ignore[attr-defined]
        results = self.builder.call(function, limbs)
        count = len(results.type.elements)
        return [Lanes(self.builder, self.builder.extract_value(results, index)) for index in range(count)]

    def _call(self, name: str, *operands: ir.Value) -> ir.Value:
        kind = operands[0].type
        function = self.builder.module.globals.get(name)
        if function is None:
            function = ir.Function(self.builder.module, ir.FunctionType(kind, [kind] * len(operands)), name)
        return self.builder.call(function, operands)


def _unmasked(factor: ir.Value) -> ir.Value:
    """The factor before text kept the low bits of it, which are all that the multiplier takes."""
    if getattr(factor, "opname", "") == "and":
        value, mask = factor.operands
        if str(mask) == str(_all(factor.type, MULTIPLIER_MASK)):
            return value
    return factor


def _all(kind: ir.VectorType, value: int) -> ir.Constant:
    """The same constant in every lane."""
    return ir.Constant(kind, [value & 0xFFFFFFFFFFFFFFFF] * kind.count)


def staged(text: Callable[..., Any]) -> Any:
    """Text over limbs as a Numba intrinsic over vectors.

    Where the text takes a limb, the intrinsic takes a vector, and where it takes a sequence, a tuple; the same
    holds for results. The text also runs once over `Number` while Numba infers types, for the shape of its result.
    """
    taken = inspect.signature(text).parameters.values()
    names = [parameter.name for parameter in taken if parameter.default is parameter.empty]

    def definition(_typing: Any, *operands: Any) -> Any:
        shape = text(*[_example(operand) for operand in operands])
        result = _type_of(shape, _lanes_of(operands))

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            limbs = [_unpack(builder, *pair) for pair in zip(signature.args, arguments, strict=True)]
            return _pack(context, builder, result, text(*limbs))

        return result(*operands), generate

    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("typing_context", *names)
    ]
    definition.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    definition.__name__ = definition.__qualname__ = text.__name__
    definition.__doc__ = text.__doc__
    return extending.intrinsic(definition)


def _lanes_of(kinds: Sequence[Any]) -> int:
    for kind in kinds:
        if isinstance(kind, Vector):
            return kind.lanes
        if isinstance(kind, types.BaseTuple) and len(kind):
            return _lanes_of([*kind])  # type: ignore[misc]
    raise TypeError("staged text takes at least one vector")


def _example(kind: Any) -> Any:
    return Number(0) if isinstance(kind, Vector) else tuple(_example(part) for part in kind)


def _type_of(shape: Any, lanes: int) -> Any:
    if isinstance(shape, Limb):
        return vector(lanes)
    return types.Tuple([_type_of(part, lanes) for part in shape])


def _unpack(builder: ir.IRBuilder, kind: Any, value: ir.Value) -> Any:
    if isinstance(kind, Vector):
        return Lanes(builder, value)
    return tuple(_unpack(builder, part, builder.extract_value(value, index)) for index, part in enumerate(kind))


def _pack(context: Any, builder: ir.IRBuilder, kind: Any, limbs: Any) -> ir.Value:
    if isinstance(kind, Vector):
        return limbs.value
    parts = [_pack(context, builder, part, limb) for part, limb in zip(kind, limbs, strict=True)]
    return context.make_tuple(builder, kind, parts)


# What kernels do with vectors besides arithmetic. Memory is uint64 of shape (rows, lanes), aligned.


def intrinsic(definition: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit their own code; hides from type checkers what becomes of them."""
    return extending.intrinsic(prefer_literal=True)(definition)


@intrinsic
def zeros(_typing: Any, count: Any, lanes: Any) -> Any:
    """A tuple of `count` vectors of zeros; other functions take it to say what kind of tuple they mean."""
    kind = types.UniTuple(vector(lanes.literal_value), count.literal_value)

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: Any) -> ir.Value:
        zero = ir.Constant(ir.VectorType(I64, kind.dtype.lanes), None)
        return context.make_tuple(builder, kind, [zero] * kind.count)

    return kind(count, lanes), generate


@intrinsic
def splat(_typing: Any, like: Any, scalar: Any) -> Any:
    """The same uint64 in every lane of one vector, as wide as those of the tuple `like`."""
    kind = vector(_lanes_of([like]))

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        number = context.cast(builder, arguments[1], signature.args[1], types.uint64)
        return _splat(builder, kind.lanes, number)

    return kind(like, scalar), generate


def _splat(builder: ir.IRBuilder, lanes: int, number: ir.Value) -> ir.Value:
    undefined = ir.Constant(ir.VectorType(I64, lanes), ir.Undefined)
    first = builder.insert_element(undefined, number, I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, lanes), None))


@intrinsic
def load(_typing: Any, like: Any, memory: Any, _row: Any) -> Any:
    """A tuple like `like` from the rows from `row`."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        pointer = _pointer(context, builder, signature, arguments, like.dtype.lanes)
        parts = [
            builder.load(builder.gep(pointer, [I64(part)]), align=_aligned(like)) for part in range(like.count)
        ]
        return context.make_tuple(builder, like, parts)

    return like(like, memory, types.int64), generate


@intrinsic
def store(_typing: Any, values: Any, memory: Any, _row: Any) -> Any:
    """Writes a tuple of vectors to the rows from `row`."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        pointer = _pointer(context, builder, signature, arguments, values.dtype.lanes)
        for part in range(values.count):
            place = builder.gep(pointer, [I64(part)])
            builder.store(builder.extract_value(arguments[0], part), place, align=_aligned(values))
        return context.get_dummy_value()

    return types.void(values, memory, types.int64), generate


def _aligned(kind: Any) -> int:
    return min(ALIGNMENT, 8 * int(kind.dtype.lanes))


def _pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, lanes: int) -> ir.Value:
    array = context.make_array(signature.args[1])(context, builder, arguments[1])
    return builder.gep(builder.bitcast(array.data, ir.VectorType(I64, lanes).as_pointer()), [arguments[2]])


@intrinsic
def lane_numbers(_typing: Any, like: Any) -> Any:
    """0, 1, 2, … from the first lane of one vector, as wide as those of the tuple `like`."""
    kind = vector(_lanes_of([like]))

    def generate(_context: Any, _builder: ir.IRBuilder, _signature: Any, _arguments: Any) -> ir.Value:
        return ir.Constant(ir.VectorType(I64, kind.lanes), list(range(kind.lanes)))

    return kind(like), generate


@intrinsic
def gather(_typing: Any, like: Any, memory: Any, places: Any) -> Any:
    """A tuple like `like` where each lane's limbs lie side by side, from a word of its own in the vector `places`.

    Places are even, and memory is read up to the next even one: limbs are read two by two and put together as
    they are, which is faster than the processor's own gathering.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        pointers = _places(context, builder, signature, arguments, ir.VectorType(I64, 2))
        lanes = like.dtype.lanes
        firsts = [lane if lane % 2 == 0 else lanes + lane - 1 for lane in range(lanes)]
        orders = [ir.Constant(ir.VectorType(I32, lanes), [first + part for first in firsts]) for part in range(2)]
        parts: list[ir.Value] = []
        for pair in range(-(-like.count // 2)):
            rows = [builder.load(builder.gep(pointer, [I64(pair)]), align=16) for pointer in pointers]
            even, odd = _joined(builder, rows[::2]), _joined(builder, rows[1::2])
            parts += [builder.shuffle_vector(even, odd, order) for order in orders]
        return context.make_tuple(builder, like, parts[: like.count])

    return like(like, memory, places), generate


def _joined(builder: ir.IRBuilder, pieces: list[ir.Value]) -> ir.Value:
    """The vectors end to end, as one."""
    while len(pieces) > 1:
        size = 2 * pieces[0].type.count
        order = ir.Constant(ir.VectorType(I32, size), list(range(size)))
        pieces = [builder.shuffle_vector(x, y, order) for x, y in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


@intrinsic
def scatter(_typing: Any, values: Any, memory: Any, places: Any) -> Any:
    """Writes a tuple of vectors where `gather` reads them.

    Places are multiples of the number of lanes; up to the next one, zeros follow.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        pointers = _places(context, builder, signature, arguments, ir.VectorType(I64, values.dtype.lanes))
        lanes, zero = len(pointers), ir.Constant(ir.VectorType(I64, len(pointers)), None)
        parts = [builder.extract_value(arguments[0], part) for part in range(values.count)]
        for start in range(0, len(parts), lanes):
            columns = parts[start : start + lanes]
            rows = _transposed(builder, columns + [zero] * (lanes - len(columns)))
            for row, pointer in zip(rows, pointers, strict=True):
                builder.store(row, builder.gep(pointer, [I64(start // lanes)]), align=_aligned(values))
        return context.get_dummy_value()

    return types.void(values, memory, places), generate


def _places(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, kind: Any) -> list[ir.Value]:
    """For each lane, the pointer to the vectors of this kind that begin at its word."""
    words = context.make_array(signature.args[1])(context, builder, arguments[1]).data
    lanes = signature.args[2].lanes
    starts = [builder.gep(words, [builder.extract_element(arguments[2], I32(lane))]) for lane in range(lanes)]
    return [builder.bitcast(start, kind.as_pointer()) for start in starts]


def _transposed(builder: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """As many vectors as lanes, of which the i-th holds the i-th limb of each: squares of four limbs change
    corners, at the distances 1, 2, 4."""
    lanes, distance = len(rows), 1
    while distance < lanes:
        turned = list(rows)
        for row in range(lanes):
            if not row & distance:
                pair = rows[row], rows[row + distance]
                first = [lane if not lane & distance else lane - distance + lanes for lane in range(lanes)]
                second = [lane + distance if not lane & distance else lane + lanes for lane in range(lanes)]
                for target, picks in ((row, first), (row + distance, second)):
                    turned[target] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(I32, lanes), picks))
        rows, distance = turned, 2 * distance
    return rows


@intrinsic
def bits(_typing: Any, mask: Any) -> Any:
    """A mask as a uint64 whose bit i is set where lane i is all ones."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
        signs = builder.icmp_signed("<", arguments[0], _all(arguments[0].type, 0))
        return builder.zext(builder.bitcast(signs, ir.IntType(mask.lanes)), I64)

    return types.uint64(mask), generate


@intrinsic
def lane(_typing: Any, values: Any, _index: Any) -> Any:
    """The limb of one lane, as a uint64."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
        return builder.extract_element(arguments[0], builder.trunc(arguments[1], I32))

    return types.uint64(values, types.int64), generate


def scratch(rows: int, lanes: int) -> npt.NDArray[np.uint64]:
    """Zeroed memory for vectors, uint64 of shape (rows, lanes), aligned."""
    memory = np.zeros(rows * lanes * 8 + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + rows * lanes * 8].view(np.uint64).reshape(rows, lanes)
