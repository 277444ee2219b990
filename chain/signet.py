"""Blocks that have to be signed (BIP325).

The signature stands in the coinbase, beside the witness commitment, and signs the block without itself. It is
checked as a script: a transaction that nobody ever sees spends an output whose script is the challenge.
"""

from __future__ import annotations

from dataclasses import replace

from ..kernels.backend import Backend
from .block import Block, witness_commitment
from .merkle import merkle_root
from .params import Network
from .refusal import Reason, Refusal
from .script.errors import ScriptFailedError
from .script.flags import DERSIG, NULLDUMMY, P2SH, WITNESS
from .script.opcodes import Op
from .script.parse import operations, push
from .serialise import MalformedError, Reader
from .transaction import OutPoint, Transaction, TxIn, TxOut
from .verdicts import Spend, verify_inputs

_HEADER = bytes.fromhex("ecc7daa2")
"""How the push begins that holds the signature."""

_SIGNED_BYTES = 72
"""Of the header: version, previous hash, Merkle root and time. Difficulty and nonce come after the signature."""

_FLAGS = P2SH | WITNESS | DERSIG | NULLDUMMY


def check_signature(block: Block, network: Network, backend: Backend) -> Refusal | None:
    """Why the block is not signed as its network demands; None where it is, and where nothing is demanded."""
    if not network.signet_challenge or block.header == network.genesis:
        return None
    try:
        spend = _signed(block, network.signet_challenge)
    except MalformedError as error:
        return Refusal(Reason.BAD_SIGNET_BLKSIG, str(error))
    fault = verify_inputs([spend], _FLAGS, backend).first_fault()
    if fault is None:
        return None
    return Refusal(Reason.BAD_SIGNET_BLKSIG, f"the block's signature fails: {fault.error.value}")


def _signed(block: Block, challenge: bytes) -> Spend:
    """The transaction that carries the signature, and what it spends.

    `MalformedError` where the coinbase commits to no witnesses, or the signature is no script and witness.
    """
    coinbase = block.transactions[0]
    places = [index for index, output in enumerate(coinbase.outputs) if _is_commitment(output)]
    if not places:
        raise MalformedError("the coinbase has no witness commitment, beside which the block's signature stands")
    place = places[-1]
    outputs = list(coinbase.outputs)
    script, solution = _cut(outputs[place].script_pubkey)
    outputs[place] = outputs[place]._replace(script_pubkey=script)
    script_sig, witness = _parse(solution) if solution else (b"", ())

    unsigned = replace(coinbase, outputs=tuple(outputs))
    header = block.header
    root = merkle_root([unsigned.txid, *[transaction.txid for transaction in block.transactions[1:]]]).root
    signed = replace(header, merkle_root=root).serialise()[:_SIGNED_BYTES]
    nothing = OutPoint(bytes(32), 0xFFFFFFFF)
    to_spend = Transaction(0, (TxIn(nothing, b"\0" + push(signed), 0),), (TxOut(0, challenge),))
    to_sign = Transaction(
        version=0,
        inputs=(TxIn(OutPoint(to_spend.txid, 0), script_sig, 0, witness),),
        outputs=(TxOut(0, Op.OP_RETURN.to_bytes(1)),),
    )
    return Spend(to_sign, to_spend.outputs)


def _is_commitment(output: TxOut) -> bool:
    return witness_commitment(Transaction(0, (), (output,))) is not None


def _cut(script: bytes) -> tuple[bytes, bytes]:
    """The script without what follows `_HEADER` in its first push that begins so, and what followed."""
    kept, solution = [], b""
    try:
        for opcode, data, _ in operations(script):
            if data and not solution and data.startswith(_HEADER) and len(data) > len(_HEADER):
                data, solution = _HEADER, data[len(_HEADER) :]
            kept.append(push(data) if data else opcode.to_bytes(1))
    except ScriptFailedError:
        pass  # a push past the end is dropped with what would follow it (Bitcoin Core does the same)
    return (b"".join(kept), solution) if solution else (script, b"")


def _parse(solution: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    reader = Reader(solution, "block's signature")
    script_sig = reader.sized()
    witness = tuple([reader.sized() for _ in range(reader.compact_size())])
    reader.finish()
    return script_sig, witness
