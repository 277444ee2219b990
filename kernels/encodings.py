"""ECDSA signatures as they are encoded, to the 64 bytes (r, then s) of a batch.

Encodings by name:

- `der`: strict DER as BIP 66, section "DER encoding reference", has it, less the hash type that follows it in a
  script. It is about the shape alone: integers that are positive and without padding. Whether r and s are in range
  is for the verdict;
- `lax-der`: what Bitcoin Core accepts in blocks from before BIP 66 (`ecdsa_signature_parse_der_lax`): lengths in
  more bytes than they need, the length of the whole at odds with it, padded and negative integers (read as if
  positive), empty ones (read as zero), bytes left over at the end;
- `compact`: r and s as they are, 64 bytes.

A signature that the encoding forbids is *malformed*. An integer of more than 32 significant bytes is well formed,
but out of range. Both become `NO_SIGNATURE`, which every verifier refuses, so a batch needs no gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .backend import Bytes2D, UsageError
from .signatures import NO_SIGNATURE, SIGNATURE_BYTES

Encoding = Literal["der", "lax-der", "compact"]

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

Flags = npt.NDArray[np.bool_]

INTEGER = 32
"""Bytes of r, and of s."""

SHORTEST, LONGEST = 8, 72
"""Bytes of a strict signature: one byte in each integer, or 33 in both."""


def parse(signatures: Sequence[bytes], encoding: Encoding) -> tuple[Bytes2D, Flags]:
    """Rows, uint8 of shape (n, 64), and which signatures are malformed, bool of shape (n,).

    Raises `UsageError` for an encoding that is not in `ENCODINGS`.
    """
    match encoding:
        case "der":
            return parse_der(signatures, strict=True)
        case "lax-der":
            return parse_der(signatures, strict=False)
        case "compact":
            return parse_compact(signatures)
    raise UsageError(f"there is no signature encoding {encoding!r}; there are {', '.join(ENCODINGS)}")


def parse_compact(signatures: Sequence[bytes]) -> tuple[Bytes2D, Flags]:
    """As `parse`: what is not 64 bytes long is malformed."""
    malformed = _lengths(signatures) != SIGNATURE_BYTES
    joined = b"".join([s if len(s) == SIGNATURE_BYTES else NO_SIGNATURE for s in signatures])
    return np.frombuffer(joined, np.uint8).reshape(-1, SIGNATURE_BYTES), malformed


def parse_der(signatures: Sequence[bytes], strict: bool) -> tuple[Bytes2D, Flags]:
    """As `parse`, for `der` (`strict`) and `lax-der`."""
    rows, malformed = _strict(signatures)
    if strict:
        return rows, malformed
    # Strict signatures mean the same to the lax parser, and nearly all are strict: the rest go one by one.
    for row in np.flatnonzero(malformed).tolist():
        integers = _lax(signatures[row])
        if integers is not None:
            malformed[row] = False
            if all(len(integer) <= INTEGER for integer in integers):
                r, s = (integer.rjust(INTEGER, b"\0") for integer in integers)
                rows[row] = np.frombuffer(r + s, np.uint8)
    return rows, malformed


def _strict(signatures: Sequence[bytes]) -> tuple[Bytes2D, Flags]:
    """All at once: 30, length of the rest, and twice 02, length, integer."""
    # In front, so that 32 bytes end at every integer's end; behind, so that a false length stays in the array.
    text = np.frombuffer(b"".join([bytes(INTEGER), *signatures, bytes(512)]), np.uint8)
    length = _lengths(signatures)
    start = INTEGER + np.cumsum(length) - length
    r_length = text[start + 3].astype(np.int64)
    r_start = start + 4
    s_tag = r_start + r_length
    s_length = text[s_tag + 1].astype(np.int64)
    s_start = s_tag + 2
    r_good, r_significant = _integer(text, r_start, r_length)
    s_good, s_significant = _integer(text, s_start, s_length)
    well_formed = (
        (length >= SHORTEST)
        & (length <= LONGEST)
        & (text[start] == 0x30)
        & (text[start + 1] == length - 2)
        & (text[start + 2] == 0x02)
        & (text[s_tag] == 0x02)
        & (r_length + s_length + 6 == length)
        & r_good
        & s_good
    )
    fits = well_formed & (r_significant <= INTEGER) & (s_significant <= INTEGER)
    rows = np.empty((len(signatures), SIGNATURE_BYTES), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(text, INTEGER)
    columns = np.arange(INTEGER, dtype=np.uint8)
    for half, end, significant in (
        (rows[:, :INTEGER], s_tag, r_significant),
        (rows[:, INTEGER:], s_start + s_length, s_significant),
    ):
        padding = np.clip(INTEGER - significant, 0, INTEGER).astype(np.uint8)
        np.multiply(windows[end - INTEGER], columns >= padding[:, None], out=half)
    rows[~fits] = np.frombuffer(NO_SIGNATURE, np.uint8)
    return rows, ~well_formed


def _integer(
    text: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], length: npt.NDArray[np.int64]
) -> tuple[Flags, npt.NDArray[np.int64]]:
    """Whether each integer is there, positive, and without a zero in front that its sign does not need; and its
    length without that zero."""
    first, second = text[start], text[start + 1]
    zero = first == 0
    good = (length > 0) & (first < 0x80) & ~(zero & (length > 1) & (second < 0x80))
    return good, length - zero


def _lax(signature: bytes) -> tuple[bytes, bytes] | None:
    """The significant bytes of r and of s."""
    if len(signature) < 2 or signature[0] != 0x30:
        return None
    # What is said about the length of the whole is skipped, however many bytes it takes.
    r = _lax_integer(signature, 2 + (signature[1] & 0x7F if signature[1] & 0x80 else 0))
    s = r and _lax_integer(signature, r[1])
    return (r[0], s[0]) if r and s else None


def _lax_integer(signature: bytes, at: int) -> tuple[bytes, int] | None:
    """The significant bytes of the integer that begins there, and where it ends."""
    if len(signature) < at + 2 or signature[at] != 0x02:
        return None
    length = signature[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        if size > len(signature) - at:
            return None
        length = int.from_bytes(signature[at : at + size])
        at += size
    if length > len(signature) - at:
        return None
    return signature[at : at + length].lstrip(b"\0"), at + length


def _lengths(signatures: Sequence[bytes]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(len, signatures), np.int64, len(signatures))
