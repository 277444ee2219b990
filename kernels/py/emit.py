"""The target that emits LLVM IR, and what the code generators of Numba and numba-cuda share.

Numba's `@intrinsic` functions call it while Numba compiles the kernel around them ("staging"), so Numba's own
type inference never sees the thousands of operations of a hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import ir

from .word import Operation

I32 = ir.IntType(32)
I64 = ir.IntType(64)


class Emitter:
    """Values of `lanes` 32-bit numbers side by side: LLVM's i32 for one lane, `<lanes x i32>` for more."""

    def __init__(self, builder: ir.IRBuilder, lanes: int) -> None:
        self.builder = builder
        self.lanes = lanes
        self.type = I32 if lanes == 1 else ir.VectorType(I32, lanes)
        self.constant = cache(self._constant)  # the text of a vector is long and few are different

    def _constant(self, value: int) -> ir.Constant:
        return ir.Constant(self.type, value if self.lanes == 1 else [value] * self.lanes)

    def splat(self, scalar: ir.Value) -> ir.Value:
        """The same i32 in every lane."""
        if self.lanes == 1:
            return scalar
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, I32(0))
        return self.builder.shuffle_vector(first, undefined, self.constant(0))

    def lane_numbers(self) -> ir.Constant:
        """0, 1, 2, ... in the lanes."""
        return I32(0) if self.lanes == 1 else ir.Constant(self.type, list(range(self.lanes)))

    def apply(self, operation: Operation, operands: Sequence[ir.Value], distance: int) -> ir.Value:
        x, y = operands[0], operands[-1]
        match operation:
            case "add":
                return self.builder.add(x, y)
            case "xor":
                return self.builder.xor(x, y)
            case "and":
                return self.builder.and_(x, y)
            case "rotate":
                return self._call("fshr", x, x, self.constant(distance))
            case "shift":
                return self.builder.lshr(x, self.constant(distance))
            case "swap":
                return self._call("bswap", x)

    def _call(self, name: str, *arguments: ir.Value) -> ir.Value:
        """A call of one of LLVM's intrinsics; llvmlite's `declare_intrinsic` cannot name those of vectors."""
        name = f"llvm.{name}.i32" if self.lanes == 1 else f"llvm.{name}.v{self.lanes}i32"
        function = self.builder.module.globals.get(name)
        if function is None:
            function_type = ir.FunctionType(self.type, [self.type] * len(arguments))
            function = ir.Function(self.builder.module, function_type, name)
        return self.builder.call(function, arguments)


@dataclass(frozen=True)
class Call:
    """One call of an intrinsic, as Numba and numba-cuda hand it to a code generator."""

    context: Any
    builder: ir.IRBuilder
    signature: Any
    arguments: Sequence[ir.Value]

    def literal(self, index: int) -> int:
        """The value of a literal argument."""
        value: int = self.signature.args[index].literal_value
        return value

    def data(self, index: int) -> ir.Value:
        """The pointer to the first element of an array argument."""
        array = self.context.make_array(self.signature.args[index])
        return array(self.context, self.builder, self.arguments[index]).data

    def nothing(self) -> ir.Value:
        """The result of an intrinsic that returns none."""
        return self.context.get_dummy_value()
