"""Why something is refused: a reason from one list, and a sentence with the particulars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Bitcoin Core's reject reason where it has one (`validation.cpp`, BIP22); the last two are ours."""

    HIGH_HASH = "high-hash"
    """The hash is above the target, or nBits is no target that the network knows."""

    BAD_DIFFBITS = "bad-diffbits"
    """nBits is not what the headers before it require."""

    TIME_TOO_OLD = "time-too-old"
    """Not later than the median time of the eleven headers before it."""

    TIME_TIMEWARP_ATTACK = "time-timewarp-attack"
    """The first header of a period lies too far before the last one of the period before (BIP94)."""

    TIME_TOO_NEW = "time-too-new"
    """Too far in the future of the validator's clock."""

    BAD_VERSION = "bad-version"
    """A version that BIP34, BIP66 or BIP65 has retired."""

    PREV_BLK_NOT_FOUND = "prev-blk-not-found"
    """The previous hash is not that of the header before it."""

    DUPLICATE = "duplicate"
    """The same header has occurred before."""

    BAD_GENESIS = "bad-genesis"
    """The header at height 0 is not the network's genesis."""

    TRUNCATED_HEADER = "truncated-header"
    """The data ends inside a header."""


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    detail: str
    """What is wrong and where, expected against found: one sentence for a person."""
