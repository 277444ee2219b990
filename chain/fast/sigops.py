"""`chain/sigops.py` in machine code: how many signature checks scripts may ask for."""

from __future__ import annotations

import numba

from ..script.opcodes import Op
from ..transaction import WITNESS_SCALE
from .table import ITEMS, LAST_AT, LAST_END, SCRIPT_SIG, SEQUENCE, number_at

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

_ONE, _SIXTEEN = int(Op.OP_1), int(Op.OP_16)
_PUSHDATA1, _PUSHDATA4 = int(Op.OP_PUSHDATA1), int(Op.OP_PUSHDATA4)
_CHECKSIG, _CHECKSIGVERIFY = int(Op.OP_CHECKSIG), int(Op.OP_CHECKSIGVERIFY)
_CHECKMULTISIG, _CHECKMULTISIGVERIFY = int(Op.OP_CHECKMULTISIG), int(Op.OP_CHECKMULTISIGVERIFY)
_HASH160, _EQUAL = int(Op.OP_HASH160), int(Op.OP_EQUAL)

_MAX_KEYS = 20


@numba.njit
def count_sigops(text, begin, end, accurate):  # type: ignore[no-untyped-def]
    """Of the script from `begin` to before `end`, as `chain.sigops.count_sigops`."""
    count, before, at = 0, -1, begin
    while at < end:
        opcode = int(text[at])
        at = operation_end(text, at, end)
        if at < 0:
            break
        if opcode in (_CHECKSIG, _CHECKSIGVERIFY):
            count += 1
        elif opcode in (_CHECKMULTISIG, _CHECKMULTISIGVERIFY):
            count += before - _ONE + 1 if accurate and _ONE <= before <= _SIXTEEN else _MAX_KEYS
        before = opcode
    return count


@numba.njit
def operation_end(text, at, end):  # type: ignore[no-untyped-def]
    """Where the operation ends that begins at `at`; -1 for a push that reaches past the script's end."""
    opcode = int(text[at])
    at += 1
    if opcode > _PUSHDATA4:
        return at
    size = opcode
    if opcode >= _PUSHDATA1:
        width = 1 << opcode - _PUSHDATA1
        if at + width > end:
            return -1
        size = number_at(text, at, width)
        at += width
    return at + size if at + size <= end else -1


@numba.njit
def spending_cost(text, row, begin, end):  # type: ignore[no-untyped-def]
    """What the input of this row costs besides its own script; it spends the script from `begin` to `end`."""
    if not is_p2sh(text, begin, end):
        return _witness_sigops(text, row, begin, end)
    begin, end = _last_push(text, row[SCRIPT_SIG], row[SEQUENCE])
    return WITNESS_SCALE * count_sigops(text, begin, end, True) + _witness_sigops(text, row, begin, end)


@numba.njit
def is_p2sh(text, begin, end):  # type: ignore[no-untyped-def]
    return end - begin == 23 and text[begin] == _HASH160 and text[begin + 1] == 20 and text[end - 1] == _EQUAL


@numba.njit
def _last_push(text, begin, end):  # type: ignore[no-untyped-def]
    """What the script pushes last, from its begin to before its end; nothing where it does more than push."""
    last, at = (begin, begin), begin
    while at < end:
        opcode = int(text[at])
        if opcode > _SIXTEEN:
            return begin, begin
        after = operation_end(text, at, end)
        if after < 0:
            return begin, begin
        width = 1 << opcode - _PUSHDATA1 if _PUSHDATA1 <= opcode <= _PUSHDATA4 else 0
        last = at + 1 + width, after
        at = after
    return last


@numba.njit
def _witness_sigops(text, row, begin, end):  # type: ignore[no-untyped-def]
    if end - begin < 2 or text[begin] != 0 or text[begin + 1] != end - begin - 2:
        return 0
    if end - begin == 22:
        return 1
    if end - begin == 34 and row[ITEMS]:
        return count_sigops(text, row[LAST_AT], row[LAST_END], True)
    return 0
