from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quorate.chain.block import Block
from quorate.chain.params import network
from quorate.chain.serialise import MalformedError
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

# BIP143's example of native P2WPKH, signed.
BIP143 = bytes.fromhex(
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb"
    "62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3"
    "ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb2060000000019"
    "76a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa8159"
    "88ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e"
    "8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000"
)

OUTPOINT = bytes(range(32)) + b"\7\0\0\0"
ONE_INPUT = b"\1" + OUTPOINT + b"\0" + b"\xff" * 4
ONE_OUTPUT = b"\1" + bytes(8) + b"\1\x51"
VERSION, LOCKTIME = b"\2\0\0\0", b"\0\0\0\0"

transactions = st.builds(
    Transaction,
    version=st.integers(0, 2**32 - 1),
    inputs=st.lists(
        st.builds(
            TxIn,
            st.builds(OutPoint, st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1)),
            st.binary(max_size=300),
            st.integers(0, 2**32 - 1),
            st.lists(st.binary(max_size=300), max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    outputs=st.lists(st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=300)), max_size=4).map(
        tuple
    ),
    locktime=st.integers(0, 2**32 - 1),
)


def test_fields_and_names() -> None:
    transaction = Transaction.parse(BIP143)
    assert (transaction.version, transaction.locktime) == (1, 17)
    assert [spent.outpoint.vout for spent in transaction.inputs] == [0, 1]
    assert [spent.sequence for spent in transaction.inputs] == [0xFFFFFFEE, 0xFFFFFFFF]
    assert [len(spent.witness) for spent in transaction.inputs] == [0, 2]
    assert [output.value for output in transaction.outputs] == [112340000, 223450000]
    assert transaction.txid[::-1].hex() == "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609"
    assert transaction.has_witness
    assert not transaction.is_coinbase


@given(transactions)
def test_what_is_written_is_read(transaction: Transaction) -> None:
    again = Transaction.parse(transaction.raw)
    assert again == transaction
    assert (again.raw, again.stripped) == (transaction.raw, transaction.stripped)
    assert (again.txid, again.wtxid, again.weight) == (transaction.txid, transaction.wtxid, transaction.weight)


@given(transactions)
def test_the_txid_knows_no_witness(transaction: Transaction) -> None:
    bare = replace(transaction, inputs=tuple(spent._replace(witness=()) for spent in transaction.inputs))
    assert bare.txid == transaction.txid == bare.wtxid
    assert (bare.wtxid == transaction.wtxid) == (bare == transaction)
    assert bare.weight == 4 * len(bare.raw)


def test_weight() -> None:
    transaction = Transaction.parse(BIP143)
    witness = 2 + 1 + 1 + 1 + 71 + 1 + 33  # marker and flag, two counts, two items
    assert transaction.weight == 4 * (len(BIP143) - witness) + witness


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (VERSION + b"\0\1" + ONE_INPUT + ONE_OUTPUT + b"\0" + LOCKTIME, "every witness is empty"),
        (VERSION + b"\0\2" + ONE_INPUT + ONE_OUTPUT + LOCKTIME, "unknown flag 0x02 at byte 5"),
        (VERSION + b"\0\3" + ONE_INPUT + ONE_OUTPUT + b"\1\0" + LOCKTIME, "unknown flag"),
        (VERSION + ONE_INPUT + ONE_OUTPUT + LOCKTIME + b"\0", "goes on after its end"),
        (VERSION + b"\xfd\1\0" + ONE_INPUT[1:] + ONE_OUTPUT + LOCKTIME, "more than it needs"),
        (VERSION + b"\xfe\0\0\0\2" + ONE_INPUT[1:], "ends early"),
        (b"", "ends early: 4 bytes expected at byte 0, 0 found"),
    ],
)
def test_malformed(data: bytes, fault: str) -> None:
    with pytest.raises(MalformedError, match=f"the transaction .*{fault}"):
        Transaction.parse(data)


def test_without_inputs_it_is_read_but_for_the_rules_to_refuse() -> None:
    transaction = Transaction.parse(VERSION + b"\0\0" + LOCKTIME)
    assert (transaction.inputs, transaction.outputs) == ((), ())


@pytest.mark.parametrize("length", range(len(BIP143)))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(MalformedError):
        Transaction.parse(BIP143[:length])


def assert_refused_or_canonical(data: bytes) -> None:
    """What is read at all is what would be written: no two byte strings are one transaction."""
    try:
        transaction = Transaction.parse(data)
    except MalformedError:
        return
    assert replace(transaction).raw == data


@given(st.binary(max_size=400))
@example(VERSION + ONE_INPUT + ONE_OUTPUT + LOCKTIME)
def test_any_bytes_are_refused_or_canonical(data: bytes) -> None:
    assert_refused_or_canonical(data)


@given(st.integers(0, len(BIP143) - 1), st.integers(0, 255), st.integers(0, len(BIP143)))
def test_changed_bytes_are_refused_or_canonical(at: int, value: int, end: int) -> None:
    changed = BIP143[:at] + bytes((value,)) + BIP143[at + 1 :]
    assert_refused_or_canonical(changed)
    assert_refused_or_canonical(changed[:end])
    assert_refused_or_canonical(changed[:at] + changed[at + 1 :])


BLOCK = Block(network("regtest").genesis, (Transaction.parse(BIP143), Transaction.parse(BIP143))).serialise()


@given(st.integers(0, len(BLOCK) - 1), st.integers(0, 255), st.integers(0, len(BLOCK)))
def test_changed_blocks_are_refused_or_canonical(at: int, value: int, end: int) -> None:
    changed = BLOCK[:at] + bytes((value,)) + BLOCK[at + 1 :]
    for data in (changed, changed[:end], changed[:at] + changed[at + 1 :], changed + b"\0"):
        try:
            block = Block.parse(data)
        except MalformedError:
            continue
        assert Block(block.header, tuple(replace(t) for t in block.transactions)).serialise() == data
