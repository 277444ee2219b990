from __future__ import annotations

from pathlib import Path

import pytest

from quorate.chain.build import build_block
from quorate.chain.check_block_context import height_push
from quorate.chain.params import network

from .regtest import ANYONE, give, grow, open_chain, reward, solve, spend


@pytest.mark.parametrize(
    ("height", "expected"),
    [(0, "00"), (1, "51"), (16, "60"), (17, "0111"), (127, "017f"), (128, "028000"), (227_931, "035b7a03")],
)
def test_heights_as_coinbases_begin(height: int, expected: str) -> None:
    """Mainnet's block 227,931 is the first that has to; its coinbase begins so."""
    assert height_push(height).hex() == expected


def test_blocks_past_the_first_heights_and_a_halving(tmp_path: Path) -> None:
    chain = open_chain(tmp_path)
    first = grow(chain, 151)[0]
    assert chain.store.coins.total() == (151, (149 * 50 + 2 * 25) * 10**8)
    payment = spend(reward(first), value=49 * 10**8)
    block = build_block(chain.tree, chain.tip, ANYONE, 0, [payment], fees=10**8)
    assert block.transactions[0].outputs[0].value == 26 * 10**8
    assert give(chain, solve(block)).status == "tip"


def test_time_is_after_the_median(tmp_path: Path) -> None:
    chain = open_chain(tmp_path)
    grow(chain, 12)
    times = sorted(node.header.time for node in list(chain.tip.branch())[:11])
    assert build_block(chain.tree, chain.tip, ANYONE, now=0).header.time == times[5] + 1
    later = times[-1] + 5000
    assert build_block(chain.tree, chain.tip, ANYONE, now=later).header.time == later


def test_before_witnesses_there_is_no_commitment(tmp_path: Path) -> None:
    chain = open_chain(tmp_path, network("mainnet"))
    [coinbase] = build_block(chain.tree, chain.tip, ANYONE, now=0).transactions
    assert len(coinbase.outputs) == 1
    assert not coinbase.has_witness
