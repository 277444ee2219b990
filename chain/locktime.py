"""When a transaction may be in a block: absolute locktimes, and relative ones (BIP68)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .script.checker import LOCKTIME_THRESHOLD, SEQUENCE_DISABLED, SEQUENCE_IS_TIME, SEQUENCE_VALUE
from .transaction import FINAL_SEQUENCE, Transaction

_TIME_UNIT = 512
"""Seconds in a unit of a relative time."""


def is_final(transaction: Transaction, height: int, time: int) -> bool:
    """Whether it may be in a block at `height`, as far as its own locktime says; `time` is Unix seconds.

    Where BIP113 holds, `time` is the median time past of the block before, else the block's own.
    """
    locktime = transaction.locktime
    now = height if locktime < LOCKTIME_THRESHOLD else time
    return locktime < now or locktime == 0 or all(spent.sequence == FINAL_SEQUENCE for spent in transaction.inputs)


def unmet_sequence(
    transaction: Transaction,
    coin_heights: Sequence[int],
    height: int,
    median_time: int,
    median_time_before: Callable[[int], int],
) -> int | None:
    """The first input that is spent too early after its coin (BIP68), or None.

    `coin_heights` are those of the spent coins; `median_time` is the median time past of the block before
    `height`, and `median_time_before` gives that of the block before any height below.
    """
    if transaction.version < 2:
        return None
    for index, (spent, coin_height) in enumerate(zip(transaction.inputs, coin_heights, strict=True)):
        sequence = spent.sequence
        if sequence & SEQUENCE_DISABLED:
            continue
        wait = sequence & SEQUENCE_VALUE
        if sequence & SEQUENCE_IS_TIME:
            # The wait begins with the block before the coin's, whose median time is the coin's own.
            unmet = median_time < median_time_before(coin_height) + wait * _TIME_UNIT
        else:
            unmet = height < coin_height + wait
        if unmet:
            return index
    return None
