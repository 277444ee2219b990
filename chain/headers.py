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
from .check_header import check_header
from .header import BlockHeader, display_hash
from .params import Network
from .pow import bits_to_target, work
from .refusal import Reason, Refusal

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
        fault = _check_link(header, digest, ancestry, index_of) or check_header(
            header, digest, ancestry, required, now
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
