from __future__ import annotations

import pytest

from quorate.chain.check_transaction import MAX_MONEY, check_transaction
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

NULL = OutPoint(bytes(32), 0xFFFFFFFF)
ONE, OTHER = TxIn(OutPoint(bytes(32), 0), b""), TxIn(OutPoint(bytes(32), 1), b"")
PAID = TxOut(1, b"\x51")


def coinbase(size: int) -> Transaction:
    return Transaction(1, (TxIn(NULL, bytes(size)),), (PAID,))


@pytest.mark.parametrize(
    "transaction",
    [
        Transaction(1, (ONE, OTHER), (PAID, PAID)),
        Transaction(1, (ONE,), (TxOut(0, b""), TxOut(MAX_MONEY, b""))),
        coinbase(2),
        coinbase(100),
        Transaction(1, (ONE._replace(witness=(bytes(1_100_000),)),), (PAID,)),
        Transaction(1, (ONE._replace(script_sig=bytes(1_000_000 - 65)),), (PAID,)),
    ],
)
def test_accepted(transaction: Transaction) -> None:
    assert check_transaction(transaction) is None


@pytest.mark.parametrize(
    ("transaction", "reason", "detail"),
    [
        (Transaction(1, (), (PAID,)), "bad-txns-vin-empty", "no inputs"),
        (Transaction(1, (ONE,), ()), "bad-txns-vout-empty", "no outputs"),
        (
            Transaction(1, (ONE._replace(script_sig=bytes(1_000_000 - 64)),), (PAID,)),
            "bad-txns-oversize",
            "has 1000001 bytes without its witnesses; the most is 1000000",
        ),
        (Transaction(1, (ONE,), (PAID, TxOut(-1, b""))), "bad-txns-vout-negative", "pays -1 satoshis at output 1"),
        (
            Transaction(1, (ONE,), (TxOut(MAX_MONEY + 1, b""),)),
            "bad-txns-vout-toolarge",
            "pays 2100000000000001 satoshis at output 0",
        ),
        (
            Transaction(1, (ONE,), (TxOut(MAX_MONEY, b""), PAID, PAID)),
            "bad-txns-txouttotal-toolarge",
            "pays 2100000000000001 satoshis up to output 1",
        ),
        (Transaction(1, (ONE, OTHER, ONE), (PAID,)), "bad-txns-inputs-duplicate", "at input 2 as at input 0"),
        (coinbase(1), "bad-cb-length", "script of 1 bytes; it has 2 to 100"),
        (coinbase(101), "bad-cb-length", "script of 101 bytes"),
        (Transaction(1, (ONE, TxIn(NULL, b"")), (PAID,)), "bad-txns-prevout-null", "spends nothing at input 1"),
    ],
)
def test_refused(transaction: Transaction, reason: str, detail: str) -> None:
    refusal = check_transaction(transaction)
    assert refusal
    assert refusal.reason == reason
    assert detail in refusal.detail


def test_a_null_outpoint_has_both_halves() -> None:
    assert NULL.is_null
    assert not OutPoint(bytes(31) + b"\1", 0xFFFFFFFF).is_null
    assert not OutPoint(bytes(32), 0).is_null
