"""The rules for a header in its place: difficulty, proof of work, time, version.

Only `check_work` needs nothing but the header; the others ask what lies below it (`ancestry.py`).
"""

from __future__ import annotations

from ..kernels.backend import UsageError
from .ancestry import Ancestry
from .header import BlockHeader, display_hash
from .params import Network
from .pow import bits_to_target, meets_target, permitted_transition
from .refusal import Reason, Refusal

MAX_FUTURE_SECONDS = 2 * 60 * 60
"""How far a header's time may lie ahead of the clock (Bitcoin Core's `MAX_FUTURE_BLOCK_TIME`)."""

MAX_TIMEWARP_SECONDS = 600
"""How far a period's first header may lie before the header before it (BIP94)."""


# The checks, in their order. It differs from Bitcoin Core's, which has proof of work first: any edit
# of a header also spoils its hash, so what is specific comes before what is common, and an edited
# header is refused for what was edited. Which headers are refused is the same in any order.


def check_header(
    header: BlockHeader, digest: bytes, ancestry: Ancestry, required_bits: int | None, now: int
) -> Refusal | None:
    """Why the header, which hashes to `digest` and names the ancestry's tip, cannot follow it; or None.

    `required_bits` is what `ancestry.required_bits` says for it; `now` is Unix seconds.
    """
    return (
        _check_bits(header, required_bits, ancestry)
        or check_work(header, digest, ancestry.network)
        or _check_time(header, ancestry, now)
        or _check_version(header, ancestry)
    )


def _check_bits(header: BlockHeader, required: int | None, ancestry: Ancestry) -> Refusal | None:
    if required is not None:
        if header.bits == required:
            return None
        return Refusal(
            Reason.BAD_DIFFBITS,
            f"has the wrong difficulty: nBits {required:#010x} expected, {header.bits:#010x} found",
        )
    tip = ancestry.tip
    if tip is None or permitted_transition(ancestry.network, ancestry.height, tip.bits, header.bits):
        return None
    return Refusal(
        Reason.BAD_DIFFBITS,
        f"changes the difficulty more than fourfold: nBits {header.bits:#010x} found after {tip.bits:#010x}",
    )


def check_work(header: BlockHeader, digest: bytes, network: Network) -> Refusal | None:
    """Whether the hash meets the header's own target, and that the network's limit."""
    try:
        target = bits_to_target(header.bits, network.pow_limit)
    except UsageError as error:
        return Refusal(Reason.HIGH_HASH, f"cannot have proof of work: {error}")
    if meets_target(digest, target):
        return None
    return Refusal(
        Reason.HIGH_HASH,
        f"lacks proof of work: a hash of at most {target:064x} expected, {display_hash(digest)} found",
    )


def _check_time(header: BlockHeader, ancestry: Ancestry, now: int) -> Refusal | None:
    median = ancestry.median_time_past()
    if median is not None and header.time <= median:
        return Refusal(
            Reason.TIME_TOO_OLD,
            f"is too old: a time after the median {median} of the headers before it expected, {header.time} found",
        )
    if ancestry.network.enforce_bip94 and ancestry.at_retarget and ancestry.tip is not None:
        earliest = ancestry.tip.time - MAX_TIMEWARP_SECONDS
        if header.time < earliest:
            return Refusal(
                Reason.TIME_TIMEWARP_ATTACK,
                f"starts a period too early: a time of at least {earliest} expected, {header.time} found",
            )
    latest = now + MAX_FUTURE_SECONDS
    if header.time > latest:
        return Refusal(
            Reason.TIME_TOO_NEW, f"is from the future: a time of at most {latest} expected, {header.time} found"
        )
    return None


def _check_version(header: BlockHeader, ancestry: Ancestry) -> Refusal | None:
    minimum = ancestry.network.minimum_version(ancestry.height)
    if minimum is None or header.version >= minimum:
        return None
    return Refusal(
        Reason.BAD_VERSION, f"has a retired version: at least {minimum} expected, {header.version} found"
    )
