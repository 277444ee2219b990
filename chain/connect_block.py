"""What a block has to be with the coins that it spends (Bitcoin Core's `ConnectBlock`).

`connect_block` finds out everything but what the scripts say and leaves those to `check_scripts`, which hands
a block's signatures to a backend in one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kernels.backend import Backend
from .block import Block
from .check_block import place
from .check_block_context import BlockContext
from .check_transaction import MAX_MONEY
from .coins import Coin, CoinChanges, CoinView, is_unspendable
from .header import display_hash
from .locktime import unmet_sequence
from .refusal import Reason, Refusal
from .script_flags import script_flags
from .sigops import MAX_BLOCK_SIGOPS_COST, sigop_cost
from .transaction import OutPoint, Transaction
from .verdict_cache import VerdictCache
from .verdicts import ScriptFault, ScriptReport, Spend, verify_inputs


@dataclass(frozen=True, slots=True)
class Connection:
    """A block that keeps all rules, if its scripts do."""

    changes: CoinChanges

    spends: tuple[Spend, ...]
    """All transactions but the coinbase, with what they spend."""

    flags: int
    """Of `script/flags.py`."""

    fees: int
    """Satoshis."""


def connect_block(block: Block, digest: bytes, context: BlockContext, coins: CoinView) -> Connection | Refusal:
    """What the block, which hashes to `digest`, does to the coins; or why it must not.

    The block has passed `check_block` and `check_block_context`. No coin is changed here.
    """
    work = _Work(block, display_hash(digest), context, coins)
    if not is_known_unique(context) and (refusal := work.check_repeats()):
        return refusal
    for index, transaction in enumerate(block.transactions):
        if refusal := work.connect(index, transaction):
            return refusal
    return work.check_reward() or work.connection()


def check_scripts(
    block: Block, connection: Connection, backend: Backend, cache: VerdictCache | None = None
) -> tuple[Refusal | None, ScriptReport]:
    """The first input that its script refuses, and the report on all; signatures go to `backend` in one batch."""
    report = verify_inputs(connection.spends, connection.flags, backend, cache)
    fault = report.first_fault()
    return fault and script_refusal(block, fault), report


def script_refusal(block: Block, fault: ScriptFault) -> Refusal:
    """`fault` counts the transactions behind the coinbase."""
    index = fault.transaction + 1
    detail = f"{place(index, block.transactions[index])} fails at input {fault.input}: {fault.error.value}"
    return Refusal(Reason.SCRIPT_FAILED, detail)


def is_known_unique(context: BlockContext) -> bool:
    """Whether BIP34 makes every coinbase unique, so that BIP30 need not be checked: on the branch on which the
    block at `bip34_height` is the known one, up to the first old coinbase that a height's push can equal."""
    known = context.network.bip34_hash
    return known != "" and context.bip34_block == known and context.height < _BIP34_REPEATS


_BIP34_REPEATS = 1_983_702
"""The first height above BIP34's with which a mainnet coinbase from before BIP34 happens to begin."""


