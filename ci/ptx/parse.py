"""PTX text to statements; refuses whatever is not described here."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

TYPES = {"u32": 32, "u64": 64}
"""Types of a kernel's parameters, in bits."""

REGISTER_TYPES = {"pred": 1, "b32": 32, "b64": 64}


class RefusedError(ValueError):
    """The text has something that this executor does not know, so running it would prove nothing."""


@dataclass(frozen=True, slots=True)
class Immediate:
    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A register, a special register or a label."""

    text: str


@dataclass(frozen=True, slots=True)
class Address:
    """`[base+offset]`, in bytes; the base is a register or, for `ld.param`, a parameter."""

    base: str
    offset: int


Operand = Immediate | Name | Address


@dataclass(frozen=True, slots=True)
class Label:
    name: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The instruction is executed where the predicate register `name` is true, or false if `negated`."""

    name: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    line: int
    """Counted from 1."""
    guard: Guard | None
    opcode: str
    """With its modifiers and type, as written: `shf.r.wrap.b32`."""
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A kernel."""

    name: str
    parameters: dict[str, int]
    """Their names and bits, in order."""
    most_threads: int | None
    """Threads that a block may have, where the kernel says so."""
    registers: dict[str, int]
    """Their names, with `%`, and bits."""
    body: tuple[Label | Instruction, ...]


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s*")

# Numba's place for a CPython environment, which device code never touches: a name that operands cannot have.
_MODULE = re.compile(
    r"\.version\s+\d+\.\d+|\.target\s+sm_\d+a?|\.address_size\s+64|"
    r"\.common\s+\.global\s+\.align\s+8\s+\.u64\s+_ZN08NumbaEnv\w+;"
)
_ENTRY = re.compile(r"\.visible\s+\.entry\s+([\w$]+)\s*\(")
_PARAMETER = re.compile(r"\.param\s+\.(\w+)\s+(?:\.ptr\s+\.align\s+\d+\s+)?([\w$]+)\s*(,|\))")
_MOST_THREADS = re.compile(r"\.maxntid\s+(\d+)(?:,\s*1,\s*1)?(?=\s)")
_RESIDENT_BLOCKS = re.compile(r"\.minnctapersm\s+\d+(?=\s)")  # for the register allocation, no matter here
_OPEN, _CLOSE = re.compile(r"\{"), re.compile(r"\}")
_REGISTERS = re.compile(r"\.reg\s+\.(\w+)\s+(%\w+?)<(\d+)>\s*;")
_LABEL = re.compile(r"([\w$]+):")
_INSTRUCTION = re.compile(r"(?:@(!?)(%\w+)\s+)?([a-z]\w*(?:\.\w+)*)(?:\s+([^;{}]*))?;")

_IMMEDIATE = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0|[1-9]\d*)U?")
_NAME = re.compile(r"[%$_a-zA-Z][\w$.]*")
_ADDRESS = re.compile(r"\[([%$\w]+)(?:\+(-?\d+))?\]")


class _Scanner:
    """The text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n") or " ", text)
        self._line_ends = [end.start() for end in re.finditer("\n", self._text)]
        self._position = 0
        self._skip_space()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern matches here, and steps over it."""
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
            self._skip_space()
        return match

    def need(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = self.take(pattern)
        if not match:
            raise self.refused()
        return match

    def _skip_space(self) -> None:
        space = _SPACE.match(self._text, self._position)
        self._position = space.end() if space else self._position

    @property
    def at_end(self) -> bool:
        return self._position == len(self._text)

    @property
    def line(self) -> int:
        return bisect_left(self._line_ends, self._position) + 1

    def refused(self) -> RefusedError:
        [here, *_] = self._text[self._position :].splitlines() or ["the end of the text"]
        return RefusedError(f"line {self.line}: not known here: {here}")


def parse(text: str) -> tuple[Entry, ...]:
    """The kernels of a PTX module. Raises `RefusedError`, which names the line."""
    scanner = _Scanner(text)
    entries = []
    while not scanner.at_end:
        if not scanner.take(_MODULE):
            entries.append(_entry(scanner))
    return tuple(entries)


def _entry(scanner: _Scanner) -> Entry:
    name = scanner.need(_ENTRY)[1]
    parameters: dict[str, int] = {}
    end = ","
    while end == ",":
        kind, parameter, end = scanner.need(_PARAMETER).groups()
        if kind not in TYPES:
            raise RefusedError(f"{name}: parameters of type .{kind} are not known here")
        parameters[parameter] = TYPES[kind]
    most_threads = None
    while not scanner.take(_OPEN):
        if limit := scanner.take(_MOST_THREADS):
            most_threads = int(limit[1])
        else:
            scanner.need(_RESIDENT_BLOCKS)
    registers, body = _body(scanner)
    return Entry(name, parameters, most_threads, registers, tuple(body))


def _body(scanner: _Scanner) -> tuple[dict[str, int], list[Label | Instruction]]:
    registers: dict[str, int] = {}
    body: list[Label | Instruction] = []
    while not scanner.take(_CLOSE):
        line = scanner.line
        if found := scanner.take(_REGISTERS):
            kind, prefix, count = found.groups()
            if kind not in REGISTER_TYPES:
                raise RefusedError(f"line {line}: registers of type .{kind} are not known here")
            registers |= {f"{prefix}{number}": REGISTER_TYPES[kind] for number in range(int(count))}
        elif found := scanner.take(_LABEL):
            body.append(Label(found[1]))
        else:
            negated, predicate, opcode, operands = scanner.need(_INSTRUCTION).groups()
            guard = Guard(predicate, negated == "!") if predicate else None
            body.append(Instruction(line, guard, opcode, _operands(operands or "", line)))
    return registers, body


def _operands(text: str, line: int) -> tuple[Operand, ...]:
    return tuple(_operand(part.strip(), line) for part in text.split(",")) if text.strip() else ()


def _operand(text: str, line: int) -> Operand:
    if _IMMEDIATE.fullmatch(text):
        return Immediate(int(text.rstrip("U"), 0))
    if match := _ADDRESS.fullmatch(text):
        return Address(match[1], int(match[2] or 0))
    if _NAME.fullmatch(text):
        return Name(text)
    raise RefusedError(f"line {line}: the operand {text!r} is not known here")
