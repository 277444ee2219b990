"""Every instruction that computes a register, against Python's integers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
from ptx.parse import RefusedError, parse
from ptx.run import load
from ptx.translate import BITS, OPERATIONS, translate

from .module import needs_gcc, ptx


def _permuted(a: int, b: int, s: int) -> int:
    data = (b << 32 | a).to_bytes(8, "little")
    chosen = [(data[s >> 4 * i & 7], s >> 4 * i & 8) for i in range(4)]
    return int.from_bytes(bytes(255 * (byte >> 7) if sign else byte for byte, sign in chosen), "little")


MEANINGS: dict[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul.lo": lambda a, b: a * b,
    "mul.wide": lambda a, b: a * b,
    "mad.lo": lambda a, b, c: a * b + c,
    "setp.eq": lambda a, b: a == b,
    "setp.ne": lambda a, b: a != b,
    "setp.lt": lambda a, b: a < b,
    "setp.le": lambda a, b: a <= b,
    "setp.gt": lambda a, b: a > b,
    "setp.ge": lambda a, b: a >= b,
    "min": min,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "neg": lambda a: -a,
    "not": lambda a: ~a,
    "selp": lambda a, b, c: a if c else b,
    "mov": lambda a: a,
    "cvt.u32": lambda a: a,
    "cvt.u64": lambda a: a,
    "cvta.to.global": lambda a: a,
    "shl": lambda a, b: a << min(b, 64),
    "shr": lambda a, b: a >> b,
    "prmt": _permuted,
    "shf.l.wrap": lambda a, b, c: (b << 32 | a) << c % 32 >> 32,
    "shf.r.wrap": lambda a, b, c: (b << 32 | a) >> c % 32,
}
"""By the instruction's name without its type; operands are numbers as the type has them."""

