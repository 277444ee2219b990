"""SHA-512 over limbs, against hashlib."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Sequence

from quorate.kernels.py import sha512
from quorate.kernels.py.limb import Limb, Number


def padded(message: bytes) -> bytes:
    """FIPS 180-4, section 5.1.2."""
    zeros = -(len(message) + 1 + sha512.LENGTH_BYTES) % sha512.BLOCK_BYTES
    return message + b"\x80" + bytes(zeros) + (8 * len(message)).to_bytes(sha512.LENGTH_BYTES, "big")


def digest(message: bytes) -> bytes:
    state: Sequence[Limb] = [Number(word) for word in sha512.INITIAL]
    text = padded(message)
    for at in range(0, len(text), sha512.BLOCK_BYTES):
        block = [Number(word) for word in struct.unpack_from(">16Q", text, at)]
        state = sha512.compress(state, block)
    return struct.pack(">8Q", *(word.value for word in state if isinstance(word, Number)))


def test_digests() -> None:
    rng = random.Random(512)
    for length in (0, 1, 3, 111, 112, 127, 128, 129, 300):
        message = rng.randbytes(length)
        assert digest(message) == hashlib.sha512(message).digest()


def test_constants_are_those_of_the_standard() -> None:
    """The first and the last of each, from FIPS 180-4, sections 4.2.3 and 5.3.5."""
    assert (len(sha512.CONSTANTS), len(sha512.INITIAL)) == (80, 8)
    assert (sha512.CONSTANTS[0], sha512.CONSTANTS[-1]) == (0x428A2F98D728AE22, 0x6C44198C4A475817)
    assert (sha512.INITIAL[0], sha512.INITIAL[-1]) == (0x6A09E667F3BCC908, 0x5BE0CD19137E2179)
