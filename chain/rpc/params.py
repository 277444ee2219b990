"""Parameters of a call, checked one by one; the errors are those of Bitcoin Core."""

from __future__ import annotations

from string import hexdigits

from .protocol import Code, RpcError

_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def integer(value: object, default: int | None = None) -> int:
    """A whole number; `default` for one that is left out."""
    if value is None and default is not None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _mistyped(value, "number")


def text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _mistyped(value, "string")


def block_hash(value: object, name: str) -> bytes:
    """32 bytes in wire order from 64 hex digits."""
    given = text(value)
    if len(given) != 64:
        raise RpcError(Code.PARAMETER, f"{name} must be of length 64 (not {len(given)}, for '{given[:80]}')")
    if not set(hexdigits).issuperset(given):
        raise RpcError(Code.PARAMETER, f"{name} must be hexadecimal string (not '{given}')")
    return bytes.fromhex(given)[::-1]


def _mistyped(value: object, wanted: str) -> RpcError:
    found = _JSON_NAMES.get(type(value), "null")
    return RpcError(Code.TYPE, f"JSON value of type {found} is not of expected type {wanted}")