NUMBERS = [0, 1, 2, 31, 32, 33, 63, 64, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


def as_type(number: int, kind: str) -> int:
    bits = BITS[kind]
    number %= 1 << bits
    return number - (1 << bits) if kind[0] == "s" and number >> bits - 1 else number


@needs_gcc
@pytest.mark.parametrize("opcode", sorted(OPERATIONS))
def test_instructions_compute_what_their_meaning_says(opcode: str) -> None:
    operation = OPERATIONS[opcode]
    meaning = MEANINGS[opcode.rpartition(".")[0]]
    chance = random.Random(opcode)
    rows = list(itertools.product(NUMBERS, repeat=min(2, len(operation.sources))))
    rows += [tuple(chance.getrandbits(64) for _ in operation.sources) for _ in range(200)]
    rows = [tuple([*row, 5, 0][: len(operation.sources)]) for row in rows]

    registers = {1: "%p", 32: "%r", 64: "%rd"}
    [to, *sources] = [
        f"{registers[BITS[kind]]}{10 + i}" for i, kind in enumerate((operation.result, *operation.sources))
    ]
    body = []
    for i, (register, kind) in enumerate(zip(sources, operation.sources, strict=True)):
        if kind == "pred":
            body += [
                f"ld.global.u32 %r{i}, [%rd1+{8 * i}];",
                f"and.b32 %r{i}, %r{i}, 1;",
                f"setp.ne.u32 {register}, %r{i}, 0;",
            ]
        else:
            body.append(f"ld.global.u{BITS[kind]} {register}, [%rd1+{8 * i}];")
    result = {1: ["selp.b32 %r9, 1, 0, " + to + ";", "st.global.u32 [%rd1+24], %r9;"]}
    body += [
        f"{opcode} {', '.join([to, *sources])};",
        *result.get(BITS[operation.result], [f"st.global.u{BITS[operation.result]} [%rd1+24], {to};"]),
    ]
    array = np.zeros((len(rows), 4), np.uint64)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    step = ["mov.u32 %r0, %tid.x;", "mul.wide.u32 %rd1, %r0, 32;", "add.s64 %rd1, %rd0, %rd1;"]
    load(ptx(*step, *body))["test"].launch(1, len(rows), array)

    expected = [
        as_type(
            meaning(*(as_type(number, kind) for number, kind in zip(row, operation.sources, strict=True))),
            operation.result,
        )
        for row in rows
    ]
    assert array[:, 3].tolist() == expected


@needs_gcc
def test_immediates_are_cut_to_the_width_of_the_type() -> None:
    array = np.zeros(2, np.uint64)
    body = (
        "add.s64 %rd1, %rd0, 8;",
        "mov.u64 %rd2, -2;",
        "st.global.u64 [%rd1], %rd2;",
        "st.global.u32 [%rd1+-8], -3;",
    )
    load(ptx(*body))["test"].launch(1, 1, array)
    assert array.tolist() == [2**32 - 3, 2**64 - 2]


@needs_gcc
@pytest.mark.parametrize("order", ["", ".relaxed.gpu", ".relaxed.sys"])
def test_atomics_return_what_was_there_before(order: str) -> None:
    array = np.array([3, 0, 2**32 - 1, 0], np.uint32)
    xor = f"atom{order}.global.xor.b32 %r1, [%rd0], 5;", "st.global.u32 [%rd0+4], %r1;"
    add = f"atom{order}.global.add.u32 %r2, [%rd0+8], 2;", "st.global.u32 [%rd0+12], %r2;"
    load(ptx(*xor, *add))["test"].launch(1, 1, array)
    assert array.tolist() == [6, 3, 1, 2**32 - 1]


@needs_gcc
def test_guards_and_branches() -> None:
    array = np.zeros(4, np.uint32)
    body = (
        "mov.u32 %r1, %tid.x;",
        "mul.wide.u32 %rd1, %r1, 4;",
        "add.s64 %rd1, %rd0, %rd1;",
        "setp.lt.u32 %p1, %r1, 2;",
        "mov.u32 %r2, 10;",
        "@%p1 mov.u32 %r2, 20;",
        "@!%p1 bra $end;",
        "add.u32 %r2, %r2, 1;",
        "$end:",
        "st.global.u32 [%rd1], %r2;",
    )
    load(ptx(*body))["test"].launch(1, 4, array)
    assert array.tolist() == [21, 21, 10, 10]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("add.f32 %r1, %r2, %r3;", "add.f32"),
        ("add.cc.u32 %r1, %r2, %r3;", "add.cc.u32"),
        ("shf.r.clamp.b32 %r1, %r2, %r3, 7;", "shf.r.clamp.b32"),
        ("bar.sync 0;", "bar.sync"),
        ("shfl.sync.idx.b32 %r1, %r2, 0, 31, -1;", "shfl.sync.idx.b32"),
        ("ld.volatile.global.u32 %r1, [%rd0];", "ld.volatile.global.u32"),
        ("ld.shared.u32 %r1, [%rd0];", "ld.shared.u32"),
        ("ld.param.u32 %r1, [array];", "array has another size"),
        ("ld.param.u64 %rd1, [array+4];", "no parameter"),
        ("ld.param.u64 %rd1, [other];", "no parameter"),
        ("atom.acquire.gpu.global.add.u32 %r1, [%rd0], 1;", "atom.acquire.gpu.global.add.u32"),
        ("atom.global.xor.b64 %rd1, [%rd0], 1;", "atom.global.xor.b64"),
        ("add.u32 %r1, %r2;", "2 operands where 3"),
        ("add.u32 %rd1, %r2, %r3;", "%rd1 has another size"),
        ("add.u32 %r1, %r2, %r100;", "%r100"),
        ("mov.u32 %r1, %clock;", "%clock"),
        ("mov.u32 %r1, %tid.y;", "%tid.y"),
        ("mov.u32 %r1, 4294967296;", "4294967296"),
        ("st.global.u32 [array], %r1;", "array"),
        ("st.global.u32 %rd0, %r1;", "no address"),
        ("bra $nowhere;", "nowhere"),
        ("@%r1 ret;", "%r1 has another size"),
    ],
)
def test_instructions_that_are_not_known_are_refused_by_name_and_line(statement: str, named: str) -> None:
    [entry] = parse(ptx(statement))
    with pytest.raises(RefusedError, match=rf"line 9: .*{named}"):
        translate(entry)
