"""Proof of work as arithmetic: compact bits, targets, work and retargeting.

Semantics of Bitcoin Core's `arith_uint256::SetCompact` and `GetCompact` and of its `pow.cpp`.
Nothing here knows a chain; which bits a header needs at its place is in `ancestry.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from ..kernels.backend import MAX_TARGET, UsageError
from .params import Network

RETARGET_FACTOR = 4
"""A retarget eases or hardens at most fourfold."""

_SIGN = 0x00800000


class Compact(NamedTuple):
    """What 32 compact bits say: base 256, one byte of exponent, three of mantissa with a sign bit."""

    magnitude: int
    negative: bool
    overflow: bool
    """The number does not fit 256 bits; `magnitude` is the full number all the same."""


def decode_compact(bits: int) -> Compact:
    """Any 32 bits decode; which of them are targets is `bits_to_target`'s question.

    Mantissa bytes that a small exponent shifts out are dropped, and what is then zero is neither
    negative nor too large.
    """
    shift = 8 * ((bits >> 24) - 3)
    mantissa = bits & (_SIGN - 1)
    magnitude = mantissa << shift if shift >= 0 else mantissa >> -shift
    negative = magnitude != 0 and bits & _SIGN != 0
    return Compact(magnitude, negative, magnitude > MAX_TARGET)


def bits_to_target(bits: int, limit: int = MAX_TARGET) -> int:
    """The target in a header's nBits, from 1 to `limit`; `UsageError` says why there is none."""
    target, negative, overflow = decode_compact(bits)
    if negative:
        raise UsageError(f"nBits {bits:#010x} is a negative number and no target")
    if target == 0:
        raise UsageError(f"nBits {bits:#010x} is zero and no target")
    if overflow:
        raise UsageError(f"nBits {bits:#010x} is more than 256 bits and no target")
    if target > limit:
        raise UsageError(f"nBits {bits:#010x} is easier than the network's limit {target_to_bits(limit):#010x}")
    return target


def target_to_bits(target: int) -> int:
    """The compact form of a target from 0 to 2^256 - 1, rounded down to three bytes of mantissa.

    The mantissa's highest bit is the sign, so a number that would set it takes one byte more.
    """
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & _SIGN:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def meets_target(digest: bytes, target: int) -> bool:
    """Whether a digest in wire order, read as a little-endian number, is at most the target."""
    return int.from_bytes(digest, "little") <= target


def work(target: int) -> int:
    """The hashes that a target costs on average: 2^256 / (target + 1), rounded down."""
    return (1 << 256) // (target + 1)


def retarget(network: Network, base_bits: int, timespan: int) -> int:
    """nBits of a new period, when the one before it took `timespan` seconds at `base_bits`.

    Bitcoin Core multiplies modulo 2^256. Plain integers give the same, because no product reaches
    2^256: signet's limit, the easiest of a network that retargets, stays just below it.
    """
    fastest = network.target_timespan // RETARGET_FACTOR
    slowest = network.target_timespan * RETARGET_FACTOR
    clamped = min(max(timespan, fastest), slowest)
    target = decode_compact(base_bits).magnitude * clamped // network.target_timespan
    return target_to_bits(min(target, network.pow_limit))


def permitted_transition(network: Network, height: int, old_bits: int, new_bits: int) -> bool:
    """Whether `new_bits` at `height` can follow `old_bits` at all, whatever the period's times were.

    Bitcoin Core's `PermittedDifficultyTransition`, for when the period's first header is unknown:
    within a factor of four at a retarget, unchanged elsewhere, anything on a network that allows
    blocks of minimum difficulty.
    """
    if network.allow_min_difficulty:
        return True
    if height % network.retarget_interval != 0:
        return old_bits == new_bits
    spans = (0, RETARGET_FACTOR * network.target_timespan)  # `retarget` clamps the first
    hardest, easiest = (decode_compact(retarget(network, old_bits, span)).magnitude for span in spans)
    return hardest <= decode_compact(new_bits).magnitude <= easiest
