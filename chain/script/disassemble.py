"""Scripts as people read them, in the words of Bitcoin Core (`ScriptToAsmStr` in `core_io`)."""

from __future__ import annotations

from typing import NamedTuple

from ..transaction import TxIn
from .encodings import check_signature_encoding
from .errors import ScriptFailedError
from .flags import STRICTENC
from .number import decode_number
from .opcodes import Op
from .parse import is_p2sh, operations, witness_program
from .sighash import ALL, ANYONECANPAY, NONE, SINGLE
from .taproot import ANNEX_TAG, LEAF_MASK, TAPSCRIPT_LEAF

_NAMES = {
    **{int(op): op.name for op in Op},
    int(Op.OP_1NEGATE): "-1",
    **{Op.OP_RESERVED + number: str(number) for number in range(1, 17)},
    0xFF: "OP_INVALIDOPCODE",
}

_HASH_TYPES = {
    number | alone: name + ("|ANYONECANPAY" if alone else "")
    for number, name in ((ALL, "ALL"), (NONE, "NONE"), (SINGLE, "SINGLE"))
    for alone in (0, ANYONECANPAY)
}

_SHORT = 4
"""Pushes of at most so many bytes are shown as the numbers that they are."""


def disassemble(script: bytes, hash_types: bool = False) -> str:
    """Opcodes by name, and what is pushed as a number or in hex; `[error]` for a push past the end.

    With `hash_types`, which is for the scripts of inputs, a signature's last byte is shown as a word: `[ALL]`;
    but not in what begins with RETURN, where any bytes may stand.
    """
    hash_types = hash_types and script[:1] != bytes((Op.OP_RETURN,))
    words = []
    try:
        for opcode, pushed, _ in operations(script):
            if pushed is None:
                words.append(_NAMES.get(opcode, "OP_UNKNOWN"))
            elif len(pushed) <= _SHORT:
                words.append(str(decode_number(pushed, minimal=False)))
            else:
                words.append(_with_hash_type(pushed) if hash_types else pushed.hex())
    except ScriptFailedError:
        words.append("[error]")
    return " ".join(words)


def _with_hash_type(pushed: bytes) -> str:
    try:
        check_signature_encoding(pushed, STRICTENC)
    except ScriptFailedError:
        return pushed.hex()
    return f"{pushed[:-1].hex()}[{_HASH_TYPES[pushed[-1]]}]"


class Revealed(NamedTuple):
    """Scripts to which an output commits by a hash, and which the input that spends it shows."""

    redeem_script: bytes | None
    """Of P2SH."""

    witness_script: bytes | None
    """Of P2WSH, in P2SH or not; of Taproot's script path, where it is Tapscript."""


def revealed(source: TxIn, script_pubkey: bytes) -> Revealed:
    """What an input that spends an output with this script shows; the input is taken to be valid."""
    redeem_script = None
    if is_p2sh(script_pubkey):
        redeem_script = [pushed or b"" for _, pushed, _ in operations(source.script_sig)][-1]
    program = witness_program(script_pubkey if redeem_script is None else redeem_script)
    items = [*source.witness]
    if program is None or len(program.program) != 32 or not items:
        return Revealed(redeem_script, None)
    if program.version == 0:
        return Revealed(redeem_script, items[-1])
    if program.version != 1 or redeem_script is not None:
        return Revealed(redeem_script, None)
    if len(items) >= 2 and items[-1][:1] == bytes((ANNEX_TAG,)):
        items.pop()
    is_tapscript = len(items) >= 2 and items[-1][0] & LEAF_MASK == TAPSCRIPT_LEAF
    return Revealed(None, items[-2] if is_tapscript else None)
