from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from quorate.chain.ancestry import Ancestry
from quorate.chain.params import Network, network

from .mining import LIMIT, REGTEST, RETARGETING, TESTNET, TESTNET_BIP94

REAL = 0x201FFFFF


def ancestry(known: Network, height: int, steps: list[tuple[int, int]]) -> Ancestry:
    """Headers of the given times and bits from `height` on; no rule is checked here, so none is mined."""
    result = Ancestry(known, height)
    for time, bits in steps:
        result.add(replace(known.genesis, time=time, bits=bits), bytes(32))
    return result


def test_genesis_has_its_bits_and_no_median() -> None:
    start = Ancestry(network("signet"), 0)
    assert start.required_bits(0) == 0x1E0377AE
    assert start.median_time_past() is None


@pytest.mark.parametrize("headers", range(1, 15))
def test_median_from_genesis_is_that_of_up_to_eleven(headers: int) -> None:
    times = random.Random(headers).sample(range(1000), headers)
    latest = sorted(times[-11:])
    known = ancestry(REGTEST, 0, [(time, LIMIT) for time in times])
    assert known.median_time_past() == latest[len(latest) // 2]


@pytest.mark.parametrize(("height", "known"), [(50, k) for k in range(14)] + [(3, k) for k in range(12)])
def test_median_mid_chain_is_the_lowest_that_the_unknown_headers_allow(height: int, known: int) -> None:
    times = random.Random(known).sample(range(1000, 2000), known)
    missing = max(0, min(11, height + known) - known)
    oldest_case = sorted([0] * missing + times[-11:])
    lowest = oldest_case[len(oldest_case) // 2]
    found = ancestry(REGTEST, height, [(time, LIMIT) for time in times]).median_time_past()
    assert found == (lowest or None)


def test_retarget_counts_from_the_periods_first_header_to_its_last() -> None:
    """2400 of 4800 s from height 8 to 15; the time from 7 to 8 does not count (the off-by-one of 2009)."""
    times = [*range(0, 800, 100), 50_000, *range(50_100, 50_700, 100), 52_400]
    known = ancestry(RETARGETING, 0, [(time, LIMIT) for time in times])
    assert known.height == 16
    assert known.required_bits(0) == 0x203FFFFF


@pytest.mark.parametrize(("known", "base"), [(TESTNET, LIMIT), (TESTNET_BIP94, REAL)])
def test_bip94_retargets_from_the_periods_first_bits(known: Network, base: int) -> None:
    times = [*range(0, 700, 100), 2400]
    bits = [REAL] * 7 + [LIMIT]
    halved = {LIMIT: 0x203FFFFF, REAL: 0x200FFFFF}
    assert ancestry(known, 8, list(zip(times, bits, strict=True))).required_bits(9999) == halved[base]


def test_20_minute_rule() -> None:
    known = ancestry(TESTNET, 8, [(0, REAL), (2000, LIMIT), (4000, LIMIT)])
    assert known.required_bits(4000 + 1200) == REAL
    assert known.required_bits(4000 + 1201) == LIMIT


def test_a_periods_first_header_ends_the_search_for_real_bits() -> None:
    """Even where its bits are the limit, harder bits of the period before do not count."""
    times = itertools.count(0, 100)
    known = ancestry(TESTNET, 8, [(next(times), REAL) for _ in range(8)] + [(800, LIMIT), (900, LIMIT)])
    assert known.required_bits(1000) == LIMIT


def test_what_the_run_does_not_show_is_open() -> None:
    assert Ancestry(RETARGETING, 5).required_bits(0) is None
    mid_period = ancestry(RETARGETING, 13, [(0, REAL)] * 3)
    assert mid_period.at_retarget
    assert mid_period.required_bits(0) is None
    only_easiest = ancestry(TESTNET, 9, [(0, LIMIT)] * 2)
    assert only_easiest.required_bits(1200) is None
    assert only_easiest.required_bits(1201) == LIMIT


def test_without_retargeting_bits_stay() -> None:
    assert ancestry(REGTEST, 2013, [(0, LIMIT)] * 3).required_bits(10) == LIMIT
