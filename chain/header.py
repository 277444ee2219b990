"""The block header: 80 bytes, and the hash that names the block."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Self

from ..kernels.backend import HEADER_BYTES, UsageError

_LAYOUT = Struct("<i32s32sIII")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """A header's six fields in wire order; integers are little-endian on the wire."""

    version: int
    """Signed, 32 bits."""

    prev_hash: bytes
    """Digest of the header before it, 32 bytes in wire order."""

    merkle_root: bytes
    """32 bytes in wire order."""

    time: int
    """Unix seconds, unsigned, 32 bits."""

    bits: int
    """nBits: the target in compact form, see `pow.py`."""

    nonce: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The header in exactly 80 bytes; any other length is a `UsageError`."""
        if len(data) != HEADER_BYTES:
            raise UsageError(f"a header has {HEADER_BYTES} bytes, not {len(data)}")
        return cls(*_LAYOUT.unpack(data))

    def serialise(self) -> bytes:
        """The 80 bytes on the wire."""
        return _LAYOUT.pack(self.version, self.prev_hash, self.merkle_root, self.time, self.bits, self.nonce)

    def hash(self) -> bytes:
        """SHA-256(SHA-256(header)), 32 bytes in wire order."""
        return sha256(sha256(self.serialise()).digest()).digest()


def display_hash(digest: bytes) -> str:
    """A digest or root as people read it: its bytes reversed, as 64 hexadecimal digits."""
    return digest[::-1].hex()
