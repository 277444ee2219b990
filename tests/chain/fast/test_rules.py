"""Sums and locktimes of tables are those of objects."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.check_block_context import BlockContext
from quorate.chain.coins import Coin, MemoryCoins
from quorate.chain.fast.hashes import names
from quorate.chain.fast.rules import account, add_up, stripped_size
from quorate.chain.fast.sources import Spent, ViewedCoins, collect, sources
from quorate.chain.fast.table import Table, read
from quorate.chain.hashes import hash160
from quorate.chain.locktime import is_final, unmet_sequence
from quorate.chain.script.flags import CONSENSUS
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push
from quorate.chain.serialise import compact_size
from quorate.chain.sigops import sigop_cost
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

from ..spending import random_spend
from .roads import EASY, HEIGHT, Case, whole

NOW = 1_700_000_000

COINBASE = Transaction(1, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\1\1"),), (TxOut(0, b"\xac\xae"),))


def tabled(transactions: list[Transaction], coins: MemoryCoins) -> tuple[Table, Spent]:
    all_of_them = [COINBASE, *transactions]
    table = read(bytes(80) + compact_size(len(all_of_them)) + b"".join([t.raw for t in all_of_them]))
    assert table
    inside = sources(table, names(table).txids)
    assert inside is not None
    spent = collect(table, inside, HEIGHT, ViewedCoins(coins))
    assert spent
    return table, spent


def fast_sigops(table: Table, spent: Spent) -> int:
    waits = spent.values.copy()
    tables = (spent.text, table.transactions, table.inputs, table.outputs)
    coins = (spent.begins, spent.ends, spent.values, spent.heights)
    fees, _, sigops = add_up()(*tables, *coins, HEIGHT, 2**32, False, waits)
    assert fees >= 0
    return int(sigops)


def test_signature_operations_of_a_real_block(vectors: Path) -> None:
    case: Case = whole(vectors)
    block, table = Block.parse(case.raw), read(case.raw)
    assert table
    inside = sources(table, names(table).txids)
    assert inside is not None
    spent = collect(table, inside, HEIGHT, ViewedCoins(case.coins))
    assert spent
    outputs = map(spent.output, range(len(spent.inside)))
    cost = sigop_cost(block.transactions[0], [], CONSENSUS)
    for transaction in block.transactions[1:]:
        cost += sigop_cost(transaction, [next(outputs) for _ in transaction.inputs], CONSENSUS)
    assert fast_sigops(table, spent) == cost > 5_000
    assert stripped_size(table) == block.stripped_size


def _script(rng: random.Random) -> bytes:
    """Operations that are counted among pushes, of which some reach past the end."""
    counted = (Op.OP_CHECKSIG, Op.OP_CHECKSIGVERIFY, Op.OP_CHECKMULTISIG, Op.OP_CHECKMULTISIGVERIFY)
    pieces = [
        lambda: bytes((rng.choice(counted),)),
        lambda: bytes((rng.randrange(Op.OP_1, Op.OP_16 + 1), rng.choice(counted))),
        lambda: push(rng.randbytes(rng.choice((0, 1, 20, 75, 76, 300)))),
        lambda: rng.randbytes(rng.randrange(4)),
    ]
    return b"".join(rng.choice(pieces)() for _ in range(rng.randrange(6)))


def _pays(rng: random.Random, redeem: bytes) -> bytes:
    p2sh = b"\xa9\x14" + hash160(redeem) + b"\x87"
    programs = [bytes((rng.choice((0, 0, 0x51)), size)) + rng.randbytes(size) for size in (20, 32, 33)]
    return rng.choice([p2sh, p2sh, *programs, _script(rng)])


@pytest.mark.parametrize("seed", range(10))
def test_signature_operations_of_random_scripts(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        coins = MemoryCoins()
        inputs = []
        for _ in range(rng.randint(1, 4)):
            redeem = rng.choice([_script(rng), b"\0\x14" + rng.randbytes(20), b"\0\x20" + rng.randbytes(32)])
            script_sig = b"".join([_script(rng) if rng.random() < 0.4 else b"", push(redeem)])
            witness = tuple(_script(rng) for _ in range(rng.randrange(3)))
            inputs.append(TxIn(OutPoint(rng.randbytes(32), 0), script_sig, witness=witness))
            coins[inputs[-1].outpoint] = Coin(TxOut(100, _pays(rng, redeem)), 1, False)
        outputs = tuple(TxOut(1, _script(rng)) for _ in range(rng.randint(1, 3)))
        transaction = Transaction(1, tuple(inputs), outputs)
        spent = [coins[source.outpoint].output for source in inputs]
        expected = sigop_cost(COINBASE, [], CONSENSUS) + sigop_cost(transaction, spent, CONSENSUS)
        assert fast_sigops(*tabled([transaction], coins)) == expected


def test_signature_operations_of_spends_of_every_kind() -> None:
    for seed in range(100):
        transaction, spent = random_spend(seed)
        rich = [output._replace(value=10**14) for output in spent]
        coins = MemoryCoins((s.outpoint, Coin(o, 1, False)) for s, o in zip(transaction.inputs, rich, strict=True))
        expected = sigop_cost(COINBASE, [], CONSENSUS) + sigop_cost(transaction, spent, CONSENSUS)
        assert fast_sigops(*tabled([transaction], coins)) == expected


@pytest.mark.parametrize("height", [EASY.csv_height - 1, HEIGHT])
def test_locktimes(height: int) -> None:
    """Absolute and relative ones, in heights and in times, around what has come."""
    rng = random.Random(height)

    def median_time_before(at: int) -> int:
        return NOW - 600 * (height - at)

    context = BlockContext(EASY, height, NOW, median_time_before, None)
    came = 0
    for _ in range(2_000):
        source = TxIn(OutPoint(rng.randbytes(32), 0), b"", _sequence(rng))
        lock = rng.choice((0, height - 1, height, height + 1, 499_999_999, 500_000_000, NOW - 1, NOW, NOW + 1))
        version = rng.choice((0, 1, 2, 3, 2**31, 2**32 - 1))
        transaction = Transaction(version, (source,), (TxOut(0, b""),), lock)
        coin = Coin(TxOut(0, b""), height - rng.choice((0, 1, 5, 6, 7, 50)), False)
        table, spent = tabled([transaction], MemoryCoins({source.outpoint: coin}))
        if height < EASY.csv_height:
            expected = is_final(transaction, height, table.header.time)
        else:
            unmet = unmet_sequence(transaction, [coin.height], height, NOW, median_time_before)
            expected = is_final(transaction, height, NOW) and unmet is None
        assert (account(table, spent, context) is not None) == expected
        came += expected
    assert 200 < came < 1_800


def _sequence(rng: random.Random) -> int:
    wait = rng.choice((0, 1, 4, 5, 6, 7, 8, 50, 59, 60, 0xFFFF))
    return rng.choice((0, 0, 1 << 22, 1 << 22, 1 << 31, 0xFFFF0000, 1 << 16)) | wait


def test_a_rule_of_each_sum() -> None:
    """What is spent, paid, left and taken, at the edge."""
    most = 21 * 10**14
    context = BlockContext(EASY, HEIGHT, NOW, lambda _: 0, None)
    subsidy = EASY.subsidy(HEIGHT)

    def accepted(values: list[int], outputs: list[int], reward: int = 0) -> bool:
        names_of = [OutPoint(bytes((index + 1,)) * 32, 0) for index in range(len(values))]
        coins = MemoryCoins((n, Coin(TxOut(v, b""), 1, False)) for n, v in zip(names_of, values, strict=True))
        transaction = Transaction(
            1, tuple(TxIn(name, b"") for name in names_of), tuple(TxOut(v, b"") for v in outputs)
        )
        coinbase = replace(COINBASE, outputs=(TxOut(reward, b""),))
        table = read(bytes(80) + b"\2" + coinbase.raw + transaction.raw)
        assert table
        inside = sources(table, names(table).txids)
        assert inside is not None
        spent = collect(table, inside, HEIGHT, ViewedCoins(coins))
        assert spent
        return account(table, spent, context) is not None

    assert accepted([most], [most])
    assert accepted([most - 1, 1], [most - 1, 1])
    assert not accepted([most, 1], [most])
    assert not accepted([5], [6])
    assert not accepted([most], [most, 1])
    assert not accepted([5], [])
    assert accepted([5], [3], subsidy + 2)
    assert not accepted([5], [3], subsidy + 3)
