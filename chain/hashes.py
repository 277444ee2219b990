"""The hash functions of Bitcoin's formats: bytes to digests, in the order in which they come out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hashlib import sha256


def hash256(data: bytes) -> bytes:
    """SHA-256(SHA-256(data)), 32 bytes."""
    return sha256(sha256(data).digest()).digest()


def hash160(data: bytes) -> bytes:
    """RIPEMD-160(SHA-256(data)), 20 bytes."""
    return ripemd160(sha256(data).digest())


def tagged(tag: str) -> Callable[[bytes], bytes]:
    """The tagged hash of BIP340: SHA-256 over SHA-256(tag) twice and then the data, 32 bytes."""
    prefix = sha256(sha256(tag.encode()).digest() * 2)

    def digest(data: bytes) -> bytes:
        state = prefix.copy()
        state.update(data)
        return state.digest()

    return digest


def ripemd160_of_openssl() -> Callable[[bytes], bytes] | None:
    """RIPEMD-160 by hashlib; None where OpenSSL leaves it out (3.0.0 to 3.0.6, or built without it)."""
    if "ripemd160" not in hashlib.algorithms_available:
        return None
    empty = hashlib.new("ripemd160", usedforsecurity=False)

    def digest(data: bytes) -> bytes:
        state = empty.copy()  # half the time of looking the algorithm up by its name
        state.update(data)
        return state.digest()

    return digest


def ripemd160_of_pycryptodome() -> Callable[[bytes], bytes]:
    """The same by pycryptodomex, which is always installed and four times as slow."""
    from Cryptodome.Hash import RIPEMD160

    return lambda data: RIPEMD160.new(data).digest()


ripemd160 = ripemd160_of_openssl() or ripemd160_of_pycryptodome()
"""RIPEMD-160 (Dobbertin, Bosselaers, Preneel 1996), 20 bytes."""
