"""Whether an input may spend an output: its own script, P2SH, witness programs, Taproot."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from ..serialise import compact_size, with_size
from . import taproot
from .checker import Checker
from .checksig import SIGNATURE_WEIGHT
from .errors import ScriptError, ScriptFailedError
from .flags import (
    CLEANSTACK,
    DISCOURAGE_OP_SUCCESS,
    DISCOURAGE_UPGRADABLE_TAPROOT_VERSION,
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM,
    P2SH,
    SIGPUSHONLY,
    TAPROOT,
    WITNESS,
)
from .interpreter import MAX_PUSH_SIZE, MAX_STACK_SIZE, run
from .machine import Machine, Version
from .number import is_true
from .opcodes import SUCCESS
from .parse import WitnessProgram, is_p2sh, is_push_only, operations, push, witness_program

_ANCHOR = WitnessProgram(1, b"\x4e\x73")
"""Pay to anchor: an output that anyone may spend, for fees."""


def verify_script(
    script_sig: bytes, script_pubkey: bytes, witness: Sequence[bytes], flags: int, checker: Checker
) -> ScriptError:
    """`ScriptError.OK`, or why the output with `script_pubkey` is not spent (Bitcoin Core's `VerifyScript`).

    `flags` are those of `flags.py`.
    """
    try:
        _verify(script_sig, script_pubkey, witness, flags, checker)
    except ScriptFailedError as failure:
        return failure.error
    return ScriptError.OK


def _verify(
    script_sig: bytes, script_pubkey: bytes, witness: Sequence[bytes], flags: int, checker: Checker
) -> None:
    if flags & SIGPUSHONLY and not is_push_only(script_sig):
        raise ScriptFailedError(ScriptError.SIG_PUSHONLY)
    stack: list[bytes] = []
    run(Machine(script_sig, stack, Version.BASE, flags, checker))
    pushed = stack.copy()
    _run_to_true(script_pubkey, stack, flags, checker)

    has_program = False
    if flags & WITNESS and (program := witness_program(script_pubkey)):
        has_program = True
        if script_sig:
            raise ScriptFailedError(ScriptError.WITNESS_MALLEATED)
        _verify_program(program, witness, flags, checker, in_p2sh=False)
        del stack[1:]

    if flags & P2SH and is_p2sh(script_pubkey):
        if not is_push_only(script_sig):
            raise ScriptFailedError(ScriptError.SIG_PUSHONLY)
        stack = pushed
        redeem_script = stack.pop()
        _run_to_true(redeem_script, stack, flags, checker)
        if flags & WITNESS and (program := witness_program(redeem_script)):
            has_program = True
            if script_sig != push(redeem_script):
                raise ScriptFailedError(ScriptError.WITNESS_MALLEATED_P2SH)
            _verify_program(program, witness, flags, checker, in_p2sh=True)
            del stack[1:]

    if flags & CLEANSTACK and len(stack) != 1:
        raise ScriptFailedError(ScriptError.CLEANSTACK)
    if flags & WITNESS and witness and not has_program:
        raise ScriptFailedError(ScriptError.WITNESS_UNEXPECTED)


def _run_to_true(script: bytes, stack: list[bytes], flags: int, checker: Checker) -> None:
    run(Machine(script, stack, Version.BASE, flags, checker))
    if not stack or not is_true(stack[-1]):
        raise ScriptFailedError(ScriptError.EVAL_FALSE)


def _verify_program(
    program: WitnessProgram, witness: Sequence[bytes], flags: int, checker: Checker, in_p2sh: bool
) -> None:
    if program.version == 0:
        _verify_v0(program.program, witness, flags, checker)
    elif program.version == 1 and len(program.program) == 32 and not in_p2sh:
        if flags & TAPROOT:
            _verify_taproot(program.program, witness, flags, checker)
    elif flags & DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM and (in_p2sh or program != _ANCHOR):
        raise ScriptFailedError(ScriptError.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM)


def _verify_v0(program: bytes, witness: Sequence[bytes], flags: int, checker: Checker) -> None:
    """BIP141: the hash of a script, which is the last witness item, or the hash of a key."""
    if len(program) == 32:
        if not witness:
            raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_WITNESS_EMPTY)
        *stack, script = witness
        if sha256(script).digest() != program:
            raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_MISMATCH)
    elif len(program) == 20:
        if len(witness) != 2:
            raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_MISMATCH)
        stack = [*witness]
        script = b"\x76\xa9\x14" + program + b"\x88\xac"  # DUP HASH160 program EQUALVERIFY CHECKSIG
    else:
        raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_WRONG_LENGTH)
    _run_witness(Machine(script, stack, Version.WITNESS_V0, flags, checker))


def _verify_taproot(program: bytes, witness: Sequence[bytes], flags: int, checker: Checker) -> None:
    """BIP341: a signature by the output key, or a script that it commits to with the control block."""
    if not witness:
        raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_WITNESS_EMPTY)
    stack = [*witness]
    annex_hash = None
    if len(stack) >= 2 and stack[-1][:1] == bytes((taproot.ANNEX_TAG,)):
        annex_hash = sha256(with_size(stack.pop())).digest()
    if len(stack) == 1:
        checker.schnorr(stack[0], program, annex_hash)
        return

    control, script = stack.pop(), stack.pop()
    if not taproot.is_control_block(control):
        raise ScriptFailedError(ScriptError.TAPROOT_WRONG_CONTROL_SIZE)
    leaf_version = control[0] & taproot.LEAF_MASK
    leaf = taproot.leaf_hash(leaf_version, script)
    if not checker.commits(program, control, leaf):
        raise ScriptFailedError(ScriptError.WITNESS_PROGRAM_MISMATCH)
    if leaf_version != taproot.TAPSCRIPT_LEAF:
        if flags & DISCOURAGE_UPGRADABLE_TAPROOT_VERSION:
            raise ScriptFailedError(ScriptError.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION)
        return
    if any(opcode in SUCCESS for opcode, _, _ in operations(script)):
        if flags & DISCOURAGE_OP_SUCCESS:
            raise ScriptFailedError(ScriptError.DISCOURAGE_OP_SUCCESS)
        return
    if len(stack) > MAX_STACK_SIZE:
        raise ScriptFailedError(ScriptError.STACK_SIZE)
    size = len(compact_size(len(witness))) + sum(len(with_size(item)) for item in witness)
    _run_witness(
        Machine(
            script,
            stack,
            Version.TAPSCRIPT,
            flags,
            checker,
            annex_hash=annex_hash,
            leaf_hash=leaf,
            weight_left=size + SIGNATURE_WEIGHT,
        )
    )


def _run_witness(machine: Machine) -> None:
    """Witness scripts leave one item, and that is true."""
    stack = machine.stack
    if any(len(item) > MAX_PUSH_SIZE for item in stack):
        raise ScriptFailedError(ScriptError.PUSH_SIZE)
    run(machine)
    if len(stack) != 1:
        raise ScriptFailedError(ScriptError.CLEANSTACK)
    if not is_true(stack[0]):
        raise ScriptFailedError(ScriptError.EVAL_FALSE)
