"""The tables of a block say what its objects say, and there are none where there is no block."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.chain.block import Block
from quorate.chain.fast.hashes import names
from quorate.chain.fast.table import INPUTS, INPUTS_FROM, ITEMS, LAST_AT, LAST_END, OUTPUTS, WITNESSED, Table, read
from quorate.chain.serialise import MalformedError, compact_size
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

HEADER = bytes(80)

_scripts = st.one_of(st.binary(max_size=40), st.integers(250, 256).map(bytes))

_inputs = st.builds(
    TxIn,
    st.builds(OutPoint, st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1)),
    _scripts,
    st.integers(0, 2**32 - 1),
    st.lists(_scripts, max_size=3).map(tuple),
)
_outputs = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), _scripts)
_transactions = st.builds(
    Transaction,
    st.integers(0, 2**32 - 1),
    st.lists(_inputs, min_size=1, max_size=4).map(tuple),
    st.lists(_outputs, max_size=4).map(tuple),
    st.integers(0, 2**32 - 1),
)
_blocks = st.lists(_transactions, min_size=1, max_size=5).map(
    lambda transactions: HEADER + compact_size(len(transactions)) + b"".join([t.raw for t in transactions])
)


def assert_same(raw: bytes) -> bool:
    """Whether there is a block in these bytes, on which both agree."""
    table = read(raw)
    try:
        block = Block.parse(raw)
    except MalformedError:
        assert table is None
        return False
    if not block.transactions or not all(transaction.inputs for transaction in block.transactions):
        assert table is None  # no such block is valid
        return True
    assert table is not None
    _assert_equal(table, block)
    return True


def _assert_equal(table: Table, block: Block) -> None:
    assert table.header == block.header
    assert [row.tobytes() for row in names(table).txids] == [t.txid for t in block.transactions]
    assert [row.tobytes() for row in names(table).wtxids[1:]] == [t.wtxid for t in block.transactions[1:]]
    assert [table.transaction(row) for row in range(len(table.transactions))] == list(block.transactions)
    inputs = [source for transaction in block.transactions for source in transaction.inputs]
    outputs = [output for transaction in block.transactions for output in transaction.outputs]
    every = slice(None)
    assert table.outpoints(every) == [source.outpoint for source in inputs]  # type: ignore[arg-type]
    assert table.txouts(every) == outputs  # type: ignore[arg-type]
    assert table.values(every).tolist() == [output.value for output in outputs]  # type: ignore[arg-type]
    for row, transaction in zip(table.transactions, block.transactions, strict=True):
        assert (row[INPUTS], row[OUTPUTS]) == (len(transaction.inputs), len(transaction.outputs))
        assert row[WITNESSED] == transaction.has_witness
        for source, place in zip(
            transaction.inputs, range(row[INPUTS_FROM], row[INPUTS_FROM] + row[INPUTS]), strict=True
        ):
            found = table.inputs[place]
            assert found[ITEMS] == len(source.witness)
            if source.witness:
                assert table.raw[found[LAST_AT] : found[LAST_END]] == source.witness[-1]


@settings(max_examples=300, deadline=None)
@given(_blocks)
def test_random_blocks(raw: bytes) -> None:
    assert assert_same(raw)


@settings(max_examples=500, deadline=None)
@given(_blocks, st.data())
def test_damaged_blocks(raw: bytes, data: st.DataObject) -> None:
    """Counts, sizes and flags are among what changes, and the end may lack or have more after it."""
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(len(HEADER), len(raw) - 1))
        damaged[at] = data.draw(
            st.sampled_from((0, 1, 0xFC, 0xFD, 0xFE, 0xFF, damaged[at] ^ 1, damaged[at] + 1 & 0xFF))
        )
    end = data.draw(st.integers(len(HEADER), len(raw) + 2))
    assert_same(bytes(damaged[:end]).ljust(end, b"\0"))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(tail: bytes) -> None:
    assert_same(HEADER + tail)


def test_short_bytes_are_no_block() -> None:
    for size in range(82):
        assert read(bytes(size)) is None


@pytest.mark.parametrize(
    "number", [0xFC, 0xFD, 0xFFFF, 0x10000, 0x2000000, 0x2000001, 2**32 - 1, 2**32, 2**64 - 1]
)
@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_counts_of_every_width(number: int, width: int) -> None:
    """As the number of transactions: none has bytes for so many, and none is read past the end."""
    encoded = {1: b"", 2: b"\xfd", 4: b"\xfe", 8: b"\xff"}[width] + (number & (1 << 8 * width) - 1).to_bytes(
        width, "little"
    )
    assert_same(HEADER + encoded)
    assert_same(HEADER + b"\1" + bytes(4) + encoded + bytes(300))


@pytest.mark.parametrize("height", [170, 200000, 413567, 481824, 866342])
def test_real_blocks(vectors: Path, height: int) -> None:
    raw = (vectors / "blocks" / f"mainnet_{height}.raw").read_bytes()
    assert assert_same(raw)
    rng = random.Random(height)
    for _ in range(10):
        at = rng.randrange(80, len(raw))
        assert_same(raw[:at] + bytes((raw[at] ^ 1 << rng.randrange(8),)) + raw[at + 1 :])


def test_more_than_a_block_can_weigh_is_not_read() -> None:
    outputs = tuple([TxOut(0, bytes(10_000))] * 400)
    transaction = Transaction(1, (TxIn(OutPoint(bytes(32), 0), b""),), outputs)
    raw = HEADER + b"\1" + transaction.raw
    assert len(raw) > 4_000_000
    assert Block.parse(raw)
    assert read(raw) is None
