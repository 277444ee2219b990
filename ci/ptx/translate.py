"""Kernels as C: one function each, one block of C for each instruction, on top of machine.h."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .parse import Address, Entry, Immediate, Instruction, Label, Name, Operand, RefusedError

BITS = {"u32": 32, "s32": 32, "u64": 64, "s64": 64, "pred": 1}
C_TYPES = {"pred": "u8"}

SPECIAL = {
    "%tid.x": "thread % launch->threads",
    "%ntid.x": "launch->threads",
    "%ctaid.x": "thread / launch->threads",
    "%nctaid.x": "launch->blocks",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What computes a register from operands and nothing else."""

    result: str
    sources: tuple[str, ...]
    """Their types; in the expression they are a, b and c."""
    expression: str
    """In C."""


def _operations() -> Iterator[tuple[str, Operation]]:
    for n in (32, 64):
        u, s = f"u{n}", f"s{n}"
        for t in (u, s):
            yield f"add.{t}", Operation(u, (u, u), "a + b")
            yield f"sub.{t}", Operation(u, (u, u), "a - b")
            yield f"mul.lo.{t}", Operation(u, (u, u), "a * b")
            yield f"mad.lo.{t}", Operation(u, (u, u, u), "a * b + c")
            yield f"min.{t}", Operation(u, (t, t), "a < b ? a : b")
            yield f"selp.{t}", Operation(u, (t, t, "pred"), "c ? a : b")
            for name, sign in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
                yield f"setp.{name}.{t}", Operation("pred", (t, t), f"a {sign} b")
        for t in (u, f"b{n}"):
            yield f"mov.{t}", Operation(u, (u,), "a")
        yield f"setp.eq.b{n}", Operation("pred", (u, u), "a == b")
        yield f"setp.ne.b{n}", Operation("pred", (u, u), "a != b")
        yield f"and.b{n}", Operation(u, (u, u), "a & b")
        yield f"or.b{n}", Operation(u, (u, u), "a | b")
        yield f"xor.b{n}", Operation(u, (u, u), "a ^ b")
        yield f"neg.{s}", Operation(u, (u,), "-a")
        yield f"not.b{n}", Operation(u, (u,), "~a")
        yield f"selp.b{n}", Operation(u, (u, u, "pred"), "c ? a : b")
        yield f"shl.b{n}", Operation(u, (u, "u32"), f"b < {n} ? a << b : 0")
        yield f"shr.u{n}", Operation(u, (u, "u32"), f"b < {n} ? a >> b : 0")
    yield "and.pred", Operation("pred", ("pred", "pred"), "a & b")
    yield "or.pred", Operation("pred", ("pred", "pred"), "a | b")
    yield "xor.pred", Operation("pred", ("pred", "pred"), "a ^ b")
    yield "not.pred", Operation("pred", ("pred",), "!a")
    yield "mul.wide.u32", Operation("u64", ("u32", "u32"), "(u64)a * b")
    yield "mul.wide.s32", Operation("u64", ("s32", "s32"), "(u64)((s64)a * b)")
    yield "cvt.u32.u64", Operation("u32", ("u64",), "(u32)a")
    yield "cvt.u64.u32", Operation("u64", ("u32",), "a")
    yield "cvta.to.global.u64", Operation("u64", ("u64",), "a")
    yield "prmt.b32", Operation("u32", ("u32", "u32", "u32"), "permute(a, b, c)")
    yield "shf.l.wrap.b32", Operation("u32", ("u32", "u32", "u32"), "((u64)b << 32 | a) << (c & 31) >> 32")
    yield "shf.r.wrap.b32", Operation("u32", ("u32", "u32", "u32"), "(u32)(((u64)b << 32 | a) >> (c & 31))")


OPERATIONS = dict(_operations())

_LOAD_PARAMETER = re.compile(r"ld\.param\.[bu](?:32|64)")
_LOAD = re.compile(r"ld\.global\.[bu](?:32|64)")
_STORE = re.compile(r"st\.global\.[bu](?:32|64)")
_ATOMIC = re.compile(r"atom(?:\.relaxed\.(?:gpu|sys))?\.global\.(add\.u32|xor\.b32)")
_BRANCHES = ("bra", "bra.uni")


def translate(entry: Entry) -> str:
    """C text with the function `kernel`, to be compiled with `ARRAY_SHIFT` defined.

    Raises `RefusedError` for instructions that are not known here.
    """
    return _Function(entry).text()


