"""Runs a script: pushes, branches, limits, and for everything else the table of operations."""

from __future__ import annotations

from .errors import ScriptError, ScriptFailedError
from .flags import CONST_SCRIPTCODE, MINIMALIF
from .machine import Machine, Version
from .number import is_true
from .opcodes import DISABLED, Op
from .operations import OPERATIONS
from .parse import is_minimal_push, operations

MAX_SCRIPT_SIZE = 10_000
MAX_PUSH_SIZE = 520
MAX_STACK_SIZE = 1000

_OP_16, _IF, _NOTIF, _ELSE, _ENDIF, _CODESEPARATOR = (
    int(op) for op in (Op.OP_16, Op.OP_IF, Op.OP_NOTIF, Op.OP_ELSE, Op.OP_ENDIF, Op.OP_CODESEPARATOR)
)


class Branches:
    """The open IFs. Only the outermost branch that is not taken matters, so nesting costs nothing."""

    __slots__ = ("_depth", "_skipped_from")

    def __init__(self) -> None:
        self._depth = 0
        self._skipped_from = 0
        """Depth of the outermost branch that is not taken; 0 where all are."""

    @property
    def executing(self) -> bool:
        return self._skipped_from == 0

    @property
    def open(self) -> bool:
        return self._depth > 0

    def enter(self, taken: bool) -> None:
        self._depth += 1
        if not taken and self.executing:
            self._skipped_from = self._depth

    def other(self) -> None:
        """ELSE, as often as it comes."""
        if self.executing:
            self._skipped_from = self._depth
        elif self._skipped_from == self._depth:
            self._skipped_from = 0

    def leave(self) -> None:
        if self._skipped_from == self._depth:
            self._skipped_from = 0
        self._depth -= 1


def run(machine: Machine) -> None:
    """Run the script to its end; what it leaves is on the machine's stack.

    `ScriptFailedError` says why it ended early. The checks come in Bitcoin Core's order (`EvalScript`), so that
    the error is the same.
    """
    counts = machine.version is not Version.TAPSCRIPT
    if counts and len(machine.script) > MAX_SCRIPT_SIZE:
        raise ScriptFailedError(ScriptError.SCRIPT_SIZE)
    stack, alt = machine.stack, machine.alt
    branches = Branches()
    executing = True
    for opcode, data, end in operations(machine.script):
        machine.position += 1
        machine.next = end
        if data is not None:
            if len(data) > MAX_PUSH_SIZE:
                raise ScriptFailedError(ScriptError.PUSH_SIZE)
            if executing:
                if machine.minimal and not is_minimal_push(opcode, data):
                    raise ScriptFailedError(ScriptError.MINIMALDATA)
                stack.append(data)
        else:
            if opcode > _OP_16 and counts:
                machine.count_operations(1)
            if opcode in DISABLED:
                raise ScriptFailedError(ScriptError.DISABLED_OPCODE)
            if opcode == _CODESEPARATOR and machine.version is Version.BASE and machine.flags & CONST_SCRIPTCODE:
                raise ScriptFailedError(ScriptError.OP_CODESEPARATOR)
            if _IF <= opcode <= _ENDIF:
                _branch(machine, branches, opcode)
                executing = branches.executing
            elif executing:
                if opcode not in OPERATIONS:
                    raise ScriptFailedError(ScriptError.BAD_OPCODE)
                depth, action = OPERATIONS[opcode]
                if len(stack) < depth:
                    raise ScriptFailedError(ScriptError.INVALID_STACK_OPERATION)
                action(machine)
        if len(stack) + len(alt) > MAX_STACK_SIZE:
            raise ScriptFailedError(ScriptError.STACK_SIZE)
    if branches.open:
        raise ScriptFailedError(ScriptError.UNBALANCED_CONDITIONAL)


def _branch(machine: Machine, branches: Branches, opcode: int) -> None:
    """IF, NOTIF, ELSE and ENDIF; VERIF and VERNOTIF, which stand between them, are bad even where not executed."""
    if opcode in (_IF, _NOTIF):
        branches.enter(branches.executing and _condition(machine) == (opcode == _IF))
    elif opcode in (_ELSE, _ENDIF):
        if not branches.open:
            raise ScriptFailedError(ScriptError.UNBALANCED_CONDITIONAL)
        if opcode == _ELSE:
            branches.other()
        else:
            branches.leave()
    else:
        raise ScriptFailedError(ScriptError.BAD_OPCODE)


def _condition(machine: Machine) -> bool:
    """What an IF pops. Witness scripts may be held to one way to write true and one to write false."""
    machine.require(1)
    item = machine.stack.pop()
    if item not in (b"", b"\1"):
        if machine.version is Version.TAPSCRIPT:
            raise ScriptFailedError(ScriptError.TAPSCRIPT_MINIMALIF)
        if machine.version is Version.WITNESS_V0 and machine.flags & MINIMALIF:
            raise ScriptFailedError(ScriptError.MINIMALIF)
    return is_true(item)
