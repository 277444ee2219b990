"""The hashes that a block commits to: of its transactions, with and without witnesses, and Merkle's roots."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import types

from ...kernels.py.cache import compiled
from ..merkle import MerkleRoot
from .messages import BUFFER, Messages, Words, hashes_of_digests, put, seal
from .table import BODY, BODY_END, END, FLAT, NUMBERS, ROWS, START, WITNESSED, Table

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"


class Names(NamedTuple):
    """Digests, uint32 of shape (transactions, 8), as they lie in memory."""

    txids: Words

    wtxids: Words
    """With zeros in the coinbase's row."""


def names(table: Table) -> Names:
    count = len(table.transactions)
    messages = Messages.room(2 * count, 2 * len(table.raw))
    total = write_transactions()(table.text, table.transactions, messages.text, messages.first, messages.blocks)
    digests = hashes_of_digests(messages.hashes(total))
    wtxids = digests[:count].copy()
    wtxids[table.transactions[:, WITNESSED] != 0] = digests[count:]
    wtxids[0] = 0
    return Names(digests[:count], wtxids)


def merkle_root(level: Words) -> MerkleRoot:
    """As `chain.merkle.merkle_root`, of at least one hash."""
    mutated = False
    while len(level) > 1:
        even = len(level) // 2 * 2
        mutated = mutated or bool((level[0:even:2] == level[1:even:2]).all(axis=1).any())
        if len(level) > even:
            level = np.concatenate([level, level[-1:]])
        level = hashes_of_digests(hashes_of_digests(level.reshape(-1, 16)))
    return MerkleRoot(level[0].tobytes(), mutated)


@cache
def write_transactions() -> Callable[..., int]:
    """`write_transactions(text, transactions, buffer, first, blocks)`: all without witnesses, then those that have
    some with them; returns how many messages these are."""

    def write_transactions(text, transactions, buffer, first, blocks):  # type: ignore[no-untyped-def]
        at = message = 0
        for index in range(len(transactions)):
            row, begin = transactions[index], at
            at = put(buffer, at, text, row[START], row[START] + 4)
            at = put(buffer, at, text, row[BODY], row[BODY_END])
            at = put(buffer, at, text, row[END] - 4, row[END])
            at = seal(buffer, begin, at, first, blocks, message)
            message += 1
        for index in range(len(transactions)):
            row, begin = transactions[index], at
            if row[WITNESSED]:
                at = put(buffer, at, text, row[START], row[END])
                at = seal(buffer, begin, at, first, blocks, message)
                message += 1
        return message

    return compiled(write_transactions, types.int64(FLAT, ROWS, BUFFER, NUMBERS, NUMBERS))
