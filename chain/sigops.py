"""How many signature checks scripts may ask for, counted from their bytes without running them.

A block's count is limited, so that nobody can make blocks that take long to check. Bare CHECKMULTISIGs count
as twenty where the script does not say how many keys there are, and in legacy outputs always.
"""

from __future__ import annotations

from collections.abc import Sequence

from .script.errors import ScriptFailedError
from .script.flags import P2SH, WITNESS
from .script.opcodes import Op
from .script.parse import WitnessProgram, is_p2sh, is_push_only, operations, witness_program
from .transaction import WITNESS_SCALE, Transaction, TxIn, TxOut

MAX_BLOCK_SIGOPS_COST = 80_000
"""BIP141. An operation outside the witnesses costs four."""

_MAX_KEYS = 20

_CHECKSIG, _CHECKSIGVERIFY = int(Op.OP_CHECKSIG), int(Op.OP_CHECKSIGVERIFY)
_CHECKMULTISIG, _CHECKMULTISIGVERIFY = int(Op.OP_CHECKMULTISIG), int(Op.OP_CHECKMULTISIGVERIFY)
_COUNTED = frozenset((_CHECKSIG, _CHECKSIGVERIFY, _CHECKMULTISIG, _CHECKMULTISIGVERIFY))
_OP_1, _OP_16 = int(Op.OP_1), int(Op.OP_16)


def count_sigops(script: bytes, accurate: bool) -> int:
    """Signature operations up to the script's end or its first push that reaches past it.

    `accurate`: the number that is pushed right before a CHECKMULTISIG is taken for its number of keys.
    """
    if _COUNTED.isdisjoint(script):
        return 0
    count = 0
    before = -1
    try:
        for opcode, _, _ in operations(script):
            if opcode in (_CHECKSIG, _CHECKSIGVERIFY):
                count += 1
            elif opcode in (_CHECKMULTISIG, _CHECKMULTISIGVERIFY):
                count += before - _OP_1 + 1 if accurate and _OP_1 <= before <= _OP_16 else _MAX_KEYS
            before = opcode
    except ScriptFailedError:
        pass  # what cannot be read cannot be run, and what stands before it counts all the same
    return count


def legacy_sigops(transaction: Transaction) -> int:
    """Those in the scripts of the transaction itself, run or not."""
    return sum(count_sigops(spent.script_sig, accurate=False) for spent in transaction.inputs) + sum(
        count_sigops(output.script_pubkey, accurate=False) for output in transaction.outputs
    )


def sigop_cost(transaction: Transaction, spent: Sequence[TxOut], flags: int) -> int:
    """What counts against `MAX_BLOCK_SIGOPS_COST`; `spent` has the output of each input, none for a coinbase."""
    legacy = legacy_sigops(transaction)
    redeemed = witnessed = 0
    for source, output in zip(transaction.inputs, spent, strict=not transaction.is_coinbase):
        in_p2sh = flags & P2SH and is_p2sh(output.script_pubkey)
        redeem_script = _last_push(source.script_sig) if in_p2sh else b""
        redeemed += count_sigops(redeem_script, accurate=True)
        if flags & WITNESS:
            witnessed += _witness_sigops(source, witness_program(redeem_script or output.script_pubkey))
    return WITNESS_SCALE * (legacy + redeemed) + witnessed


def _last_push(script_sig: bytes) -> bytes:
    """The script that a P2SH input redeems; nothing where its script does more than push."""
    if not is_push_only(script_sig):
        return b""
    last = b""
    for _, data, _ in operations(script_sig):
        last = data or b""
    return last


def _witness_sigops(source: TxIn, program: WitnessProgram | None) -> int:
    """Taproot has none: its budget stands in the witness (BIP342)."""
    if program is None or program.version != 0:
        return 0
    if len(program.program) == 20:
        return 1
    return count_sigops(source.witness[-1], accurate=True) if len(program.program) == 32 and source.witness else 0