class _Work:
    """A block that is being connected."""

    def __init__(self, block: Block, block_hash: str, context: BlockContext, coins: CoinView) -> None:
        self.block, self.block_hash, self.context, self.coins = block, block_hash, context, coins
        self.flags = script_flags(context.network, context.height, block_hash)
        self.created: dict[OutPoint, Coin] = {}
        self.spent: dict[OutPoint, Coin] = {}
        self.spent_inside: set[OutPoint] = set()
        self.spends: list[Spend] = []
        self.fees = 0
        self.sigops = 0

    def check_repeats(self) -> Refusal | None:
        """BIP30. The two blocks that are excepted replace a coin, which the undo data then keep."""
        excepted = self.block_hash in self.context.network.bip30_exceptions
        for index, transaction in enumerate(self.block.transactions):
            for number in range(len(transaction.outputs)):
                outpoint = OutPoint(transaction.txid, number)
                coin = self.coins.get(outpoint)
                if coin is None:
                    continue
                if not excepted:
                    detail = f"{place(index, transaction)} stands at height {coin.height} too and is not spent"
                    return Refusal(Reason.BAD_TXNS_BIP30, detail)
                self.spent[outpoint] = coin
        return None

    def connect(self, index: int, transaction: Transaction) -> Refusal | None:
        found: list[Coin] = []
        if not transaction.is_coinbase:
            refusal = self._collect(index, transaction, found) or self._check_amounts(index, transaction, found)
            refusal = refusal or self._check_sequences(index, transaction, found)
            if refusal:
                return refusal
            self.spends.append(Spend(transaction, [coin.output for coin in found]))
        self.sigops += sigop_cost(transaction, [coin.output for coin in found], self.flags)
        if self.sigops > MAX_BLOCK_SIGOPS_COST:
            return Refusal(
                Reason.BAD_BLK_SIGOPS,
                f"the signature operations up to {place(index, transaction)} cost {self.sigops}; "
                f"the most is {MAX_BLOCK_SIGOPS_COST}",
            )
        height, is_coinbase = self.context.height, index == 0
        for number, output in enumerate(transaction.outputs):
            if not is_unspendable(output):
                self.created[OutPoint(transaction.txid, number)] = Coin(output, height, is_coinbase)
        return None

    def _collect(self, index: int, transaction: Transaction, found: list[Coin]) -> Refusal | None:
        """Move the coins that are spent to `found`."""
        height, maturity = self.context.height, self.context.network.coinbase_maturity
        for number, source in enumerate(transaction.inputs):
            outpoint = source.outpoint
            coin = self.created.pop(outpoint, None)
            if coin is not None:
                self.spent_inside.add(outpoint)
            elif outpoint not in self.spent and outpoint not in self.spent_inside:
                coin = self.coins.get(outpoint)
                if coin is not None:
                    self.spent[outpoint] = coin
            if coin is None:
                return Refusal(
                    Reason.BAD_TXNS_INPUTS_MISSINGORSPENT,
                    f"{place(index, transaction)} spends at input {number} what is not there or spent already: "
                    f"output {outpoint.vout} of {display_hash(outpoint.txid)}",
                )
            if coin.is_coinbase and height - coin.height < maturity:
                return Refusal(
                    Reason.BAD_TXNS_PREMATURE_SPEND_OF_COINBASE,
                    f"{place(index, transaction)} spends at input {number} the coinbase of height {coin.height}, "
                    f"which can be spent from height {coin.height + maturity}",
                )
            found.append(coin)
        return None

    def _check_amounts(self, index: int, transaction: Transaction, found: list[Coin]) -> Refusal | None:
        total = 0
        for number, coin in enumerate(found):
            total += coin.output.value
            if not (0 <= coin.output.value <= MAX_MONEY and total <= MAX_MONEY):
                return Refusal(
                    Reason.BAD_TXNS_INPUTVALUES_OUTOFRANGE,
                    f"{place(index, transaction)} spends {total} satoshis up to input {number}; "
                    f"there are never more than {MAX_MONEY}",
                )
        paid = sum(output.value for output in transaction.outputs)
        if paid > total:
            detail = f"{place(index, transaction)} pays {paid} satoshis and spends {total}"
            return Refusal(Reason.BAD_TXNS_IN_BELOWOUT, detail)
        self.fees += total - paid
        if self.fees > MAX_MONEY:
            detail = f"the fees up to {place(index, transaction)} are {self.fees} satoshis"
            return Refusal(Reason.BAD_TXNS_ACCUMULATED_FEE_OUTOFRANGE, detail)
        return None

    def _check_sequences(self, index: int, transaction: Transaction, found: list[Coin]) -> Refusal | None:
        context = self.context
        if context.height < context.network.csv_height:
            return None
        heights = [coin.height for coin in found]
        unmet = unmet_sequence(
            transaction, heights, context.height, context.median_time, context.median_time_before
        )
        if unmet is None:
            return None
        return Refusal(
            Reason.BAD_TXNS_NONFINAL,
            f"{place(index, transaction)} spends at input {unmet} a coin of height {heights[unmet]} too early: "
            f"its sequence is {transaction.inputs[unmet].sequence:#010x}",
        )

    def check_reward(self) -> Refusal | None:
        subsidy = self.context.network.subsidy(self.context.height)
        paid = sum(output.value for output in self.block.transactions[0].outputs)
        if paid <= subsidy + self.fees:
            return None
        return Refusal(
            Reason.BAD_CB_AMOUNT,
            f"the coinbase pays {paid} satoshis; subsidy and fees are {subsidy} + {self.fees} satoshis",
        )

    def connection(self) -> Connection:
        changes = CoinChanges(tuple(self.spent.items()), tuple(self.created.items()))
        return Connection(changes, tuple(self.spends), self.flags, self.fees)
