"""What a block costs besides its signatures grows with its size and with the number of blocks, and no faster."""

from __future__ import annotations

import resource
import time
from bisect import bisect
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from quorate.chain.block import Block
from quorate.chain.fast import road
from quorate.chain.fast.sources import ViewedCoins
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, SignatureBatch

from .roads import Case, shortened, whole

SIZES = (1, 10, 100)


class Believer(ReferenceBackend):
    """Calls everything valid, at no cost: what is measured is all the rest."""

    def verify(self, batch: SignatureBatch) -> Codes:
        return np.zeros(len(batch), np.uint8)


def validate(case: Case) -> None:
    table = road.read(case.raw)
    assert table
    checked = road.check(table, case.context.network)
    assert checked
    connected = road.connect(checked, case.context, ViewedCoins(case.coins))
    assert connected
    assert road.satisfied(road.prepare(connected), Believer())


def seconds(case: Case, blocks: int = 1) -> float:
    """Processor time to validate so many."""
    began = time.process_time()
    for _ in range(blocks):
        validate(case)
    return time.process_time() - began


@pytest.mark.slow
def test_blocks_of_one_ten_and_a_hundred_times_the_size(vectors: Path) -> None:
    """The first transactions of block 866342: a hundredth of its bytes, a tenth, all."""
    raw = whole(vectors).raw
    ends = list(accumulate(len(transaction.raw) for transaction in Block.parse(raw).transactions[1:]))
    cases = [shortened(vectors, bisect(ends, ends[-1] * size // 100)) for size in SIZES]
    took = [min(seconds(case) for _ in range(6)) for case in cases]
    print([f"{len(case.raw):,} bytes in {1e3 * each:.2f} ms" for case, each in zip(cases, took, strict=True)])
    assert took[1] < 13 * took[0]
    assert took[2] < 13 * took[1]


@pytest.mark.slow
def test_one_ten_and_a_hundred_blocks(vectors: Path) -> None:
    case = whole(vectors)
    validate(case)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = [seconds(case, blocks) for blocks in SIZES]
    print([f"{1e3 * each:.1f} ms" for each in took])
    assert took[2] < 130 * took[0]
    # KiB on Linux: nothing is kept, so that a hundred blocks take the room of a few.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
