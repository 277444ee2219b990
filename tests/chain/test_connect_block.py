"""Mainnet's block 866342, with 7,972 inputs of all kinds, against the coins that it spends; then mutated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quorate.chain.block import Block
from quorate.chain.build import commit
from quorate.chain.check_block import check_block
from quorate.chain.check_block_context import BlockContext, check_block_context
from quorate.chain.coins import Coin, MemoryCoins, digest, pack, undo, unpack
from quorate.chain.connect_block import Connection, check_scripts, connect_block
from quorate.chain.params import network
from quorate.chain.refusal import Refusal
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.validate_block import read_prevouts
from quorate.kernels.backend import Backend

from .regtest import block_verifier, remade

HEIGHT = 866_342
EASY = replace(network("mainnet"), pow_limit=network("regtest").pow_limit)
"""Mainnet's rules, with blocks that a few hashes mine."""

EASIEST = 0x207FFFFF


class Case(NamedTuple):
    block: Block
    coins: MemoryCoins
    context: BlockContext


@pytest.fixture(scope="module")
def real(vectors: Path) -> Case:
    block = Block.parse((vectors / "blocks" / "mainnet_866342.raw").read_bytes())
    spent = read_prevouts(vectors / "blocks" / "mainnet_866342_prevouts.json")
    sources = [source.outpoint for transaction in block.transactions[1:] for source in transaction.inputs]
    coins = MemoryCoins(pair for pair in zip(sources, spent, strict=True) if pair[1].height != HEIGHT)
    # The median times are not in the vectors. The block's own time is an upper bound, and ten minutes a block do
    # for the others.
    now = block.header.time - 1
    context = BlockContext(EASY, HEIGHT, now, lambda height: now - 600 * (HEIGHT - height), EASY.bip34_hash)
    return Case(block, coins, context)


@pytest.fixture(scope="module")
def backend() -> Backend:
    return block_verifier()


def connect(case: Case, block: Block) -> Connection | Refusal:
    return connect_block(block, block.header.hash(), case.context, case.coins)


def judge(case: Case, block: Block) -> str | None:
    """The reason of the first refusal before the scripts."""
    refusal = check_block(block, block.header.hash(), EASY) or check_block_context(block, case.context)
    if refusal is None:
        found = connect(case, block)
        refusal = found if isinstance(found, Refusal) else None
    return refusal.reason.value if refusal else None


def test_the_block_is_valid(real: Case, backend: Backend) -> None:
    assert judge(real, real.block) is None
    connection = connect(real, real.block)
    assert isinstance(connection, Connection)
    # Subsidy and fees are what the coinbase takes; the fee is explorers' 0.05026183 BTC.
    assert connection.fees == 5_026_183
    refusal, report = check_scripts(real.block, connection, backend)
    assert refusal is None
    assert sum(map(len, report.errors)) == 7_972


def test_undo_gives_the_coins_back(real: Case) -> None:
    coins = MemoryCoins(real.coins)
    before = digest(coins.items())
    connection = connect(real, real.block)
    assert isinstance(connection, Connection)
    connection.changes.apply(coins)
    assert digest(coins.items()) != before
    undo(real.block, unpack(pack(connection.changes.spent)), coins)
    assert digest(coins.items()) == before


def rebuilt(block: Block, change: Callable[[list[Transaction]], None]) -> Block:
    """The block with changed transactions; commitment, root and proof of work fit again."""
    transactions = list(block.transactions)
    change(transactions)
    coinbase = transactions[0]
    kept = tuple(output for output in coinbase.outputs if not output.script_pubkey.startswith(b"\x6a\x24\xaa\x21"))
    transactions[0] = replace(coinbase, outputs=kept)
    return remade(commit(replace(block, transactions=tuple(transactions))), bits=EASIEST)


def with_output(transaction: Transaction, change: int) -> Transaction:
    first = transaction.outputs[0]
    return replace(transaction, outputs=(first._replace(value=first.value + change), *transaction.outputs[1:]))


def with_input(transaction: Transaction, **fields: Any) -> Transaction:
    first = transaction.inputs[0]
    return replace(transaction, inputs=(first._replace(**fields), *transaction.inputs[1:]))


def pay_too_much(transactions: list[Transaction]) -> None:
    transactions[0] = with_output(transactions[0], 1)


