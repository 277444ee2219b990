"""The rules of blocks on tables; each function names the one of the plain road that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types

from ...kernels.py.cache import compiled
from ..block import commit_to_witnesses, witness_commitment
from ..check_block_context import BlockContext, height_push
from ..check_header import check_work
from ..check_transaction import MAX_MONEY, MAX_WEIGHT, check_transaction
from ..params import Network
from ..script.checker import LOCKTIME_THRESHOLD, SEQUENCE_DISABLED, SEQUENCE_IS_TIME, SEQUENCE_VALUE
from ..sigops import MAX_BLOCK_SIGOPS_COST
from ..transaction import FINAL_SEQUENCE, WITNESS_SCALE
from .hashes import Names, merkle_root
from .sigops import count_sigops, spending_cost
from .sources import Spent
from .table import (
    BODY,
    BODY_END,
    END,
    FLAT,
    INPUTS,
    INPUTS_FROM,
    NUMBERS,
    OUTPUTS,
    OUTPUTS_FROM,
    ROWS,
    SCRIPT,
    SCRIPT_END,
    SCRIPT_SIG,
    SEQUENCE,
    START,
    VALUE,
    WITNESSED,
    Numbers,
    Table,
    number_at,
)

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

_TIME_UNIT = 512
"""Seconds in a unit of a relative time (BIP68)."""


def keeps_block_rules(table: Table, digest: bytes, names: Names, network: Network) -> bool:
    """`check_block`, but for what `account` sees in every transaction."""
    header, coinbase = table.header, table.transaction(0)
    root, mutated = merkle_root(names.txids)
    return (
        check_work(header, digest, network) is None
        and root == header.merkle_root
        and not mutated
        and stripped_size(table) <= MAX_WEIGHT // WITNESS_SCALE
        and coinbase.is_coinbase
        and check_transaction(coinbase) is None
    )


def keeps_context_rules(table: Table, names: Names, context: BlockContext) -> bool:
    """`check_block_context`, but for the locktimes, which `account` sees."""
    network, coinbase = context.network, table.transaction(0)
    script_sig, reserved = coinbase.inputs[0].script_sig, coinbase.inputs[0].witness
    if context.height >= network.bip34_height and not script_sig.startswith(height_push(context.height)):
        return False
    commitment = witness_commitment(coinbase) if context.height >= network.segwit_height else None
    if commitment is None:
        committed = not table.transactions[:, WITNESSED].any()
    else:
        committed = (
            len(reserved) == 1
            and len(reserved[0]) == 32
            and commit_to_witnesses(merkle_root(names.wtxids).root, reserved[0]) == commitment
        )
    return committed and (WITNESS_SCALE - 1) * stripped_size(table) + len(table.raw) <= MAX_WEIGHT


def stripped_size(table: Table) -> int:
    """Bytes without witnesses."""
    bodies = table.transactions[:, BODY_END] - table.transactions[:, BODY] + 8
    return int(table.transactions[0, START] + bodies.sum())


class Account(NamedTuple):
    """What a block's transactions come to."""

    fees: int
    """Satoshis, as the next."""

    reward: int
    """What the coinbase pays."""


def account(table: Table, spent: Spent, context: BlockContext) -> Account | None:
    """`check_transaction` for all but the coinbase, and what a block's rules sum up or ask of every transaction.

    None where one is broken.
    """
    network, height = context.network, context.height
    if (spent.from_coinbase.astype(bool) & (height - spent.heights < network.coinbase_maturity)).any():
        return None
    after_csv = height >= network.csv_height
    # In their order: what is final by height, what by time, and from when on relative locktimes count.
    now = (height, context.median_time if after_csv else table.header.time, after_csv)
    waits = np.empty(len(spent.inside), np.int64)
    tables = (spent.text, table.transactions, table.inputs, table.outputs)
    fees, reward, sigops = add_up()(*tables, spent.begins, spent.ends, spent.values, spent.heights, *now, waits)
    if fees < 0 or sigops > MAX_BLOCK_SIGOPS_COST or not _times_have_come(spent, waits, context):
        return None
    if reward > network.subsidy(height) + fees:
        return None
    return Account(fees, reward)


def _times_have_come(spent: Spent, waits: Numbers, context: BlockContext) -> bool:
    """Whether the inputs that wait for a time, by so many units after their coin, have waited (BIP68)."""
    waiting = np.flatnonzero(waits)
    pairs = set(zip(spent.heights[waiting].tolist(), waits[waiting].tolist(), strict=True))
    return all(
        context.median_time >= context.median_time_before(height) + (wait - 1) * _TIME_UNIT
        for height, wait in pairs
    )


@cache
def add_up() -> Callable[..., Any]:
    """`add_up(text, transactions, inputs, outputs, begins, ends, values, heights, height, time, relative, waits)`
    returns fees, reward and the cost of all signature operations; -1 for the fees where a rule is broken.

    `relative`: whether relative locktimes count. Those in heights are checked here; of those in times `waits` gets
    the number of units plus one, and 0 for other inputs.
    """

    def add_up(  # type: ignore[no-untyped-def]
        text, transactions, inputs, outputs, begins, ends, values, heights, height, time, relative, waits
    ):
        bad = (-1, 0, 0)
        fees = reward = sigops = 0
        for index in range(len(transactions)):
            row = transactions[index]
            paid = 0
            for place in range(row[OUTPUTS_FROM], row[OUTPUTS_FROM] + row[OUTPUTS]):
                value = number_at(text, outputs[place, VALUE], 8)
                if value < 0 or value > MAX_MONEY or paid + value > MAX_MONEY:
                    return bad
                paid += value
                begin, end = outputs[place, SCRIPT], outputs[place, SCRIPT_END]
                sigops += WITNESS_SCALE * count_sigops(text, begin, end, False)
            if row[OUTPUTS] == 0:
                return bad

            version, lock = number_at(text, row[START], 4), number_at(text, row[END] - 4, 4)
            final = lock == 0 or lock < (height if lock < LOCKTIME_THRESHOLD else time)
            all_final, taken = True, 0
            for place in range(row[INPUTS_FROM], row[INPUTS_FROM] + row[INPUTS]):
                source = inputs[place]
                sequence = number_at(text, source[SEQUENCE], 4)
                all_final = all_final and sequence == FINAL_SEQUENCE
                sigops += WITNESS_SCALE * count_sigops(text, source[SCRIPT_SIG], source[SEQUENCE], False)
                if index == 0:
                    continue
                coin = place - 1  # the coinbase has one input, and it comes first
                taken += values[coin]
                if taken > MAX_MONEY:
                    return bad
                sigops += spending_cost(text, source, begins[coin], ends[coin])
                waits[coin] = 0
                if relative and version >= 2 and not sequence & SEQUENCE_DISABLED:
                    wait = sequence & SEQUENCE_VALUE
                    if sequence & SEQUENCE_IS_TIME:
                        waits[coin] = wait + 1
                    elif height < heights[coin] + wait:
                        return bad
            if not (final or all_final):
                return bad
            if index == 0:
                reward = paid
            elif paid > taken:
                return bad
            else:
                fees += taken - paid
                if fees > MAX_MONEY:
                    return bad
        return fees, reward, sigops

    number, rows = types.int64, (FLAT, ROWS, ROWS, ROWS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
    return compiled(add_up, types.UniTuple(number, 3)(*rows, number, number, types.boolean, NUMBERS))
