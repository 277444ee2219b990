from __future__ import annotations

import pytest

from quorate.chain.locktime import is_final, unmet_sequence
from quorate.chain.transaction import OutPoint, Transaction, TxIn

TIME = 1 << 22
DISABLED = 1 << 31


def transaction(locktime: int = 0, *sequences: int, version: int = 2) -> Transaction:
    sources = tuple(TxIn(OutPoint(bytes(32), 0), b"", sequence) for sequence in sequences)
    return Transaction(version, sources, (), locktime)


@pytest.mark.parametrize(
    ("locktime", "sequences", "final"),
    [
        (0, [0], True),
        (99, [0], True),
        (100, [0], False),
        (100, [0xFFFFFFFF], True),
        (100, [0xFFFFFFFF, 0xFFFFFFFE], False),
        (499_999_999, [0], False),
        (500_000_000, [0], True),
        (1_600_000_000 - 1, [0], True),
        (1_600_000_000, [0], False),
    ],
)
def test_absolute(locktime: int, sequences: list[int], final: bool) -> None:
    assert is_final(transaction(locktime, *sequences), height=100, time=1_600_000_000) is final


@pytest.mark.parametrize(
    ("sequences", "version", "unmet"),
    [
        ([0, 0], 2, None),
        ([10, 0], 2, None),  # the first coin is of height 90
        ([11, 0], 2, 0),
        ([0, 1], 2, 1),  # the second is of this block
        ([11, 0], 1, None),
        ([11, 0], 0xFFFFFFFF, 0),
        ([DISABLED | 11, 0], 2, None),
        ([TIME | 10, 0], 2, None),  # 90 to 100: ten blocks, 512 seconds each
        ([TIME | 11, 0], 2, 0),
        ([0, TIME], 2, None),
        ([0, TIME | 1], 2, 1),
        ([1 << 16 | 11, 0], 2, 0),  # bits without a meaning
    ],
)
def test_relative(sequences: list[int], version: int, unmet: int | None) -> None:
    found = unmet_sequence(
        transaction(0, *sequences, version=version),
        coin_heights=[90, 100],
        height=100,
        median_time=512 * 100,
        median_time_before=lambda height: 512 * height,
    )
    assert found == unmet
