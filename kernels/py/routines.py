"""Text over limbs as functions of the machine code, which are there once and are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from .limb import Limb, Number, Operand

# llvmlite has few types for mypy.
# mypy: disable-error-code="no-untyped-call"

CONVENTION = "x86_regcallcc"
"""Of calls, with sixteen vectors in registers."""

Wrap = Callable[[ir.IRBuilder, ir.Value], Limb]


def is_inside(builder: ir.IRBuilder) -> bool:
    """Whether code is being emitted to a routine."""
    return bool(builder.function.calling_convention == CONVENTION)


def routine(
    module: ir.Module,
    name: str,
    text: Callable[..., list[Limb]],
    operands: Sequence[Operand],
    wrap: Wrap,
    kind: ir.Type,
) -> ir.Function:
    """The module's function for text on operands of these shapes, which takes and gives values of one kind."""
    shapes = [f"{len(operand)} limbs" if isinstance(operand, Sequence) else operand for operand in operands]
    name = f"{name} {shapes} {kind}"
    found = module.globals.get(name)
    if found is not None:
        return found
    examples = [[Number(0)] * len(operand) if isinstance(operand, Sequence) else operand for operand in operands]
    count = sum(len(example) for example in examples if isinstance(example, list))
    results = ir.LiteralStructType([kind] * len(text(*examples)))
    function = ir.Function(module, ir.FunctionType(results, [kind] * count), name)
    function.linkage = "linkonce_odr"
    function.calling_convention = CONVENTION
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    limbs = iter([wrap(builder, argument) for argument in function.args])
    taken = [[next(limbs) for _ in operand] if isinstance(operand, Sequence) else operand for operand in operands]
    value = ir.Constant(results, ir.Undefined)
    for index, limb in enumerate(text(*taken)):
        value = builder.insert_value(value, limb.value, index)  # type: ignore[attr-defined]
    builder.ret(value)
    return function
