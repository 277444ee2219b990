"""What each opcode does to the machine, except for signatures (`checksig.py`) and branches (`interpreter.py`).

`OPERATIONS` has, by opcode, the items that have to be on the stack and the function. A comment like
(x1 x2 -- x2 x1) shows the stack before and after, its top on the right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from hashlib import sha1, sha256

from ..hashes import hash160, hash256, ripemd160
from . import checksig
from .checker import SEQUENCE_DISABLED
from .errors import ScriptError, ScriptFailedError
from .flags import CHECKLOCKTIMEVERIFY, CHECKSEQUENCEVERIFY, DISCOURAGE_UPGRADABLE_NOPS
from .machine import Machine
from .number import encode_number, is_true
from .opcodes import UPGRADABLE_NOPS, Op

Action = Callable[[Machine], None]

_LOCKTIME_SIZE = 5
"""Bytes of a number that is compared with a locktime: 32 bits without a sign."""


def _fail(error: ScriptError) -> Action:
    def action(_: Machine) -> None:
        raise ScriptFailedError(error)

    return action


def _nop(_: Machine) -> None:
    pass


def _upgradable_nop(machine: Machine) -> None:
    if machine.flags & DISCOURAGE_UPGRADABLE_NOPS:
        raise ScriptFailedError(ScriptError.DISCOURAGE_UPGRADABLE_NOPS)


def _constant(number: int) -> Action:
    item = encode_number(number)
    return lambda machine: machine.stack.append(item)


def _verify(machine: Machine) -> None:
    if not is_true(machine.stack.pop()):
        raise ScriptFailedError(ScriptError.VERIFY)


def _check_locktime(machine: Machine) -> None:
    """BIP65. The number stays on the stack, since before this rule the opcode did nothing."""
    if not machine.flags & CHECKLOCKTIMEVERIFY:
        return
    machine.require(1)
    wanted = machine.number(-1, _LOCKTIME_SIZE)
    if wanted < 0:
        raise ScriptFailedError(ScriptError.NEGATIVE_LOCKTIME)
    if not machine.checker.locktime_reached(wanted):
        raise ScriptFailedError(ScriptError.UNSATISFIED_LOCKTIME)


def _check_sequence(machine: Machine) -> None:
    """BIP112. Like the one before; a number with the disabling bit asks for nothing."""
    if not machine.flags & CHECKSEQUENCEVERIFY:
        return
    machine.require(1)
    wanted = machine.number(-1, _LOCKTIME_SIZE)
    if wanted < 0:
        raise ScriptFailedError(ScriptError.NEGATIVE_LOCKTIME)
    if not wanted & SEQUENCE_DISABLED and not machine.checker.sequence_reached(wanted):
        raise ScriptFailedError(ScriptError.UNSATISFIED_LOCKTIME)


# The stack


def _to_alt(machine: Machine) -> None:
    machine.alt.append(machine.stack.pop())


def _from_alt(machine: Machine) -> None:
    if not machine.alt:
        raise ScriptFailedError(ScriptError.INVALID_ALTSTACK_OPERATION)
    machine.stack.append(machine.alt.pop())


def _drop2(machine: Machine) -> None:
    del machine.stack[-2:]


def _dup2(machine: Machine) -> None:
    machine.stack += machine.stack[-2:]


def _dup3(machine: Machine) -> None:
    machine.stack += machine.stack[-3:]


def _over2(machine: Machine) -> None:
    """(x1 x2 x3 x4 -- x1 x2 x3 x4 x1 x2)"""
    machine.stack += machine.stack[-4:-2]


def _rot2(machine: Machine) -> None:
    """(x1 x2 x3 x4 x5 x6 -- x3 x4 x5 x6 x1 x2)"""
    stack = machine.stack
    stack[-6:] = stack[-4:] + stack[-6:-4]


def _swap2(machine: Machine) -> None:
    """(x1 x2 x3 x4 -- x3 x4 x1 x2)"""
    stack = machine.stack
    stack[-4:] = stack[-2:] + stack[-4:-2]


def _if_dup(machine: Machine) -> None:
    if is_true(machine.stack[-1]):
        machine.stack.append(machine.stack[-1])


def _depth(machine: Machine) -> None:
    machine.push_number(len(machine.stack))


def _drop(machine: Machine) -> None:
    machine.stack.pop()


def _dup(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _nip(machine: Machine) -> None:
    """(x1 x2 -- x2)"""
    del machine.stack[-2]


def _over(machine: Machine) -> None:
    """(x1 x2 -- x1 x2 x1)"""
    machine.stack.append(machine.stack[-2])


def _pop_depth(machine: Machine) -> int:
    """The depth that PICK and ROLL name, counted from the top after it is popped."""
    depth = machine.pop_number()
    if not 0 <= depth < len(machine.stack):
        raise ScriptFailedError(ScriptError.INVALID_STACK_OPERATION)
    return depth


def _pick(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1 - _pop_depth(machine)])


def _roll(machine: Machine) -> None:
    machine.stack.append(machine.stack.pop(-1 - _pop_depth(machine)))


def _rot(machine: Machine) -> None:
    """(x1 x2 x3 -- x2 x3 x1)"""
    machine.stack.append(machine.stack.pop(-3))


def _swap(machine: Machine) -> None:
    machine.stack.append(machine.stack.pop(-2))


def _tuck(machine: Machine) -> None:
    """(x1 x2 -- x2 x1 x2)"""
    machine.stack.insert(-2, machine.stack[-1])


def _size(machine: Machine) -> None:
    """(x -- x size)"""
    machine.push_number(len(machine.stack[-1]))


def _equal(machine: Machine) -> None:
    machine.push_bool(machine.stack.pop() == machine.stack.pop())


def _equal_verify(machine: Machine) -> None:
    if machine.stack.pop() != machine.stack.pop():
        raise ScriptFailedError(ScriptError.EQUALVERIFY)


# Numbers


def _unary(function: Callable[[int], int]) -> Action:
    return lambda machine: machine.push_number(function(machine.pop_number()))


def _binary(function: Callable[[int, int], int]) -> Action:
    """(a b -- function(a, b))"""

    def action(machine: Machine) -> None:
        a, b = machine.number(-2), machine.number(-1)
        del machine.stack[-2:]
        machine.push_number(int(function(a, b)))

    return action


def _numbers_equal_verify(machine: Machine) -> None:
    if machine.number(-2) != machine.number(-1):
        raise ScriptFailedError(ScriptError.NUMEQUALVERIFY)
    del machine.stack[-2:]


def _within(machine: Machine) -> None:
    """(x least bound -- least <= x < bound)"""
    x, least, bound = machine.number(-3), machine.number(-2), machine.number(-1)
    del machine.stack[-3:]
    machine.push_bool(least <= x < bound)


def _hash(function: Callable[[bytes], bytes]) -> Action:
    return lambda machine: machine.stack.append(function(machine.stack.pop()))


OPERATIONS: dict[int, tuple[int, Action]] = {
    Op.OP_1NEGATE: (0, _constant(-1)),
    **{Op.OP_1 + number - 1: (0, _constant(number)) for number in range(1, 17)},
    Op.OP_NOP: (0, _nop),
    Op.OP_VERIFY: (1, _verify),
    Op.OP_RETURN: (0, _fail(ScriptError.OP_RETURN)),
    Op.OP_CHECKLOCKTIMEVERIFY: (0, _check_locktime),
    Op.OP_CHECKSEQUENCEVERIFY: (0, _check_sequence),
    **dict.fromkeys(UPGRADABLE_NOPS, (0, _upgradable_nop)),
    Op.OP_TOALTSTACK: (1, _to_alt),
    Op.OP_FROMALTSTACK: (0, _from_alt),
    Op.OP_2DROP: (2, _drop2),
    Op.OP_2DUP: (2, _dup2),
    Op.OP_3DUP: (3, _dup3),
    Op.OP_2OVER: (4, _over2),
    Op.OP_2ROT: (6, _rot2),
    Op.OP_2SWAP: (4, _swap2),
    Op.OP_IFDUP: (1, _if_dup),
    Op.OP_DEPTH: (0, _depth),
    Op.OP_DROP: (1, _drop),
    Op.OP_DUP: (1, _dup),
    Op.OP_NIP: (2, _nip),
    Op.OP_OVER: (2, _over),
    Op.OP_PICK: (2, _pick),
    Op.OP_ROLL: (2, _roll),
    Op.OP_ROT: (3, _rot),
    Op.OP_SWAP: (2, _swap),
    Op.OP_TUCK: (2, _tuck),
    Op.OP_SIZE: (1, _size),
    Op.OP_EQUAL: (2, _equal),
    Op.OP_EQUALVERIFY: (2, _equal_verify),
    Op.OP_1ADD: (1, _unary(lambda a: a + 1)),
    Op.OP_1SUB: (1, _unary(lambda a: a - 1)),
    Op.OP_NEGATE: (1, _unary(operator.neg)),
    Op.OP_ABS: (1, _unary(abs)),
    Op.OP_NOT: (1, _unary(lambda a: a == 0)),
    Op.OP_0NOTEQUAL: (1, _unary(lambda a: a != 0)),
    Op.OP_ADD: (2, _binary(operator.add)),
    Op.OP_SUB: (2, _binary(operator.sub)),
    Op.OP_BOOLAND: (2, _binary(lambda a, b: a != 0 and b != 0)),
    Op.OP_BOOLOR: (2, _binary(lambda a, b: a != 0 or b != 0)),
    Op.OP_NUMEQUAL: (2, _binary(operator.eq)),
    Op.OP_NUMEQUALVERIFY: (2, _numbers_equal_verify),
    Op.OP_NUMNOTEQUAL: (2, _binary(operator.ne)),
    Op.OP_LESSTHAN: (2, _binary(operator.lt)),
    Op.OP_GREATERTHAN: (2, _binary(operator.gt)),
    Op.OP_LESSTHANOREQUAL: (2, _binary(operator.le)),
    Op.OP_GREATERTHANOREQUAL: (2, _binary(operator.ge)),
    Op.OP_MIN: (2, _binary(min)),
    Op.OP_MAX: (2, _binary(max)),
    Op.OP_WITHIN: (3, _within),
    Op.OP_RIPEMD160: (1, _hash(ripemd160)),
    Op.OP_SHA1: (1, _hash(lambda item: sha1(item, usedforsecurity=False).digest())),
    Op.OP_SHA256: (1, _hash(lambda item: sha256(item).digest())),
    Op.OP_HASH160: (1, _hash(hash160)),
    Op.OP_HASH256: (1, _hash(hash256)),
    Op.OP_CODESEPARATOR: (0, checksig.code_separator),
    Op.OP_CHECKSIG: (2, checksig.check_sig),
    Op.OP_CHECKSIGVERIFY: (2, checksig.check_sig_verify),
    Op.OP_CHECKSIGADD: (0, checksig.check_sig_add),
    Op.OP_CHECKMULTISIG: (0, checksig.check_multisig),
    Op.OP_CHECKMULTISIGVERIFY: (0, checksig.check_multisig_verify),
}
"""An opcode that is not here is refused when it is executed."""
