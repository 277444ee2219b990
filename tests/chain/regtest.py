"""Chains of full blocks on regtest, where every second hash is proof enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from quorate.chain.block import Block
from quorate.chain.build import build_block
from quorate.chain.chainstate import Chainstate, Outcome
from quorate.chain.coins import digest
from quorate.chain.params import Network, network
from quorate.chain.pow import bits_to_target
from quorate.chain.script.parse import push
from quorate.chain.store import Store
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.tree import Node
from quorate.kernels.backend import Backend
from quorate.kernels.catalog import open_verifier, verifiers

REGTEST = replace(network("regtest"), coinbase_maturity=2)
"""Two blocks until a coinbase can be spent, so that short chains can spend."""

MAINNET_YOUNG = replace(network("mainnet"), coinbase_maturity=1)
"""What btcd's reorganisation blocks were made for."""

START = REGTEST.genesis.time

ANYONE = b"\x51"
"""OP_TRUE: an output that needs no signature."""

ANYONE_BY_WITNESS = b"\0" + push(sha256(ANYONE).digest())


def verifier() -> Backend:
    return open_verifier("reference")


def block_verifier() -> Backend:
    """For thousands of signatures; one that need not be compiled first, where it is installed."""
    names = [device.name for device in verifiers()]
    return open_verifier("libsecp256k1" if "libsecp256k1" in names else names[0])


def open_chain(folder: Path, rules: Network = REGTEST) -> Chainstate:
    """Its clock is ahead of all headers here."""
    return Chainstate(Store(folder, rules), verifier(), clock=lambda: 4_000_000_000)


def solve(block: Block) -> Block:
    """The block with the first nonce that is a hit."""
    target = bits_to_target(block.header.bits)
    nonce = 0
    while int.from_bytes(block.header.hash(), "little") > target:
        nonce += 1
        block = replace(block, header=replace(block.header, nonce=nonce))
    return block


def block_on(
    chain: Chainstate,
    parent: Node,
    transactions: Sequence[Transaction] = (),
    extra: bytes = b"",
    script: bytes = ANYONE,
    fees: int = 0,
) -> Block:
    now = parent.header.time + 600
    return solve(build_block(chain.tree, parent, script, now, transactions, fees, extra))


def remade(block: Block, *transactions: Transaction, **changes: object) -> Block:
    """The block with other transactions or header fields, and with root and proof of work to match."""
    block = replace(block, transactions=transactions or block.transactions)
    header = replace(block.header, merkle_root=block.merkle_root().root, **changes)  # type: ignore[arg-type]
    return solve(replace(block, header=header))


def give(chain: Chainstate, block: Block) -> Outcome:
    [outcome] = chain.accept(block.serialise())
    return outcome


def grow(chain: Chainstate, count: int, extra: bytes = b"") -> list[Block]:
    """So many empty blocks on the tip."""
    blocks = []
    for _ in range(count):
        blocks.append(block_on(chain, chain.tip, extra=extra))
        assert give(chain, blocks[-1]).status == "tip"
    return blocks


def spend(
    *outpoints: OutPoint, value: int, to: bytes = ANYONE, sequence: int = 0xFFFFFFFF, locktime: int = 0
) -> Transaction:
    """Of outputs that anyone may spend, into one of `value` satoshis."""
    sources = tuple(TxIn(outpoint, b"", sequence) for outpoint in outpoints)
    return Transaction(2, sources, (TxOut(value, to),), locktime)


def reward(block: Block) -> OutPoint:
    return OutPoint(block.transactions[0].txid, 0)


def utxo_digest(chain: Chainstate) -> str:
    return digest(chain.store.coins.items())
