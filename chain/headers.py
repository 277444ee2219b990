"""The rules for a run of consecutive headers: links, difficulty, proof of work, time, version.

Hashing is the caller's: a backend hashes the headers in batches, and the rules are checked here. The
device's mistakes cannot pass: every header names the digest of the one before it, so a run that links
has confirmed all of them but the last; that one, and a refused header, are hashed once more here. Only
a device and a file made for each other could deceive, which is what comparing devices is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..kernels.backend import HEADER_BYTES, Bytes2D, DeviceError, UsageError
from .ancestry import Ancestry
from .header import BlockHeader, display_hash
from .params import Network
from .pow import bits_to_target, meets_target, permitted_transition, work
from .refusal import Reason, Refusal

MAX_FUTURE_SECONDS = 2 * 60 * 60
"""How far a header's time may lie ahead of the clock (Bitcoin Core's `MAX_FUTURE_BLOCK_TIME`)."""

MAX_TIMEWARP_SECONDS = 600
"""How far a period's first header may lie before the header before it (BIP94)."""

# Large enough for a GPU to be busy, small enough that a caller sees progress and an early refusal
# does not wait for the rest of the file.
_BATCH = 1 << 16


@dataclass(frozen=True, slots=True)
class HeaderReport:
    """What `validate_headers` found."""

    valid: bool

    headers: int
    """Complete headers in the data, valid or not."""

    first_invalid: int | None
    """Index in the data, from 0, of the first header that is refused; those before it are valid."""

    refusal: Refusal | None

    tip: str | None
    """Hash of the last valid header in display order; None if there is none."""

    work: int
    """Total work of the valid headers: the chain's work when the run starts at genesis."""

    unchecked_bits: tuple[int, ...]
    """Heights at which nBits depends on headers before the run and so could not be checked exactly.

    A retarget among them is within the permitted factor of four; see `Ancestry.required_bits`.
    """


def validate_headers(
    data: bytes, network: Network, height: int, hash_headers: Callable[[Bytes2D], Bytes2D], now: int
) -> HeaderReport:
    """Check consecutive headers, the first of which has `height`, up to the first that is refused.

    `data` is 80-byte headers in wire order; a part of one at the end is refused as truncated.
    `hash_headers` is a backend's: uint8 of shape (n, 80) to digests of shape (n, 32), n >= 1, called
    for one batch after the other (a caller that wants progress wraps it). `now` is Unix seconds.

    A run that starts above height 0 is checked as far as its own headers decide: the first header's
    link and bits are taken as they are, and `Ancestry` says what else is open.

    Raises `UsageError` for a negative height or no data, and `DeviceError` when a digest is wrong.
    """
    if not data:
        raise UsageError("there are no headers to check: the data is empty")
    if not 0 <= height < 1 << 31:
        raise UsageError(f"a height is 0 to {(1 << 31) - 1}, not {height}")
    count, leftover = divmod(len(data), HEADER_BYTES)
    ancestry = Ancestry(network, height)
    index_of: dict[bytes, int] = {}
    total_work = 0
    unchecked: list[int] = []
    refusal: Refusal | None = None

    for index, (header, digest) in enumerate(_hashed(data, count, hash_headers)):
        required = ancestry.required_bits(header.time)
        fault = (
            _check_link(header, digest, ancestry, index_of)
            or _check_bits(header, required, ancestry)
            or _check_work(header, digest, network)
            or _check_time(header, ancestry, now)
            or _check_version(header, ancestry)
        )
        if fault:
            _confirm(header, digest, index)
            refusal = Refusal(
                fault.reason, f"the header at index {index} (height {ancestry.height}) {fault.detail}"
            )
            break
        if required is None:
            unchecked.append(ancestry.height)
        index_of[digest] = index
        total_work += work(bits_to_target(header.bits))
        ancestry.add(header, digest)

    valid = len(index_of)
    if ancestry.tip is not None and ancestry.tip_digest is not None:
        _confirm(ancestry.tip, ancestry.tip_digest, valid - 1)
    if refusal is None and leftover:
        place = f"the header at index {count} (height {ancestry.height})"
        refusal = Refusal(
            Reason.TRUNCATED_HEADER, f"{place} is cut off: {HEADER_BYTES} bytes expected, {leftover} found"
        )
    return HeaderReport(
        valid=refusal is None,
        headers=count,
        first_invalid=None if refusal is None else valid,
        refusal=refusal,
        tip=None if ancestry.tip_digest is None else display_hash(ancestry.tip_digest),
        work=total_work,
        unchecked_bits=tuple(unchecked),
    )


def _hashed(
    data: bytes, count: int, hash_headers: Callable[[Bytes2D], Bytes2D]
) -> Iterator[tuple[BlockHeader, bytes]]:
    headers = np.frombuffer(data, np.uint8, count * HEADER_BYTES).reshape(count, HEADER_BYTES)
    for start in range(0, count, _BATCH):
        batch = headers[start : start + _BATCH]
        for header, digest in zip(batch, hash_headers(batch), strict=True):
            yield BlockHeader.parse(header.tobytes()), digest.tobytes()


def _confirm(header: BlockHeader, digest: bytes, index: int) -> None:
    """Neither accept nor accuse on a digest that only the device has seen."""
    expected = header.hash()
    if digest != expected:
        raise DeviceError(
            f"the device hashed the header at index {index} wrongly: expected {display_hash(expected)}, "
            f"found {display_hash(digest)}; compare it with others by `quorate compare`"
        )


# The checks, in their order. It differs from Bitcoin Core's, which has proof of work first: any edit
# of a header also spoils its hash, so what is specific comes before what is common, and an edited
# header is refused for what was edited. Which headers are refused is the same in any order.


def _check_link(
    header: BlockHeader, digest: bytes, ancestry: Ancestry, index_of: dict[bytes, int]
) -> Refusal | None:
    if ancestry.height == 0:
        genesis = ancestry.network.genesis_hash
        if display_hash(digest) == genesis:
            return None
        return Refusal(
            Reason.BAD_GENESIS,
            f"is not {ancestry.network.name}'s genesis: expected {genesis}, found {display_hash(digest)} "
            "(a file that starts later in the chain needs its height)",
        )
    if ancestry.tip_digest is None or header.prev_hash == ancestry.tip_digest:
        return None
    if digest in index_of:
        return Refusal(Reason.DUPLICATE, f"repeats the one at index {index_of[digest]}: {display_hash(digest)}")
    expected, found = display_hash(ancestry.tip_digest), display_hash(header.prev_hash)
    fork = index_of.get(header.prev_hash)
    branch = "" if fork is None else f", the header at index {fork}, so it is on another branch"
    return Refusal(
        Reason.PREV_BLK_NOT_FOUND, f"does not follow the one before it: expected {expected}, found {found}{branch}"
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


def _check_work(header: BlockHeader, digest: bytes, network: Network) -> Refusal | None:
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
