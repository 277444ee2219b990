"""The operations that check signatures.

Which signatures are asked about, and in which order, is consensus: an encoding is refused only when its
signature's turn comes.
"""

from __future__ import annotations

from .encodings import check_key_encoding, check_signature_encoding
from .errors import ScriptError, ScriptFailedError
from .flags import CONST_SCRIPTCODE, DISCOURAGE_UPGRADABLE_PUBKEYTYPE, NULLDUMMY, NULLFAIL
from .machine import Machine, Version
from .parse import find_and_delete, push

MAX_KEYS = 20

SIGNATURE_WEIGHT = 50
"""What a signature takes from the budget of a Tapscript (BIP342)."""


def code_separator(machine: Machine) -> None:
    machine.code_begin = machine.next
    machine.code_separator = machine.position


def check_sig(machine: Machine) -> None:
    """(signature key -- good)"""
    key, signature = machine.stack.pop(), machine.stack.pop()
    machine.push_bool(_is_good(machine, signature, key))


def check_sig_verify(machine: Machine) -> None:
    """(signature key -- )"""
    key, signature = machine.stack.pop(), machine.stack.pop()
    if not _is_good(machine, signature, key):
        raise ScriptFailedError(ScriptError.CHECKSIGVERIFY)


def check_sig_add(machine: Machine) -> None:
    """(signature n key -- n + good), in Tapscript alone (BIP342)."""
    if machine.version is not Version.TAPSCRIPT:
        raise ScriptFailedError(ScriptError.BAD_OPCODE)
    machine.require(3)
    number = machine.number(-2)
    signature, _, key = machine.stack[-3:]
    del machine.stack[-3:]
    machine.push_number(number + _is_good(machine, signature, key))


def check_multisig(machine: Machine) -> None:
    """(dummy signatures n keys m -- good)"""
    machine.push_bool(_are_good(machine))


def check_multisig_verify(machine: Machine) -> None:
    """(dummy signatures n keys m -- )"""
    if not _are_good(machine):
        raise ScriptFailedError(ScriptError.CHECKMULTISIGVERIFY)


def _is_good(machine: Machine, signature: bytes, key: bytes) -> bool:
    if machine.version is Version.TAPSCRIPT:
        return _is_good_in_tapscript(machine, signature, key)
    code = _without(machine, machine.script[machine.code_begin :], signature)
    good = _check_one(machine, signature, key, code)
    if not good and signature and machine.flags & NULLFAIL:
        raise ScriptFailedError(ScriptError.NULLFAIL)
    return good


def _is_good_in_tapscript(machine: Machine, signature: bytes, key: bytes) -> bool:
    """BIP342: only an empty signature is bad; any other is good or ends the script."""
    if signature:
        machine.weight_left -= SIGNATURE_WEIGHT
        if machine.weight_left < 0:
            raise ScriptFailedError(ScriptError.TAPSCRIPT_VALIDATION_WEIGHT)
    if not key:
        raise ScriptFailedError(ScriptError.TAPSCRIPT_EMPTY_PUBKEY)
    if len(key) == 32:
        if signature:
            machine.checker.schnorr(signature, key, machine.annex_hash, machine.leaf_hash, machine.code_separator)
    elif machine.flags & DISCOURAGE_UPGRADABLE_PUBKEYTYPE:
        raise ScriptFailedError(ScriptError.DISCOURAGE_UPGRADABLE_PUBKEYTYPE)
    return signature != b""


def _check_one(machine: Machine, signature: bytes, key: bytes, code: bytes) -> bool:
    in_witness_v0 = machine.version is Version.WITNESS_V0
    check_signature_encoding(signature, machine.flags)
    check_key_encoding(key, machine.flags, in_witness_v0)
    return machine.checker.ecdsa(signature, key, code, in_witness_v0)


def _without(machine: Machine, code: bytes, signature: bytes) -> bytes:
    """The code as it is signed: a signature cannot sign itself, so legacy scripts lose it (FindAndDelete)."""
    if machine.version is not Version.BASE:
        return code
    rest = find_and_delete(code, push(signature))
    if len(rest) != len(code) and machine.flags & CONST_SCRIPTCODE:
        raise ScriptFailedError(ScriptError.SIG_FINDANDDELETE)
    return rest


def _are_good(machine: Machine) -> bool:
    """Whether every signature is one of a key's, in the order of the keys. From the last to the first."""
    if machine.version is Version.TAPSCRIPT:
        raise ScriptFailedError(ScriptError.TAPSCRIPT_CHECKMULTISIG)
    key_count = _pop_count(machine, MAX_KEYS, ScriptError.PUBKEY_COUNT)
    machine.count_operations(key_count)
    keys = _pop_items(machine, key_count)
    signatures = _pop_items(machine, _pop_count(machine, key_count, ScriptError.SIG_COUNT))

    code = machine.script[machine.code_begin :]
    for signature in reversed(signatures):
        code = _without(machine, code, signature)

    left = signatures.copy()
    while len(left) <= len(keys) and left:
        if _check_one(machine, left[-1], keys.pop(), code):
            left.pop()
    good = not left

    if not good and any(signatures) and machine.flags & NULLFAIL:
        raise ScriptFailedError(ScriptError.NULLFAIL)
    # An off-by-one of 2009: it takes one item more than it uses.
    if machine.stack.pop() and machine.flags & NULLDUMMY:
        raise ScriptFailedError(ScriptError.SIG_NULLDUMMY)
    return good


def _pop_count(machine: Machine, most: int, error: ScriptError) -> int:
    machine.require(1)
    count = machine.pop_number()
    if not 0 <= count <= most:
        raise ScriptFailedError(error)
    return count


def _pop_items(machine: Machine, count: int) -> list[bytes]:
    """So many, the deepest first. One more has to be below them: a count below keys, the dummy below the rest."""
    machine.require(count + 1)
    begin = len(machine.stack) - count
    items = machine.stack[begin:]
    del machine.stack[begin:]
    return items
