"""What a transaction has to be on its own, from its bytes alone (Bitcoin Core's `consensus/tx_check.cpp`).

Whether its outputs exist, are mature and worth enough, and what its scripts say, needs coins and stands elsewhere.
"""

from __future__ import annotations

from .refusal import Reason, Refusal
from .transaction import COIN, WITNESS_SCALE, Transaction

MAX_MONEY = 21_000_000 * COIN
"""Satoshis that no amount and no sum of amounts may exceed. There will never be quite as many."""

MAX_WEIGHT = 4_000_000
"""Of a block, and so of a transaction: without its witnesses a transaction has at most a fourth of it in bytes."""

COINBASE_SCRIPT_SIZES = range(2, 101)


def check_transaction(transaction: Transaction) -> Refusal | None:
    """Why no block may hold it, or None."""
    return (
        _check_presence(transaction)
        or _check_size(transaction)
        or _check_amounts(transaction)
        or _check_duplicates(transaction)
        or _check_outpoints(transaction)
    )


def _check_presence(transaction: Transaction) -> Refusal | None:
    if not transaction.inputs:
        return Refusal(Reason.BAD_TXNS_VIN_EMPTY, "has no inputs")
    if not transaction.outputs:
        return Refusal(Reason.BAD_TXNS_VOUT_EMPTY, "has no outputs")
    return None


def _check_size(transaction: Transaction) -> Refusal | None:
    size, most = len(transaction.stripped), MAX_WEIGHT // WITNESS_SCALE
    if size <= most:
        return None
    return Refusal(Reason.BAD_TXNS_OVERSIZE, f"has {size} bytes without its witnesses; the most is {most}")


def _check_amounts(transaction: Transaction) -> Refusal | None:
    total = 0
    for index, output in enumerate(transaction.outputs):
        if output.value < 0:
            return Refusal(Reason.BAD_TXNS_VOUT_NEGATIVE, f"pays {output.value} satoshis at output {index}")
        if output.value > MAX_MONEY:
            return Refusal(
                Reason.BAD_TXNS_VOUT_TOOLARGE,
                f"pays {output.value} satoshis at output {index}; there are never more than {MAX_MONEY}",
            )
        total += output.value
        if total > MAX_MONEY:
            return Refusal(
                Reason.BAD_TXNS_TXOUTTOTAL_TOOLARGE,
                f"pays {total} satoshis up to output {index}; there are never more than {MAX_MONEY}",
            )
    return None


def _check_duplicates(transaction: Transaction) -> Refusal | None:
    """An output spent twice in one transaction would be counted twice (CVE-2018-17144)."""
    seen: dict[object, int] = {}
    for index, spent in enumerate(transaction.inputs):
        first = seen.setdefault(spent.outpoint, index)
        if first != index:
            detail = f"spends the same output at input {index} as at input {first}"
            return Refusal(Reason.BAD_TXNS_INPUTS_DUPLICATE, detail)
    return None


def _check_outpoints(transaction: Transaction) -> Refusal | None:
    """A coinbase has one input that spends nothing, and in its script a few bytes; others spend something."""
    if transaction.is_coinbase:
        size = len(transaction.inputs[0].script_sig)
        if size in COINBASE_SCRIPT_SIZES:
            return None
        sizes = f"{COINBASE_SCRIPT_SIZES.start} to {COINBASE_SCRIPT_SIZES.stop - 1}"
        return Refusal(Reason.BAD_CB_LENGTH, f"is a coinbase with a script of {size} bytes; it has {sizes}")
    for index, spent in enumerate(transaction.inputs):
        if spent.outpoint.is_null:
            return Refusal(Reason.BAD_TXNS_PREVOUT_NULL, f"spends nothing at input {index} and is no coinbase")
    return None
