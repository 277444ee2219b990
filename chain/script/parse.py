"""Scripts as bytes: their operations, the shapes that have a meaning of their own, and FindAndDelete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .errors import ScriptError, ScriptFailedError
from .opcodes import Op

_OP_0, _OP_1, _OP_16 = int(Op.OP_0), int(Op.OP_1), int(Op.OP_16)
_PUSHDATA1, _PUSHDATA4 = int(Op.OP_PUSHDATA1), int(Op.OP_PUSHDATA4)


def next_operation(script: bytes, at: int) -> tuple[int, bytes | None, int]:
    """Opcode, what it pushes (None for what is no push of bytes), and where the next operation begins.

    `at` is a place before the end. BAD_OPCODE for a push that reaches past it.
    """
    opcode = script[at]
    at += 1
    if opcode > _PUSHDATA4:
        return opcode, None, at
    size = opcode
    if opcode >= _PUSHDATA1:
        width = 1 << opcode - _PUSHDATA1
        size = int.from_bytes(script[at : at + width], "little")
        at += width
    end = at + size
    if end > len(script):
        raise ScriptFailedError(ScriptError.BAD_OPCODE)
    return opcode, script[at:end], end


def operations(script: bytes) -> Iterator[tuple[int, bytes | None, int]]:
    """`next_operation` from the first to the last."""
    at, end = 0, len(script)
    while at < end:
        operation = next_operation(script, at)
        at = operation[2]
        yield operation


def push(data: bytes) -> bytes:
    """The operation that pushes `data`: its length as an opcode, or after PUSHDATA1, 2 or 4."""
    size = len(data)
    if size < _PUSHDATA1:
        return size.to_bytes(1) + data
    for opcode, width in ((Op.OP_PUSHDATA1, 1), (Op.OP_PUSHDATA2, 2)):
        if size < 1 << 8 * width:
            return opcode.to_bytes(1) + size.to_bytes(width, "little") + data
    return Op.OP_PUSHDATA4.to_bytes(1) + size.to_bytes(4, "little") + data


def is_minimal_push(opcode: int, data: bytes) -> bool:
    """Whether no shorter operation pushes the same (BIP62, rule 3)."""
    size = len(data)
    if size == 0:
        return opcode == _OP_0
    if size == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        return False  # OP_1 to OP_16 and OP_1NEGATE
    if size < _PUSHDATA1:
        return opcode == size
    if size < 1 << 8:
        return opcode == _PUSHDATA1
    return size >= 1 << 16 or opcode == Op.OP_PUSHDATA2


def is_push_only(script: bytes) -> bool:
    """Nothing above OP_16, and no push past the end; OP_RESERVED counts as a push, as in Bitcoin Core."""
    try:
        return all(opcode <= _OP_16 for opcode, _, _ in operations(script))
    except ScriptFailedError:
        return False


def is_p2sh(script: bytes) -> bool:
    """BIP16: HASH160, a push of 20 bytes, EQUAL."""
    return len(script) == 23 and script[:2] == b"\xa9\x14" and script[22] == Op.OP_EQUAL


class WitnessProgram(NamedTuple):
    version: int
    """0 to 16."""

    program: bytes
    """2 to 40 bytes."""


def witness_program(script: bytes) -> WitnessProgram | None:
    """BIP141: a version, and one push of the program; None for any other script."""
    if not 4 <= len(script) <= 42 or script[1] != len(script) - 2:
        return None
    opcode = script[0]
    if opcode == _OP_0:
        return WitnessProgram(0, script[2:])
    return WitnessProgram(opcode - _OP_1 + 1, script[2:]) if _OP_1 <= opcode <= _OP_16 else None


def find_and_delete(script: bytes, piece: bytes) -> bytes:
    """The script without `piece` wherever an operation begins with it.

    Where a push reaches past the end, the rest stays as it is.
    """
    if not piece or piece not in script:
        return script
    kept = []
    begins = at = 0
    try:
        # An operation's bytes are looked at before the operation is read, so `piece` may end inside of it.
        while at < len(script):
            if script.startswith(piece, at):
                kept.append(script[begins:at])
                begins = at = at + len(piece)
            else:
                at = next_operation(script, at)[2]
    except ScriptFailedError:
        pass
    kept.append(script[begins:])
    return b"".join(kept)
