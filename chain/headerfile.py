"""Header files: raw 80-byte headers, or text with one header of 160 hexadecimal digits a line."""

from __future__ import annotations

import string
from pathlib import Path

from ..kernels.backend import HEADER_BYTES, UsageError

_TEXT = frozenset(string.printable.encode())
_HEX = frozenset(string.hexdigits)


def read_header_file(path: Path) -> bytes:
    """The headers of a file as 80-byte records, whichever of the two forms it has.

    A file of printable ASCII alone is text, any other is raw: a header has zero bytes, so the two
    cannot be confused. Raw data may end inside a header; `validate_headers` reports that.

    Raises `UsageError` for a file that cannot be read, that is empty, or that is text but not hex.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the header file {path}: {error.strerror}") from error
    if not data.strip():
        raise UsageError(f"the header file {path} is empty; it needs raw 80-byte headers or lines of hex")
    return _decode_lines(data.decode("ascii"), path) if _TEXT.issuperset(data) else data


def _decode_lines(text: str, path: Path) -> bytes:
    digits = 2 * HEADER_BYTES
    headers = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = line.strip()
        if not header:
            continue
        if not _HEX.issuperset(header):
            raise UsageError(f"line {number} of {path} is not hexadecimal, and the file is not raw headers either")
        if len(header) != digits:
            raise UsageError(f"line {number} of {path} has {len(header)} digits; a header has {digits}")
        headers.append(bytes.fromhex(header))
    return b"".join(headers)
