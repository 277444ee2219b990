"""The rules for one header, each at its limits. Whole runs of headers are in `test_headers.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quorate.chain.ancestry import Ancestry
from quorate.chain.check_header import MAX_FUTURE_SECONDS, MAX_TIMEWARP_SECONDS, check_header, check_work
from quorate.chain.header import BlockHeader
from quorate.chain.params import Network, network
from quorate.chain.pow import bits_to_target

from .mining import LATER, LIMIT, REGTEST, RETARGETING, TESTNET_BIP94, mine

HARD = 0x1F00FFFF


def ancestry(rules: Network, times: list[int], start: int = 0) -> Ancestry:
    found = Ancestry(rules, start)
    previous = rules.genesis
    for time in times:
        header = replace(rules.genesis, prev_hash=previous.hash(), time=time)
        found.add(header, header.hash())
        previous = header
    return found


def reason(header: BlockHeader, known: Ancestry, required: int | None = LIMIT, now: int = LATER) -> str | None:
    refusal = check_header(header, header.hash(), known, required, now)
    return refusal.reason.value if refusal else None


def test_the_bits_that_are_required() -> None:
    known = ancestry(REGTEST, [1000])
    header = mine(REGTEST.genesis, 2000)
    assert reason(header, known) is None
    assert reason(header, known, LIMIT - 1) == "bad-diffbits"


def test_where_the_bits_cannot_be_known_a_change_has_its_limits() -> None:
    """Mid-period the bits may not change; at its end at most fourfold."""
    easy, hard, harder = 0x207FFFFF, 0x201FFFFF, 0x201FFFFE
    for height, bits, expected in (
        (5, easy, None),
        (5, hard, "bad-diffbits"),
        (8, hard, None),
        (8, harder, "bad-diffbits"),
    ):
        known = ancestry(RETARGETING, [1000], start=height - 1)
        header = mine(RETARGETING.genesis, 2000, bits)
        assert reason(header, known, None) == expected, (height, hex(bits))


def test_work_is_the_headers_own_and_the_networks() -> None:
    header = mine(REGTEST.genesis, 2000, HARD)
    target = bits_to_target(HARD)
    digest = header.hash()
    assert int.from_bytes(digest, "little") <= target
    assert check_work(header, digest, REGTEST) is None
    assert check_work(header, target.to_bytes(32, "little"), REGTEST) is None  # equality meets it
    for refused in (
        check_work(header, (target + 1).to_bytes(32, "little"), REGTEST),
        check_work(header, digest, network("mainnet")),  # easier than that network allows
        check_work(replace(header, bits=0x1D800000), digest, REGTEST),  # negative
        check_work(replace(header, bits=0), digest, REGTEST),
    ):
        assert refused
        assert refused.reason == "high-hash"


def test_time_is_after_the_median_and_not_far_ahead() -> None:
    known = ancestry(REGTEST, [*range(1000, 1011)])
    assert known.median_time_past() == 1005
    assert reason(mine(REGTEST.genesis, 1005), known) == "time-too-old"
    assert reason(mine(REGTEST.genesis, 1006), known) is None
    now = 5000
    assert reason(mine(REGTEST.genesis, now + MAX_FUTURE_SECONDS), known, now=now) is None
    assert reason(mine(REGTEST.genesis, now + MAX_FUTURE_SECONDS + 1), known, now=now) == "time-too-new"


@pytest.mark.parametrize("heights", [8, 9])
def test_a_period_does_not_begin_long_before_the_last_one_ended(heights: int) -> None:
    """BIP94, at the first header of a period of eight only."""
    known = ancestry(TESTNET_BIP94, [*range(1000, 1000 + heights - 1), 9000])
    assert known.at_retarget == (heights == 8)
    earliest = 9000 - MAX_TIMEWARP_SECONDS
    assert reason(mine(REGTEST.genesis, earliest), known) is None
    early = mine(REGTEST.genesis, earliest - 1)
    assert reason(early, known) == ("time-timewarp-attack" if heights == 8 else None)


def test_versions_retire() -> None:
    rules = replace(REGTEST, bip34_height=2, bip66_height=3, bip65_height=4)
    for height in range(1, 6):
        known = ancestry(rules, [1000 + number for number in range(height)])
        least = {2: 2, 3: 3}.get(height, 4 if height >= 4 else 1)
        assert reason(mine(rules.genesis, 2000, version=least), known) is None
        found = reason(mine(rules.genesis, 2000, version=least - 1), known)
        assert found == ("bad-version" if height >= 2 else None)


def test_what_is_specific_comes_before_the_hash_that_it_spoils() -> None:
    known = ancestry(REGTEST, [1000])
    header = mine(REGTEST.genesis, 2000)
    while int.from_bytes(header.hash(), "little") <= bits_to_target(LIMIT):
        header = replace(header, nonce=header.nonce + 1)
    assert reason(header, known) == "high-hash"
    assert reason(header, known, LIMIT - 1) == "bad-diffbits"
