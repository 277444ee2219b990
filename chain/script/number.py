"""Numbers and truth on the stack: bytes, little-endian, with the sign in the highest bit of the last one."""

from __future__ import annotations

from .errors import ScriptError, ScriptFailedError

_SIGN = 0x80


def decode_number(item: bytes, minimal: bool, size: int = 4) -> int:
    """The number in at most `size` bytes; `minimal` refuses those that could be shorter."""
    if len(item) > size:
        raise ScriptFailedError(ScriptError.SCRIPTNUM)
    if not item:
        return 0
    # A last byte without value is needed only for its sign, when the byte before uses the highest bit.
    if minimal and not item[-1] & ~_SIGN and (len(item) == 1 or not item[-2] & _SIGN):
        raise ScriptFailedError(ScriptError.SCRIPTNUM)
    number = int.from_bytes(item, "little")
    sign = _SIGN << 8 * (len(item) - 1)
    return sign - number if number & sign else number


def encode_number(number: int) -> bytes:
    """In as few bytes as it needs; zero is empty."""
    if number == 0:
        return b""
    size = abs(number).bit_length() // 8 + 1  # room for the sign
    sign = _SIGN << 8 * (size - 1)
    return (abs(number) | (sign if number < 0 else 0)).to_bytes(size, "little")


def is_true(item: bytes) -> bool:
    """Anything but zero, of any length and of either sign."""
    return any(item) and (item[-1] != _SIGN or any(item[:-1]))
