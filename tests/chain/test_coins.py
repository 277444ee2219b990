from __future__ import annotations

import random
from hashlib import sha256

import pytest

from quorate.chain.block import Block
from quorate.chain.coins import (
    Coin,
    CoinChanges,
    CoinLayer,
    MemoryCoins,
    digest,
    is_unspendable,
    pack,
    undo,
    unpack,
)
from quorate.chain.serialise import MalformedError
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut

from .regtest import ANYONE, REGTEST, spend

HERE, THERE, ELSEWHERE = (OutPoint(bytes((number,)) * 32, number) for number in (1, 2, 3))
OLD, NEW = Coin(TxOut(5, ANYONE), 7, True), Coin(TxOut(-6, b""), 300, False)


def test_a_layer_hides_adds_and_replaces() -> None:
    below = MemoryCoins({HERE: OLD, THERE: OLD})
    layer = CoinLayer(below)
    layer.change([HERE], [(ELSEWHERE, NEW)])
    assert [layer.get(place) for place in (HERE, THERE, ELSEWHERE)] == [None, OLD, NEW]
    layer.change([ELSEWHERE, THERE], [(HERE, NEW), (THERE, NEW)])  # removed first, then added
    assert [layer.get(place) for place in (HERE, THERE, ELSEWHERE)] == [NEW, NEW, None]
    assert below == {HERE: OLD, THERE: OLD}


def test_coins_that_are_not_there_cannot_be_removed() -> None:
    with pytest.raises(KeyError):
        MemoryCoins().change([HERE], [])


def test_packed_as_documented() -> None:
    """Outpoint, twice the height plus one for a coinbase, value, script after its size."""
    packed = pack([(HERE, OLD), (THERE, NEW)])
    assert packed.hex() == (
        "01" * 32 + "01000000" + "0f000000" + "0500000000000000" + "0151"
        + "02" * 32 + "02000000" + "58020000" + "faffffffffffffff" + "00"
    )  # fmt: skip
    assert list(unpack(packed)) == [(HERE, OLD), (THERE, NEW)]
    assert list(unpack(b"")) == []
    for size in range(1, len(packed)):
        if size != len(pack([(HERE, OLD)])):
            with pytest.raises(MalformedError, match="undo data ends early"):
                list(unpack(packed[:size]))


def test_the_digest_covers_every_field() -> None:
    coins = [(HERE, OLD), (THERE, NEW)]
    assert digest(coins) == sha256(pack(coins)).hexdigest()
    others = [
        (HERE, OLD._replace(height=8)),
        (HERE, OLD._replace(is_coinbase=False)),
        (HERE, OLD._replace(output=TxOut(6, ANYONE))),
        (HERE, OLD._replace(output=TxOut(5, b"\x52"))),
        (HERE._replace(vout=2), OLD),
    ]
    assert len({digest(coins), *(digest([other, coins[1]]) for other in others)}) == 6


@pytest.mark.parametrize(
    ("script", "unspendable"),
    [(b"", False), (b"\x6a", True), (b"\x51\x6a", False), (bytes(10_000), False), (bytes(10_001), True)],
)
def test_what_can_never_be_spent(script: bytes, unspendable: bool) -> None:
    assert is_unspendable(TxOut(0, script)) == unspendable


def test_undo_is_the_inverse() -> None:
    """Of a block that spends an older coin, one of its own, and pays an output that nobody can spend."""
    coinbase = Transaction(1, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\x51\x51"),), (TxOut(50, ANYONE),))
    first = spend(HERE, value=4)
    second = Transaction(
        1, (TxIn(OutPoint(first.txid, 0), b""),), (TxOut(3, ANYONE), TxOut(0, b"\x6a"), TxOut(1, ANYONE))
    )
    block = Block(REGTEST.genesis, (coinbase, first, second))
    created = [(OutPoint(coinbase.txid, 0), 50), (OutPoint(second.txid, 0), 3), (OutPoint(second.txid, 2), 1)]
    changes = CoinChanges(
        spent=((HERE, OLD),),
        created=tuple((place, Coin(TxOut(value, ANYONE), 9, False)) for place, value in created),
    )
    coins = MemoryCoins({HERE: OLD, THERE: NEW})
    changes.apply(coins)
    assert coins.keys() == {THERE, *(place for place, _ in created)}
    undo(block, changes.spent, coins)
    assert coins == {HERE: OLD, THERE: NEW}


def test_random_packs_come_back() -> None:
    rng = random.Random(4)
    coins = [
        (
            OutPoint(rng.randbytes(32), rng.getrandbits(32)),
            Coin(
                TxOut(rng.randrange(21 * 10**14), rng.randbytes(rng.choice((0, 22, 252, 253, 9999)))),
                rng.getrandbits(31),
                rng.random() < 0.5,
            ),
        )
        for _ in range(200)
    ]
    assert list(unpack(pack(coins))) == coins
