"""What a block has to be in its place, by the headers below it (Bitcoin Core's `ContextualCheckBlock`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .block import Block, commit_to_witnesses, witness_commitment
from .check_block import place
from .check_transaction import MAX_WEIGHT
from .header import display_hash
from .locktime import is_final
from .params import Network
from .refusal import Reason, Refusal
from .script.number import encode_number
from .script.opcodes import Op
from .script.parse import push


@dataclass(frozen=True, slots=True)
class BlockContext:
    """What the rules ask about the headers below a block."""

    network: Network

    height: int
    """Of the block."""

    median_time: int
    """The median time past of the block before it."""

    median_time_before: Callable[[int], int]
    """The median time past of the block before that at a height, for every height up to the block's."""

    bip34_block: str | None
    """Hash, in display order, of the block below it at the network's `bip34_height`; None where there is none."""


def check_block_context(block: Block, context: BlockContext) -> Refusal | None:
    """Why the block cannot stand here, or None. It has passed `check_block` and its header `check_header`."""
    return (
        _check_locktimes(block, context)
        or _check_height(block, context)
        or _check_witnesses(block, context)
        or _check_weight(block)
    )


def height_push(height: int) -> bytes:
    """How a coinbase's script begins (BIP34): the operation that pushes the height, as short as can be."""
    if height <= 16:
        return bytes((Op.OP_1 + height - 1,)) if height else b"\0"
    return push(encode_number(height))


def _check_locktimes(block: Block, context: BlockContext) -> Refusal | None:
    by_median = context.height >= context.network.csv_height
    time = context.median_time if by_median else block.header.time
    for index, transaction in enumerate(block.transactions):
        if not is_final(transaction, context.height, time):
            return Refusal(
                Reason.BAD_TXNS_NONFINAL,
                f"{place(index, transaction)} has the locktime {transaction.locktime}; "
                f"the block has height {context.height} and time {time}",
            )
    return None


def _check_height(block: Block, context: BlockContext) -> Refusal | None:
    if context.height < context.network.bip34_height:
        return None
    expected = height_push(context.height)
    found = block.transactions[0].inputs[0].script_sig
    if found.startswith(expected):
        return None
    return Refusal(
        Reason.BAD_CB_HEIGHT,
        f"the coinbase does not begin with the height {context.height}: {expected.hex()} expected, "
        f"{found[: len(expected)].hex()} found",
    )


def _check_witnesses(block: Block, context: BlockContext) -> Refusal | None:
    coinbase = block.transactions[0]
    active = context.height >= context.network.segwit_height
    commitment = witness_commitment(coinbase) if active else None
    if commitment is None:
        for index, transaction in enumerate(block.transactions):
            if transaction.has_witness:
                detail = f"{place(index, transaction)} has a witness, and the coinbase commits to none"
                return Refusal(Reason.UNEXPECTED_WITNESS, detail)
        return None
    reserved = coinbase.inputs[0].witness
    if len(reserved) != 1 or len(reserved[0]) != 32:
        sizes = [len(item) for item in reserved]
        detail = f"the coinbase's witness has items of {sizes} bytes; it has one of 32"
        return Refusal(Reason.BAD_WITNESS_NONCE_SIZE, detail)
    found = commit_to_witnesses(block.witness_root(), reserved[0])
    if found == commitment:
        return None
    return Refusal(
        Reason.BAD_WITNESS_MERKLE_MATCH,
        f"the coinbase commits to {display_hash(commitment)}, the witnesses have {display_hash(found)}",
    )


def _check_weight(block: Block) -> Refusal | None:
    if block.weight <= MAX_WEIGHT:
        return None
    return Refusal(Reason.BAD_BLK_WEIGHT, f"the block weighs {block.weight}; the most is {MAX_WEIGHT}")
