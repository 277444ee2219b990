"""What a block's bytes alone decide: real blocks pass, and each rule refuses a block that breaks only it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.block_files import BlockFile
from quorate.chain.check_block import check_block
from quorate.chain.params import network
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

from .regtest import ANYONE, REGTEST, block_on, open_chain, remade, spend

MAINNET = network("mainnet")


def reason(block: Block) -> str | None:
    refusal = check_block(block, block.header.hash(), REGTEST)
    return refusal.reason.value if refusal else None


@pytest.fixture
def block(tmp_path: Path) -> Block:
    chain = open_chain(tmp_path)
    return block_on(chain, chain.tip, [payment(1), payment(2)])


def payment(number: int) -> Transaction:
    return spend(OutPoint(bytes((number,)) * 32, 0), value=1)


def with_outputs(transaction: Transaction, *outputs: TxOut) -> Transaction:
    return replace(transaction, outputs=outputs)


@pytest.mark.parametrize("name", ["170", "200000", "413567", "481824", "866342"])
def test_real_blocks(vectors: Path, name: str) -> None:
    raw = (vectors / "blocks" / f"mainnet_{name}.raw").read_bytes()
    block = Block.parse(raw)
    assert check_block(block, block.header.hash(), MAINNET) is None
    assert block.serialise() == raw


def test_the_first_255_blocks(vectors: Path) -> None:
    blocks = [Block.parse(raw) for _, raw in BlockFile(vectors / "blocks" / "mainnet_1_255.dat", MAINNET).blocks()]
    assert len(blocks) == 255
    assert [check_block(block, block.header.hash(), MAINNET) for block in blocks] == [None] * 255


def test_a_good_block(block: Block) -> None:
    assert reason(block) is None


def test_proof_of_work(block: Block) -> None:
    assert reason(replace(block, header=replace(block.header, bits=0x1D00FFFF))) == "high-hash"


def test_root(block: Block) -> None:
    assert reason(replace(block, transactions=block.transactions[:2])) == "bad-txnmrklroot"


def test_a_repeated_end(block: Block) -> None:
    assert (
        reason(replace(block, transactions=(*block.transactions, block.transactions[-1]))) == "bad-txns-duplicate"
    )


def test_no_transactions(block: Block) -> None:
    empty = replace(block, transactions=(), header=replace(block.header, merkle_root=bytes(32)))
    while empty.header.hash()[-1] > 0x7F:
        empty = replace(empty, header=replace(empty.header, nonce=empty.header.nonce + 1))
    assert reason(empty) == "bad-blk-length"


def test_too_long(block: Block) -> None:
    coinbase, one, _ = block.transactions
    room = 1_000_000 - remade(block, coinbase, with_outputs(one, TxOut(1, bytes(70_000)))).stripped_size + 70_000
    assert reason(remade(block, coinbase, with_outputs(one, TxOut(1, bytes(room))))) is None
    assert reason(remade(block, coinbase, with_outputs(one, TxOut(1, bytes(room + 1))))) == "bad-blk-length"


def test_coinbase_first_and_only(block: Block) -> None:
    coinbase, one, two = block.transactions
    assert reason(remade(block, one, two)) == "bad-cb-missing"
    other = replace(coinbase, locktime=1)
    assert reason(remade(block, coinbase, one, other)) == "bad-cb-multiple"


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (replace(payment(1), outputs=()), "bad-txns-vout-empty"),
        (with_outputs(payment(1), TxOut(-1, ANYONE)), "bad-txns-vout-negative"),
        (replace(payment(1), inputs=payment(1).inputs * 2), "bad-txns-inputs-duplicate"),
        (
            replace(payment(1), inputs=(*payment(1).inputs, TxIn(OutPoint(bytes(32), 2**32 - 1), b""))),
            "bad-txns-prevout-null",
        ),
    ],
)
def test_transactions_on_their_own(block: Block, bad: Transaction, expected: str) -> None:
    refusal = check_block(found := remade(block, block.transactions[0], bad), found.header.hash(), REGTEST)
    assert refusal
    assert refusal.reason == expected
    assert refusal.detail.startswith("transaction 1 (")


def test_signature_operations(block: Block) -> None:
    coinbase, one, _ = block.transactions
    most = with_outputs(one, TxOut(1, b"\xac" * 20_000))
    assert reason(remade(block, coinbase, most)) is None
    assert reason(remade(block, coinbase, with_outputs(one, TxOut(1, b"\xac" * 20_001)))) == "bad-blk-sigops"
    assert reason(remade(block, coinbase, with_outputs(one, TxOut(1, b"\x52\xae" * 1_000)))) is None
    assert reason(remade(block, coinbase, with_outputs(one, TxOut(1, b"\x52\xae" * 1_001)))) == "bad-blk-sigops"
