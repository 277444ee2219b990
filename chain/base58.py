"""Base58: numbers for people to copy, without 0, O, I and l; and the checksum that catches their slips."""

from __future__ import annotations

from ..kernels.backend import UsageError
from .hashes import hash256

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}

_CHECKSUM = 4

_LONGEST = 128
"""Characters of a text with checksum. Nothing has as many, and decoding takes time with their square."""


def encode(data: bytes) -> str:
    """Each zero byte in front is a 1, the rest one number in base 58."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zeros + digits


def decode(text: str) -> bytes:
    """The bytes; `UsageError` for a character that is not in the alphabet."""
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise UsageError(f"this is not base58: {letter!r} is none of its characters")
        number = 58 * number + _VALUES[letter]
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def encode_check(payload: bytes) -> str:
    """With the first four bytes of the payload's double SHA-256 behind it."""
    return encode(payload + hash256(payload)[:_CHECKSUM])


def decode_check(text: str) -> bytes:
    """The payload; `UsageError` also where the checksum does not fit, or for more than 128 characters."""
    if len(text) > _LONGEST:
        raise UsageError(f"an address or key has at most {_LONGEST} characters, not {len(text)}")
    data = decode(text)
    payload, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if len(data) < _CHECKSUM or hash256(payload)[:_CHECKSUM] != checksum:
        raise UsageError("the base58 checksum is wrong: is it complete and copied without a slip?")
    return payload
