"""What PTX is understood, and that everything else is refused by name."""

from __future__ import annotations

import pytest
from ptx.parse import Address, Guard, Immediate, Instruction, Label, Name, RefusedError, parse

from .module import ptx


def test_a_kernel_and_its_parts() -> None:
    [entry] = parse(
        """
        // a comment
        .version 9.5
        .target sm_120
        .address_size 64
        .common .global .align 8 .u64 _ZN08NumbaEnv4scan;
        .visible .entry search(
            .param .u64 .ptr .align 1 search_param_0,
            .param .u32 search_param_1
        )
        .maxntid 256, 1, 1
        .minnctapersm 4
        {
            .reg .pred %p<2>;
            .reg .b32 %r<3>; /* two
            lines */ .reg .b64 %rd<1>;
        $L__BB0_2:
            @!%p1 st.global.u32 [%rd0+-4], %r2;
            prmt.b32 %r1, %r2, -7, 0x123U;
            ret;
        }
        """
    )
    assert entry.name == "search"
    assert entry.parameters == {"search_param_0": 64, "search_param_1": 32}
    assert entry.most_threads == 256
    assert entry.registers == {"%p0": 1, "%p1": 1, "%r0": 32, "%r1": 32, "%r2": 32, "%rd0": 64}
    assert entry.body == (
        Label("$L__BB0_2"),
        Instruction(18, Guard("%p1", True), "st.global.u32", (Address("%rd0", -4), Name("%r2"))),
        Instruction(19, None, "prmt.b32", (Name("%r1"), Name("%r2"), Immediate(-7), Immediate(0x123))),
        Instruction(20, None, "ret", ()),
    )


@pytest.mark.parametrize(
    "statement",
    [
        ".shared .align 4 .b8 memory[16];",
        ".local .align 4 .b8 depot[16];",
        '.pragma "nounroll";',
        ".reg .f32 %f<2>;",
        ".reg .b32 %single;",
        "{ mov.u32 %r1, 0; }",
        "@%p1 { ret; }",
        "ld.global.v2.u32 {%r1, %r2}, [%rd0];",
        "add.s32 %r1, %r2, 1 + 1;",
        "add.s32 %r1, %r2, 010;",
        "mov.f32 %r1, 0f3F800000;",
    ],
)
def test_statements_that_are_not_known_are_refused_with_their_line(statement: str) -> None:
    with pytest.raises(RefusedError, match=r"line 9: "):
        parse(ptx(statement))


@pytest.mark.parametrize("parameters", [".param .f32 array", ".param .align 4 .b8 array[16]", ""])
def test_parameters_that_are_not_known_are_refused(parameters: str) -> None:
    with pytest.raises(RefusedError):
        parse(ptx(parameters=parameters))


@pytest.mark.parametrize("directive", [".reqntid 256", ".maxntid 16, 16, 1", ".maxnreg 32", ".noreturn"])
def test_directives_of_a_kernel_that_are_not_known_are_refused(directive: str) -> None:
    with pytest.raises(RefusedError, match=r"line 4: .*\.(reqntid|maxntid|maxnreg|noreturn)"):
        parse(ptx(directives=directive))


@pytest.mark.parametrize(
    "declaration",
    [".global .align 4 .u32 counter;", ".func helper() { ret; }", ".const .align 4 .b8 K[256];", ".file 1"],
)
def test_declarations_of_a_module_that_are_not_known_are_refused(declaration: str) -> None:
    with pytest.raises(RefusedError, match="line 1: "):
        parse(declaration + ptx())


def test_a_text_that_ends_too_soon_is_refused() -> None:
    with pytest.raises(RefusedError, match="end of the text"):
        parse(ptx().rstrip("}"))
