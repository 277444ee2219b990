"""What is right, said once more for the tests, in the fewest words; shares no code with any backend."""

from __future__ import annotations

import random
from hashlib import sha256

MAX_TARGET = 2**256 - 1


def digest(header: bytes, nonce: int) -> bytes:
    return sha256(sha256(header[:76] + nonce.to_bytes(4, "little")).digest()).digest()


def value(header: bytes, nonce: int) -> int:
    """The number that is compared with the target."""
    return int.from_bytes(digest(header, nonce), "little")


def target(header: bytes) -> int:
    """The target in the header's own nBits, of an honest header: exponent byte over three of mantissa."""
    return int.from_bytes(header[72:75], "little") << 8 * (header[75] - 3)


def hits(header: bytes, start: int, count: int, target: int) -> list[int]:
    return [n for n in range(start, start + count) if value(header, n) <= target]


def fingerprint(header: bytes, start: int, count: int) -> bytes:
    total = 0
    for n in range(start, start + count):
        total ^= value(header, n)
    return total.to_bytes(32, "little")


def random_header(seed: int) -> bytes:
    return random.Random(seed).randbytes(80)