def pay_out_of_nothing(transactions: list[Transaction]) -> None:
    transactions[1] = with_output(transactions[1], 10**12)


def spend_twice(transactions: list[Transaction]) -> None:
    transactions.append(replace(transactions[1], locktime=0, version=1))


def spend_nothing(transactions: list[Transaction]) -> None:
    transactions[1] = with_input(transactions[1], outpoint=OutPoint(bytes(32), 0))


def leave_out_a_parent(transactions: list[Transaction]) -> None:
    names = {transaction.txid: index for index, transaction in enumerate(transactions)}
    parent = next(names[s.outpoint.txid] for t in transactions[1:] for s in t.inputs if s.outpoint.txid in names)
    del transactions[parent]


def swap_parent_and_child(transactions: list[Transaction]) -> None:
    names = {transaction.txid: index for index, transaction in enumerate(transactions)}
    child, parent = next(
        (index, names[s.outpoint.txid])
        for index, t in enumerate(transactions)
        for s in t.inputs
        if s.outpoint.txid in names
    )
    transactions[child], transactions[parent] = transactions[parent], transactions[child]


def wait_for_a_height(transactions: list[Transaction]) -> None:
    transactions[1] = replace(with_input(transactions[1], sequence=0), locktime=HEIGHT)


def wait_for_a_time(transactions: list[Transaction]) -> None:
    transactions[1] = replace(with_input(transactions[1], sequence=0), locktime=2_000_000_000)


def wait_for_the_coin(transactions: list[Transaction]) -> None:
    transactions[1] = replace(with_input(transactions[1], sequence=0xFFFF), version=2)


def wait_for_the_coins_time(transactions: list[Transaction]) -> None:
    transactions[1] = replace(with_input(transactions[1], sequence=1 << 22 | 0xFFFF), version=2)


def claim_another_height(transactions: list[Transaction]) -> None:
    script = bytearray(transactions[0].inputs[0].script_sig)
    script[1] ^= 1
    transactions[0] = with_input(transactions[0], script_sig=bytes(script))


def ask_for_many_signatures(transactions: list[Transaction]) -> None:
    del transactions[-20:]  # the block is nearly as heavy as can be
    transactions[0] = replace(transactions[0], outputs=(*transactions[0].outputs, TxOut(0, b"\xae" * 990)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pay_too_much, "bad-cb-amount"),
        (pay_out_of_nothing, "bad-txns-in-belowout"),
        (spend_twice, "bad-txns-inputs-missingorspent"),
        (spend_nothing, "bad-txns-inputs-missingorspent"),
        (leave_out_a_parent, "bad-txns-inputs-missingorspent"),
        (swap_parent_and_child, "bad-txns-inputs-missingorspent"),
        (wait_for_a_height, "bad-txns-nonfinal"),
        (wait_for_a_time, "bad-txns-nonfinal"),
        (wait_for_the_coin, "bad-txns-nonfinal"),
        (wait_for_the_coins_time, "bad-txns-nonfinal"),
        (claim_another_height, "bad-cb-height"),
        (ask_for_many_signatures, "bad-blk-sigops"),
    ],
)
def test_a_mutation_is_refused_for_its_own_reason(
    real: Case, change: Callable[[list[Transaction]], None], reason: str
) -> None:
    assert judge(real, rebuilt(real.block, change)) == reason


def test_only_the_mutation_is_at_fault(real: Case) -> None:
    assert judge(real, rebuilt(real.block, lambda _: None)) is None


def test_witnesses(real: Case) -> None:
    coinbase, first, *others = real.block.transactions

    def reason(*transactions: Transaction) -> str | None:
        refusal = check_block_context(replace(real.block, transactions=transactions), real.context)
        return refusal.reason.value if refusal else None

    witness = first.inputs[0].witness
    assert witness
    other = with_input(first, witness=(*witness, b""))
    assert reason(coinbase, other, *others) == "bad-witness-merkle-match"
    assert reason(with_input(coinbase, witness=(bytes(31),)), first, *others) == "bad-witness-nonce-size"
    uncommitted = replace(coinbase, outputs=coinbase.outputs[:1])
    assert reason(uncommitted, first, *others) == "unexpected-witness"


