"""The Poisson test: against exact sums, against honest devices that are looked at often, and against liars."""

from __future__ import annotations

import math
import random
from decimal import Decimal, localcontext

import pytest

from quorate.miner.watch.luck import EPOCH, FALSE_ALARM, Luck, chance_of_so_few, evidence, hits_to_notice

HALF = (1 << 255) - 1
"""A target that every other digest meets."""


@pytest.mark.parametrize(("hits", "expected"), [(0, 0.5), (3, 7.25), (20, 7.25), (80, 100.0), (900, 1000.0)])
def test_the_tail_is_the_sum_of_its_terms(hits: int, expected: float) -> None:
    with localcontext() as context:
        context.prec = 400
        mean = Decimal(expected)
        tail = sum(mean**k / math.factorial(k) for k in range(hits + 1)) * (-mean).exp()
    assert chance_of_so_few(hits, expected) == pytest.approx(float(tail), rel=1e-11)


def test_nothing_expected_is_no_news() -> None:
    assert chance_of_so_few(0, 0.0) == 1.0
    assert evidence(0, 0.0) == pytest.approx(0.0)


def test_the_stake_is_the_mean_over_the_mixture() -> None:
    """The closed form against the integral that it stands for, by the midpoint rule."""
    hits, expected, shape = 12, 20.0, 8.0
    steps = 200_000
    total = 0.0
    for i in range(steps):
        rate = 8.0 * (i + 0.5) / steps
        density = shape * math.log(shape) + (shape - 1) * math.log(rate) - shape * rate - math.lgamma(shape)
        total += math.exp(hits * math.log(rate) + expected * (1 - rate) + density) * 8.0 / steps
    assert evidence(hits, expected) == pytest.approx(math.log(total), rel=1e-9)


def test_the_bet_is_never_better_than_fair() -> None:
    """The mean stake of an honest device after one window, exactly: at most 1, for binomial numbers too."""
    for n, p in ((1, 0.5), (10, 0.5), (40, 0.125)):
        mean = sum(
            math.comb(n, x) * p**x * (1 - p) ** (n - x) * math.exp(evidence(x, n * p)) for x in range(n + 1)
        )
        assert 0.5 < mean <= 1.0 + 1e-12


def run(rng: random.Random, kept: float, windows: int, hashes: int = 64) -> int | None:
    """The window at which a device is accused that keeps this part of its hits; None if it never is."""
    luck = Luck()
    for window in range(windows):
        hits = sum(rng.random() >= kept for _ in range(rng.getrandbits(hashes).bit_count()))
        luck.add(hits, hashes, HALF)
        if luck.accused:
            return window
    return None


def test_honest_devices_are_not_accused() -> None:
    """Looked at after each of 400 windows; a test at this level that took every look for the first would."""
    rng = random.Random(1)
    assert [run(rng, 0.0, 400) for _ in range(100)] == [None] * 100


@pytest.mark.parametrize("kept", [1 / 32, 0.1, 0.5, 1.0])
def test_a_device_that_keeps_hits_is_accused_when_it_was_said(kept: float) -> None:
    rng = random.Random(2)
    due = hits_to_notice(kept) / 32
    times = [run(rng, kept, int(3 * due) + 3) for _ in range(8)]
    assert None not in times
    mean = sum(time + 1 for time in times if time is not None) / len(times)
    assert 0.5 * due < mean < 1.5 * due + 1


def test_a_small_theft_is_more_than_an_epoch_can_tell() -> None:
    assert hits_to_notice(0.001) == math.inf
    assert hits_to_notice(1 / 32) < EPOCH


def test_a_long_honest_past_is_no_shield() -> None:
    """A device that begins to skip every tenth hash after a hundred epochs is accused within two more."""
    luck = Luck()
    hashes = EPOCH // 4
    for _ in range(800):
        luck.add(hashes // 2, hashes, HALF)
        assert not luck.accused
    accused = []
    for _ in range(16):
        luck.add(round(hashes * 0.45), hashes, HALF)
        accused.append(luck.accused)
    assert accused[-1]
    assert luck.text.startswith("too few hits: ")


def test_more_hits_than_there_can_be_are_news_too() -> None:
    luck = Luck()
    luck.add(1500, 2000, HALF)
    assert luck.accused
    assert luck.text.startswith("too many hits: 1,500 where 1,000.0")
    assert chance_of_so_few(1500, 1000.0) > 1 - FALSE_ALARM
