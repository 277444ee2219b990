"""The fast road from a block's bytes to its verdict, in the plain road's steps:

    read         the bytes as tables                Block.parse
    check        the block on its own               check_block, check_signature
    connect      in its place and with its coins    check_block_context, connect_block
    prepare      rows of signatures, and runs
    satisfied    of scripts: are they good?         check_scripts

Each gives None where the plain road has to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..check_block_context import BlockContext
from ..coins import Coin, CoinChanges, is_unspendable
from ..connect_block import is_known_unique
from ..header import display_hash
from ..params import Network
from ..script.flags import P2SH, TAPROOT, WITNESS
from ..script_flags import script_flags
from ..transaction import OutPoint
from . import hashes, messages, ripemd160, rules, scripts, sighashes, sources, table, templates
from .hashes import Names
from .rules import Account
from .scripts import Scripts, satisfied
from .sources import CoinSource, Spent
from .table import OUTPUTS, Table, read

__all__ = ["Checked", "Connected", "check", "connect", "load_kernels", "prepare", "read", "satisfied"]

_NEEDED = P2SH | WITNESS | TAPROOT
"""What all blocks are held to but two."""


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A block that keeps the rules for its bytes."""

    table: Table

    digest: bytes
    """Its hash, 32 bytes in wire order."""

    names: Names


@dataclass(frozen=True, eq=False)
class Connected:
    """A block that keeps all rules, if its scripts do; as `connect_block.Connection`."""

    block: Checked
    height: int
    spent: Spent
    flags: int
    account: Account

    @cached_property
    def changes(self) -> CoinChanges:
        """What the block does to the coins; objects are made when somebody asks."""
        removed = zip(self.block.table.outpoints(self.spent.outside + 1), self.spent.coins, strict=True)
        return CoinChanges(tuple(removed), tuple(self._created()))

    def _created(self) -> Iterator[tuple[OutPoint, Coin]]:
        table = self.block.table
        rows = np.arange(len(table.outputs))
        spent = set(self.spent.inside.tolist())
        reward = int(table.transactions[0, OUTPUTS])
        for row, outpoint, output in zip(rows.tolist(), created(self.block), table.txouts(rows), strict=True):
            if row not in spent and not is_unspendable(output):
                yield outpoint, Coin(output, self.height, row < reward)


def load_kernels() -> None:
    """Take all machine code from the disk, or compile it: what happens at its first use anyway."""
    for kernel in (
        table.scan,
        hashes.write_transactions,
        messages.hash_messages,
        sources.find_sources,
        rules.add_up,
        templates.classify,
        templates.write_keys,
        ripemd160.hash_digests,
        scripts.write_rows,
        sighashes.write_shared,
        sighashes.write_signed,
    ):
        kernel()


def check(block: Table, network: Network) -> Checked | None:
    """A block that has to be signed (BIP325) is left to the plain road."""
    header = block.header
    if network.signet_challenge and header != network.genesis:
        return None
    checked = Checked(block, header.hash(), hashes.names(block))
    return checked if rules.keeps_block_rules(block, checked.digest, checked.names, network) else None


def connect(block: Checked, context: BlockContext, coins: CoinSource) -> Connected | None:
    """No coin is changed here."""
    height = context.height
    flags = script_flags(context.network, height, display_hash(block.digest))
    if flags & _NEEDED != _NEEDED or not rules.keeps_context_rules(block.table, block.names, context):
        return None
    if not is_known_unique(context) and coins.has_any(created(block)):
        return None
    inside = sources.sources(block.table, block.names.txids)
    if inside is None:
        return None
    spent = sources.collect(block.table, inside, height, coins)
    if spent is None:
        return None
    sums = rules.account(block.table, spent, context)
    return Connected(block, height, spent, flags, sums) if sums else None


def prepare(connected: Connected) -> Scripts:
    return scripts.prepare(connected.block.table, connected.spent, connected.flags)


def created(block: Checked) -> Iterator[OutPoint]:
    """Those of all outputs, in their order."""
    counts = block.table.transactions[:, OUTPUTS].tolist()
    for txid, count in zip(block.names.txids, counts, strict=True):
        name = txid.tobytes()
        for number in range(count):
            yield OutPoint(name, number)
