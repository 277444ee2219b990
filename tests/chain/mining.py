"""Real headers on networks so easy that a few hashes mine one, and the validator around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from quorate.chain.header import BlockHeader
from quorate.chain.headers import HeaderReport, validate_headers
from quorate.chain.params import Network, network
from quorate.kernels.reference import ReferenceBackend

REGTEST = network("regtest")
LIMIT = 0x207FFFFF
"""Regtest's easiest bits: every second hash is a hit."""

# Periods of 8 headers, 600 s each, that retarget; then the same with the rules of the test networks.
RETARGETING = replace(
    REGTEST, name="retargeting", no_retargeting=False, allow_min_difficulty=False, target_timespan=8 * 600
)
TESTNET = replace(RETARGETING, name="20-minute", allow_min_difficulty=True)
TESTNET_BIP94 = replace(TESTNET, name="20-minute and BIP94", enforce_bip94=True)

LATER = 4_000_000_000
"""A clock that no header here is ahead of."""


def mine(previous: BlockHeader, time: int, bits: int = LIMIT, version: int = 4) -> BlockHeader:
    """The header after `previous` with the first nonce that meets `bits`, an honest compact target."""
    target = (bits & 0xFFFFFF) << 8 * ((bits >> 24) - 3)
    nonce = 0
    while True:
        header = BlockHeader(version, previous.hash(), bytes(32), time, bits, nonce)
        if int.from_bytes(header.hash(), "little") <= target:
            return header
        nonce += 1


def chain(steps: Iterable[tuple[int, int]], network: Network = REGTEST) -> list[BlockHeader]:
    """Genesis and a header for each step: seconds after the one before, and bits."""
    headers = [network.genesis]
    for seconds, bits in steps:
        headers.append(mine(headers[-1], headers[-1].time + seconds, bits))
    return headers


def join(headers: Iterable[BlockHeader]) -> bytes:
    return b"".join(header.serialise() for header in headers)


def validate(headers: Iterable[BlockHeader], network: Network, height: int = 0, now: int = LATER) -> HeaderReport:
    return validate_headers(join(headers), network, height, ReferenceBackend().hash_headers, now)


def refused(report: HeaderReport) -> tuple[str, int] | None:
    """Reason and index of the first refusal, None for a valid run; the sentence must name the place."""
    if report.refusal is None or report.first_invalid is None:
        assert report.valid
        return None
    assert not report.valid
    assert f"index {report.first_invalid} (height " in report.refusal.detail
    return report.refusal.reason.value, report.first_invalid


def verdict(headers: Iterable[BlockHeader], network: Network, height: int = 0) -> tuple[str, int] | None:
    return refused(validate(headers, network, height))
