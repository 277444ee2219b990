"""The rules that mainnet's headers never break, on headers mined here."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from quorate.chain.header import BlockHeader
from quorate.chain.params import Network

from .mining import LIMIT, REGTEST, RETARGETING, TESTNET, TESTNET_BIP94, chain, mine, refused, validate, verdict

HOUR = 3600


@pytest.mark.parametrize(("seconds", "expected"), [(2 * HOUR, None), (2 * HOUR + 1, ("time-too-new", 1))])
def test_two_hours_into_the_future(seconds: int, expected: tuple[str, int] | None) -> None:
    now = REGTEST.genesis.time
    report = validate(chain([(seconds, LIMIT)]), REGTEST, now=now)
    assert refused(report) == expected


@pytest.mark.parametrize("length", [1, 2, 5, 10, 11, 12, 25])
def test_median_time_past(length: int) -> None:
    """Times jump about, each later than the median before it; the next must be later than the median."""
    rng = random.Random(length)
    headers = [REGTEST.genesis]
    for _ in range(length):
        headers.append(mine(headers[-1], _median(headers) + rng.randrange(1, 5000)))
    median = _median(headers)
    assert verdict([*headers, mine(headers[-1], median + 1)], REGTEST) is None
    assert verdict([*headers, mine(headers[-1], median)], REGTEST) == ("time-too-old", length + 1)


def _median(headers: list[BlockHeader]) -> int:
    times = sorted(header.time for header in headers[-11:])
    return times[len(times) // 2]


@pytest.mark.parametrize(
    ("height", "version", "valid"),
    [
        (1, -5, True),
        (2, 1, False),
        (2, -1, False),
        (2, 2, True),
        (4, 2, False),
        (4, 3, True),
        (6, 3, False),
        (6, 4, True),
        (6, 0x20000000, True),
        (6, -0x60000000, False),
    ],
)
def test_retired_versions(height: int, version: int, valid: bool) -> None:
    known = replace(REGTEST, bip34_height=2, bip66_height=4, bip65_height=6)
    headers = chain([(600, LIMIT)] * (height - 1))
    headers.append(mine(headers[-1], headers[-1].time + 600, version=version))
    assert verdict(headers, known) == (None if valid else ("bad-version", height))


# Eight headers within seven seconds: the retarget at height 8 is clamped to fourfold, 0x207fffff to 0x201fffff.
REAL = 0x201FFFFF
FAST = [(1, LIMIT)] * 7
RETARGETED = [*FAST, (1, REAL)]


@pytest.mark.parametrize("bits", [0x201FFFFE, 0x20200000, LIMIT])
def test_retarget(bits: int) -> None:
    assert verdict(chain(RETARGETED), RETARGETING) is None
    assert verdict(chain([*FAST, (1, bits)]), RETARGETING) == ("bad-diffbits", 8)


def test_bits_change_only_at_a_retarget() -> None:
    assert verdict(chain([*RETARGETED, (600, REAL)]), RETARGETING) is None
    assert verdict(chain([*RETARGETED, (6000, LIMIT)]), RETARGETING) == ("bad-diffbits", 9)
    assert verdict(chain([*FAST[:-1], (1, REAL)]), RETARGETING) == ("bad-diffbits", 7)


@pytest.mark.parametrize("known", [TESTNET, TESTNET_BIP94], ids=lambda known: known.name)
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(1200, REAL)], None),
        ([(1200, LIMIT)], ("bad-diffbits", 9)),
        ([(1201, LIMIT)], None),
        ([(1201, REAL)], ("bad-diffbits", 9)),
        ([(1201, LIMIT), (600, REAL)], None),
        ([(1201, LIMIT), (600, LIMIT)], ("bad-diffbits", 10)),
        ([(1201, LIMIT), (1201, LIMIT), (1, REAL)], None),
    ],
)
def test_20_minute_rule(known: Network, steps: list[tuple[int, int]], expected: tuple[str, int] | None) -> None:
    assert verdict(chain([*RETARGETED, *steps]), known) == expected


def test_the_20_minute_rule_does_not_hold_for_a_periods_first_header() -> None:
    assert verdict(chain([*FAST, (1201, REAL)]), TESTNET) is None
    assert verdict(chain([*FAST, (1201, LIMIT)]), TESTNET) == ("bad-diffbits", 8)


def test_bip94_retargets_from_the_first_header_of_the_period() -> None:
    """A period of 2400 s, half of what it should take, whose last header is of minimum difficulty."""
    period = [*RETARGETED, *[(199, REAL)] * 6, (1206, LIMIT)]
    halved_limit, halved_real = 0x203FFFFF, 0x200FFFFF
    assert verdict(chain([*period, (1, halved_limit)]), TESTNET) is None
    assert verdict(chain([*period, (1, halved_real)]), TESTNET) == ("bad-diffbits", 16)
    assert verdict(chain([*period, (1, halved_real)]), TESTNET_BIP94) is None
    assert verdict(chain([*period, (1, halved_limit)]), TESTNET_BIP94) == ("bad-diffbits", 16)


@pytest.mark.parametrize(("step", "attack"), [(-600, False), (-601, True)])
def test_timewarp(step: int, attack: bool) -> None:
    """Height 7 lies far ahead, so that the median allows height 8 to step back; 2400 s halve the target."""
    headers = chain([*[(1, LIMIT)] * 6, (2394, LIMIT), (step, 0x203FFFFF)])
    expected = ("time-timewarp-attack", 8) if attack else None
    assert verdict(headers, replace(RETARGETING, enforce_bip94=True)) == expected
    assert verdict(headers, RETARGETING) is None


def test_timewarp_concerns_only_a_periods_first_header() -> None:
    headers = chain([*[(1, LIMIT)] * 5, (2000, LIMIT), (-1990, LIMIT)])
    assert verdict(headers, replace(RETARGETING, enforce_bip94=True)) is None


def test_mid_chain_20_minute_rule_takes_the_first_real_bits_and_holds_to_them() -> None:
    headers = chain([*RETARGETED, (1201, LIMIT), (600, REAL), (600, REAL)])[9:]
    report = validate(headers, TESTNET, 9)
    assert report.valid
    assert report.unchecked_bits == (9, 10)
    other = mine(headers[-1], headers[-1].time + 600, 0x201FFFFE)
    assert verdict([*headers, other], TESTNET, 9) == ("bad-diffbits", 3)


def test_regtest_never_retargets() -> None:
    headers = chain([(1, LIMIT)] * 2100)
    assert verdict(headers, REGTEST) is None
    harder = mine(headers[2015], headers[2015].time + 1, REAL)
    assert verdict([*headers[:2016], harder], REGTEST) == ("bad-diffbits", 2016)