def test_weight(real: Case) -> None:
    coinbase, first, *others = real.block.transactions
    room = 4_000_000 - real.block.weight
    heavy = with_input(first, witness=(*first.inputs[0].witness, bytes(room)))
    block = commit(
        replace(real.block, transactions=(replace(coinbase, outputs=coinbase.outputs[:1]), heavy, *others))
    )
    refusal = check_block_context(block, real.context)
    assert refusal
    assert refusal.reason == "bad-blk-weight"


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@pytest.mark.parametrize("what", ["signature", "amount", "script"])
def test_a_flipped_bit_fails_a_script(real: Case, backend: Backend, what: str) -> None:
    connection = connect(real, real.block)
    assert isinstance(connection, Connection)
    # P2WPKH, whose signature covers all three
    place = next(
        index
        for index, spend in enumerate(connection.spends)
        if len(spend.spent) == 1 and len(spend.spent[0].script_pubkey) == 22
    )
    transaction, [output] = connection.spends[place]
    if what == "signature":
        signature, key = transaction.inputs[0].witness
        transaction = with_input(transaction, witness=(flip(signature, 20), key))
    elif what == "amount":
        output = output._replace(value=output.value ^ 1)
    else:
        output = output._replace(script_pubkey=flip(output.script_pubkey, 10))
    spends = list(connection.spends[place : place + 3])
    spends[0] = spends[0]._replace(transaction=transaction, spent=[output])
    block = replace(real.block, transactions=real.block.transactions[place : place + 4])
    refusal, _ = check_scripts(block, replace(connection, spends=tuple(spends)), backend)
    assert refusal
    assert refusal.reason == "block-script-verify-flag-failed"
    assert "transaction 1 (" in refusal.detail
    assert "at input 0" in refusal.detail


def test_immature_coinbases(real: Case) -> None:
    outpoint = real.block.transactions[1].inputs[0].outpoint
    for age, reason in ((99, "bad-txns-premature-spend-of-coinbase"), (100, None)):
        young = real.coins[outpoint]._replace(height=HEIGHT - age, is_coinbase=True)
        context = replace(real.context, median_time_before=lambda _: 0)
        case = real._replace(coins=MemoryCoins(real.coins | {outpoint: young}), context=context)
        assert judge(case, real.block) == reason


def test_coins_out_of_range(real: Case) -> None:
    outpoint = real.block.transactions[1].inputs[0].outpoint
    coin = real.coins[outpoint]
    rich = coin._replace(output=coin.output._replace(value=21_000_000 * 10**8 + 1))
    case = real._replace(coins=MemoryCoins(real.coins | {outpoint: rich}))
    assert judge(case, real.block) == "bad-txns-inputvalues-outofrange"


def test_repeated_transactions(real: Case) -> None:
    """BIP30, which is only looked at where BIP34 does not make coinbases unique."""
    coinbase = real.block.transactions[0]
    old = Coin(coinbase.outputs[0], 1, True)
    outpoint = OutPoint(coinbase.txid, 0)
    case = real._replace(coins=MemoryCoins(real.coins | {outpoint: old}))
    assert judge(case, real.block) is None
    unknown = case._replace(context=replace(real.context, bip34_block=None))
    assert judge(unknown, real.block) == "bad-txns-BIP30"

    name = real.block.header.hash()[::-1].hex()
    excepted = replace(EASY, bip30_exceptions=frozenset((name,)))
    unknown = case._replace(context=replace(real.context, bip34_block=None, network=excepted))
    connection = connect(unknown, real.block)
    assert isinstance(connection, Connection)
    coins = MemoryCoins(unknown.coins)
    connection.changes.apply(coins)
    assert coins[outpoint].height == HEIGHT
    undo(real.block, connection.changes.spent, coins)
    assert coins == unknown.coins


def test_an_input_without_a_source_is_named(real: Case) -> None:
    stranger = Transaction(2, (TxIn(OutPoint(b"\7" * 32, 5), b""),), (TxOut(0, b""),))
    found = connect(real, replace(real.block, transactions=(*real.block.transactions[:1], stranger)))
    assert isinstance(found, Refusal)
    assert f"transaction 1 ({stranger.txid[::-1].hex()}) spends at input 0" in found.detail
    assert f"output 5 of {'07' * 32}" in found.detail
