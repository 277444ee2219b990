"""What a block has to be on its own, from its bytes alone (Bitcoin Core's `CheckBlock`).

What its place in the chain adds is in `check_block_context.py`, what its coins add in `connect_block.py`.
"""

from __future__ import annotations

from .block import Block
from .check_header import check_work
from .check_transaction import MAX_WEIGHT, check_transaction
from .header import display_hash
from .params import Network
from .refusal import Reason, Refusal
from .sigops import MAX_BLOCK_SIGOPS_COST, legacy_sigops
from .transaction import WITNESS_SCALE, Transaction


def check_block(block: Block, digest: bytes, network: Network) -> Refusal | None:
    """Why no chain may hold the block, which hashes to `digest`; or None."""
    return (
        check_work(block.header, digest, network)
        or _check_root(block)
        or _check_size(block)
        or _check_coinbase(block)
        or _check_transactions(block)
        or _check_sigops(block)
    )


def place(index: int, transaction: Transaction) -> str:
    """How a refusal names a transaction of a block."""
    return f"transaction {index} ({display_hash(transaction.txid)})"


def _check_root(block: Block) -> Refusal | None:
    root, mutated = block.merkle_root()
    if root != block.header.merkle_root:
        expected, found = display_hash(block.header.merkle_root), display_hash(root)
        return Refusal(Reason.BAD_TXNMRKLROOT, f"the header commits to {expected}, the transactions have {found}")
    if mutated:
        return Refusal(Reason.BAD_TXNS_DUPLICATE, "the list of transactions repeats its end")
    return None


def _check_size(block: Block) -> Refusal | None:
    count = len(block.transactions)
    if count == 0:
        return Refusal(Reason.BAD_BLK_LENGTH, "the block has no transactions")
    most = MAX_WEIGHT // WITNESS_SCALE
    if count > most or block.stripped_size > most:
        detail = f"the block has {block.stripped_size} bytes without its witnesses; the most is {most}"
        return Refusal(Reason.BAD_BLK_LENGTH, detail)
    return None


def _check_coinbase(block: Block) -> Refusal | None:
    if not block.transactions[0].is_coinbase:
        return Refusal(Reason.BAD_CB_MISSING, f"{place(0, block.transactions[0])} is no coinbase")
    for index, transaction in enumerate(block.transactions[1:], start=1):
        if transaction.is_coinbase:
            return Refusal(Reason.BAD_CB_MULTIPLE, f"{place(index, transaction)} is a coinbase too")
    return None


def _check_transactions(block: Block) -> Refusal | None:
    for index, transaction in enumerate(block.transactions):
        fault = check_transaction(transaction)
        if fault:
            return Refusal(fault.reason, f"{place(index, transaction)} {fault.detail}")
    return None


def _check_sigops(block: Block) -> Refusal | None:
    cost = WITNESS_SCALE * sum(map(legacy_sigops, block.transactions))
    if cost <= MAX_BLOCK_SIGOPS_COST:
        return None
    detail = f"the signature operations outside the witnesses cost {cost}; the most is {MAX_BLOCK_SIGOPS_COST}"
    return Refusal(Reason.BAD_BLK_SIGOPS, detail)
