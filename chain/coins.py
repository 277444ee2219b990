"""Coins: the outputs that are not spent yet. A block spends some and creates others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .block import Block
from .script.opcodes import Op
from .serialise import Reader
from .transaction import OutPoint, TxOut

_MAX_SCRIPT_SIZE = 10_000


class Coin(NamedTuple):
    output: TxOut

    height: int
    """Of the block that created it."""

    is_coinbase: bool


class CoinView(Protocol):
    """Coins to look up."""

    def get(self, outpoint: OutPoint, /) -> Coin | None: ...


class CoinSet(CoinView, Protocol):
    """Coins that a block can change."""

    def change(self, remove: Iterable[OutPoint], add: Iterable[tuple[OutPoint, Coin]]) -> None:
        """Remove, then add."""
        ...


class MemoryCoins(dict[OutPoint, Coin]):
    """A `CoinSet` in memory: for tests, for single blocks, and to rebuild what a store should hold."""

    def change(self, remove: Iterable[OutPoint], add: Iterable[tuple[OutPoint, Coin]]) -> None:
        for outpoint in remove:
            del self[outpoint]
        self.update(add)


class CoinLayer:
    """Changes on top of other coins, which stay as they are."""

    def __init__(self, below: CoinView) -> None:
        self._below = below
        self._changes: dict[OutPoint, Coin | None] = {}

    def get(self, outpoint: OutPoint, /) -> Coin | None:
        if outpoint in self._changes:
            return self._changes[outpoint]
        return self._below.get(outpoint)

    def change(self, remove: Iterable[OutPoint], add: Iterable[tuple[OutPoint, Coin]]) -> None:
        self._changes.update(dict.fromkeys(remove))
        self._changes.update(add)


@dataclass(frozen=True, slots=True)
class CoinChanges:
    """What a block does to the coins, net: what it creates and spends itself appears in neither."""

    spent: tuple[tuple[OutPoint, Coin], ...]
    """Coins of earlier blocks that are there no more. They are the undo data."""

    created: tuple[tuple[OutPoint, Coin], ...]

    def apply(self, coins: CoinSet) -> None:
        coins.change([outpoint for outpoint, _ in self.spent], self.created)


def undo(block: Block, spent: Iterable[tuple[OutPoint, Coin]], coins: CoinSet) -> None:
    """Take a block's changes back; `spent` is that of its `CoinChanges`."""
    inside = {source.outpoint for transaction in block.transactions[1:] for source in transaction.inputs}
    created = (
        OutPoint(transaction.txid, index)
        for transaction in block.transactions
        for index, output in enumerate(transaction.outputs)
        if not is_unspendable(output)
    )
    coins.change([outpoint for outpoint in created if outpoint not in inside], spent)


def is_unspendable(output: TxOut) -> bool:
    """Whether no input can ever spend it, so that it need not be kept."""
    script = output.script_pubkey
    return script[:1] == Op.OP_RETURN.to_bytes(1) or len(script) > _MAX_SCRIPT_SIZE


def pack(coins: Iterable[tuple[OutPoint, Coin]]) -> bytes:
    """Coins as bytes: each its outpoint, twice its height plus one for a coinbase (u32), and its output."""
    return b"".join(
        outpoint.serialise() + (2 * coin.height + coin.is_coinbase).to_bytes(4, "little") + coin.output.serialise()
        for outpoint, coin in coins
    )


def unpack(data: bytes) -> Iterator[tuple[OutPoint, Coin]]:
    """The coins of `pack`; `MalformedError` for bytes that are none."""
    reader = Reader(data, "undo data")
    while reader.at < reader.end:
        outpoint = OutPoint(reader.take(32), reader.uint32())
        origin = reader.uint32()
        yield outpoint, Coin(TxOut(reader.int64(), reader.sized()), origin >> 1, bool(origin & 1))


def digest(coins: Iterable[tuple[OutPoint, Coin]]) -> str:
    """SHA-256 over the coins, which come in the order of their outpoints, each as `pack` writes it; 64 digits."""
    state = hashlib.sha256()
    for coin in coins:
        state.update(pack([coin]))
    return state.hexdigest()
