from __future__ import annotations

import pytest

from quorate.chain.block import Block, witness_commitment
from quorate.chain.params import network
from quorate.chain.serialise import MalformedError
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

HEADER = network("regtest").genesis
MARK = bytes.fromhex("6a24aa21a9ed")


def paying(*scripts: bytes, witness: tuple[bytes, ...] = ()) -> Transaction:
    outputs = tuple(TxOut(0, script) for script in scripts)
    return Transaction(1, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\1\2", witness=witness),), outputs)


def test_sizes() -> None:
    bare, signed = paying(b"\x51"), paying(b"\x51", witness=(bytes(10),))
    block = Block(HEADER, (bare, signed))
    assert block.size == len(block.serialise())
    assert block.size - block.stripped_size == 2 + 1 + 1 + 10
    assert block.weight == 4 * block.stripped_size + 14


def test_the_last_commitment_counts() -> None:
    first, last = bytes(range(32)), bytes(range(1, 33))
    assert witness_commitment(paying(MARK + first, MARK + last, b"\x51")) == last
    assert witness_commitment(paying(MARK + first + b"more", b"\x6a")) == first
    assert witness_commitment(paying(MARK + first[:31])) is None
    assert witness_commitment(paying(b"\x6a\x25" + MARK[2:] + first)) is None


def test_the_witness_root_covers_all_but_the_coinbase() -> None:
    coinbase, other = paying(b"\x51", witness=(bytes(32),)), paying(b"\x52", witness=(b"1",))
    root = Block(HEADER, (coinbase, other)).witness_root()
    assert root == Block(HEADER, (paying(b"\x53"), other)).witness_root()
    assert root != Block(HEADER, (coinbase, paying(b"\x52", witness=(b"2",)))).witness_root()


def test_a_block_without_transactions_is_read() -> None:
    assert Block.parse(HEADER.serialise() + b"\0") == Block(HEADER, ())


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (HEADER.serialise()[:79], "ends early: 80 bytes expected at byte 0, 79 found"),
        (HEADER.serialise(), "ends early"),
        (HEADER.serialise() + b"\1", "ends early"),
        (HEADER.serialise() + b"\0\0", "1 bytes are left at byte 81"),
    ],
)
def test_malformed(data: bytes, fault: str) -> None:
    with pytest.raises(MalformedError, match=f"the block .*{fault}"):
        Block.parse(data)
