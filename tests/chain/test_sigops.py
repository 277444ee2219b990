from __future__ import annotations

from hashlib import sha256

import pytest

from quorate.chain.hashes import hash160
from quorate.chain.script.flags import P2SH, WITNESS
from quorate.chain.script.parse import push
from quorate.chain.sigops import count_sigops, sigop_cost
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

TWO_OF_THREE = b"\x52" + 3 * push(bytes(33)) + b"\x53\xae"
P2SH_OUTPUT = b"\xa9\x14" + hash160(TWO_OF_THREE) + b"\x87"
P2WSH_OUTPUT = b"\0" + push(sha256(TWO_OF_THREE).digest())
P2WPKH_OUTPUT = b"\0" + push(bytes(20))


@pytest.mark.parametrize(
    ("script", "legacy", "accurate"),
    [
        (b"", 0, 0),
        (b"\xac\xad", 2, 2),
        (b"\xae\xaf", 40, 40),
        (TWO_OF_THREE, 20, 3),
        (b"\x00\xae", 20, 20),
        (push(b"\xac\xac"), 0, 0),
        (b"\xac" + b"\x4c\xff\xac", 1, 1),  # a push past the end
        (b"\x60\xae\x61\xae", 40, 36),
    ],
)
def test_counting(script: bytes, legacy: int, accurate: int) -> None:
    assert count_sigops(script, accurate=False) == legacy
    assert count_sigops(script, accurate=True) == accurate


@pytest.mark.parametrize(
    ("script_sig", "witness", "script_pubkey", "flags", "cost"),
    [
        (b"", (), b"\xac", P2SH, 0),  # counted where it was paid
        (b"\xac", (), b"", P2SH, 4),
        (push(TWO_OF_THREE), (), P2SH_OUTPUT, P2SH, 12),
        (push(TWO_OF_THREE), (), P2SH_OUTPUT, 0, 0),
        (push(TWO_OF_THREE) + b"\x61", (), P2SH_OUTPUT, P2SH, 0),
        (push(TWO_OF_THREE) + b"\x51", (), P2SH_OUTPUT, P2SH, 0),
        (b"", (b"", b""), P2WPKH_OUTPUT, P2SH | WITNESS, 1),
        (b"", (b"", b""), P2WPKH_OUTPUT, P2SH, 0),
        (b"", (TWO_OF_THREE,), P2WSH_OUTPUT, P2SH | WITNESS, 3),
        (b"", (), P2WSH_OUTPUT, P2SH | WITNESS, 0),
        (push(P2WPKH_OUTPUT), (b"",), P2SH_OUTPUT, P2SH | WITNESS, 1),
        (push(P2WSH_OUTPUT), (TWO_OF_THREE,), P2SH_OUTPUT, P2SH | WITNESS, 3),
        (b"", (b"\xac",), b"\x51" + push(bytes(32)), P2SH | WITNESS, 0),
    ],
)
def test_costs(script_sig: bytes, witness: tuple[bytes, ...], script_pubkey: bytes, flags: int, cost: int) -> None:
    spending = Transaction(2, (TxIn(OutPoint(bytes(32), 0), script_sig, 0, witness),), (TxOut(0, b""),))
    assert sigop_cost(spending, [TxOut(0, script_pubkey)], flags) == cost