class _Function:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._labels = {part.name for part in entry.body if isinstance(part, Label)}
        self._parameters = list(entry.parameters)
        self._used: set[str] = set()

    def text(self) -> str:
        statements = [
            f"{_c_name(part.name)}: ;" if isinstance(part, Label) else self._statement(part)
            for part in self._entry.body
        ]
        # Compilers declare thousands more than they use.
        registers = [
            f"u{max(bits, 8)} {_c_name(name)} = JUNK({number}, {bits});"
            for number, (name, bits) in enumerate(self._entry.registers.items())
            if name in self._used
        ]
        head = [
            '#include "machine.h"',
            "u32 kernel(Launch *launch, u32 thread)",
            "{",
            "u64 jumps = 0; u32 kind; u8 *at;",
        ]
        return "\n".join([*head, *registers, *statements, "return FINE;", "}"])

    def _statement(self, instruction: Instruction) -> str:
        try:
            effect = self._effect(instruction)
            guard = instruction.guard
            condition = f"if ({'!' * guard.negated}{self._register(Name(guard.name), 1)}) " if guard else ""
        except RefusedError as error:
            raise RefusedError(f"line {instruction.line}: {instruction.opcode}: {error}") from None
        return f"{condition}{{ {effect} }}"

    def _effect(self, instruction: Instruction) -> str:
        opcode, operands, line = instruction.opcode, instruction.operands, instruction.line
        if operation := OPERATIONS.get(opcode):
            [to, *sources] = _so_many(operands, 1 + len(operation.sources))
            values = zip("abc", operation.sources, sources, strict=False)
            named = [
                f"const {C_TYPES.get(kind, kind)} {name} = {self._value(x, kind)};" for name, kind, x in values
            ]
            return " ".join([*named, f"{self._register(to, BITS[operation.result])} = {operation.expression};"])
        if opcode == "ret":
            _so_many(operands, 0)
            return "return FINE;"
        if opcode in _BRANCHES:
            [label] = _so_many(operands, 1)
            return self._branch(label, line)
        if _LOAD_PARAMETER.fullmatch(opcode):
            [to, address] = _so_many(operands, 2)
            parameter = self._parameter(address, _bits(opcode))
            return f"{self._register(to, _bits(opcode))} = launch->parameters[{parameter}];"
        if _LOAD.fullmatch(opcode):
            [to, address] = _so_many(operands, 2)
            register = self._register(to, _bits(opcode))
            return (
                self._reach("READ", address, _bits(opcode), line) + f"memcpy(&{register}, at, sizeof {register});"
            )
        if _STORE.fullmatch(opcode):
            [address, value] = _so_many(operands, 2)
            kind = f"u{_bits(opcode)}"
            reach = self._reach("WRITE", address, _bits(opcode), line)
            return f"const {kind} a = {self._value(value, kind)}; {reach}memcpy(at, &a, sizeof a);"
        if match := _ATOMIC.fullmatch(opcode):
            [to, address, value] = _so_many(operands, 3)
            change = f"a {'+' if match[1] == 'add.u32' else '^'} {self._value(value, 'u32')}"
            reach = self._reach("ATOMIC", address, 32, line)
            return (
                f"{reach}u32 a; memcpy(&a, at, sizeof a); const u32 b = {change}; "
                f"memcpy(at, &b, sizeof b); {self._register(to, 32)} = a;"
            )
        raise RefusedError("this instruction is not known here")

    def _branch(self, label: Operand, line: int) -> str:
        if not isinstance(label, Name) or label.text not in self._labels:
            raise RefusedError(f"{label} is no label")
        endless = f"return fault(launch, ENDLESS, {line}, thread, 0);"
        return f"if (++jumps > launch->most_jumps) {endless} goto {_c_name(label.text)};"

    def _reach(self, use: str, address: Operand, bits: int, line: int) -> str:
        """C that lets `at` point to memory, or ends the thread with a fault."""
        if not isinstance(address, Address):
            raise RefusedError(f"{address} is no address")
        base, offset = self._register(Name(address.base), 64), address.offset % 2**64
        place = f"{base} + {offset}u, {bits // 8}, &at"
        return f"if ((kind = reach(launch, {line}, thread, {use}, {place}))) return kind; "

    def _parameter(self, address: Operand, bits: int) -> int:
        if not isinstance(address, Address) or address.offset or address.base not in self._parameters:
            raise RefusedError(f"{address} is no parameter")
        if self._entry.parameters[address.base] != bits:
            raise RefusedError(f"the parameter {address.base} has another size")
        return self._parameters.index(address.base)

    def _value(self, operand: Operand, kind: str) -> str:
        """The operand as a C expression of the width of a type."""
        if isinstance(operand, Immediate):
            bits = BITS[kind]
            if not -(2 ** (bits - 1)) <= operand.value < 2**bits:
                raise RefusedError(f"{operand.value} does not fit into {kind}")
            return f"{operand.value % 2**bits}u"
        if isinstance(operand, Name) and operand.text in SPECIAL and BITS[kind] == 32:
            return SPECIAL[operand.text]
        return self._register(operand, BITS[kind])

    def _register(self, operand: Operand, bits: int) -> str:
        if not isinstance(operand, Name) or operand.text not in self._entry.registers:
            raise RefusedError(f"{operand} is not known here")
        if self._entry.registers[operand.text] != bits:
            raise RefusedError(f"the register {operand.text} has another size")
        self._used.add(operand.text)
        return _c_name(operand.text)


def _so_many(operands: tuple[Operand, ...], count: int) -> tuple[Operand, ...]:
    if len(operands) != count:
        raise RefusedError(f"it has {len(operands)} operands where {count} are expected")
    return operands


def _bits(opcode: str) -> int:
    return int(opcode[-2:])


def _c_name(name: str) -> str:
    """A register's or a label's name in C, where neither `%` nor `$` belongs into names."""
    return name.replace("%", "R_").replace("$", "L_")
