"""Lines of JSON from bytes that nobody vouches for: bounded, and each fault has a name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any

MAX_LINE = 1 << 18
"""Bytes. A job of 17 hashes takes about 2 kB; a coinbase that pays a thousand miners, 70 kB."""

_MAX_DIGITS = 400
"""Characters of a number; a double written out in full takes 330. Longer ones are quadratic work."""

_SHOWN = 160


class Fault(StrEnum):
    """What a pool may do wrong without the connection being given up for it."""

    LONG_LINE = "a line that is too long"
    NOT_JSON = "a line that is not a JSON object"
    NOT_A_MESSAGE = "an object that is no message"
    WRONG_ID = "an answer to nothing that was asked"
    UNKNOWN_METHOD = "a method that is not known"
    BAD_PARAMETERS = "parameters that make no sense"
    BAD_DIFFICULTY = "a difficulty that no hash or every hash has"
    BAD_EXTRANONCE = "an extranonce that fits no coinbase"
    BAD_MASK = "a version mask that is none"
    BAD_JOB = "a job that no block can come from"
    BAD_RECONNECT = "a reconnect to another's host"


class FaultError(Exception):
    """A message that cannot be used."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


class Lines:
    """Cuts a stream of bytes at its line feeds, and holds at most `MAX_LINE` bytes of a line."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that these bytes complete; None for each one that is too long, when that shows."""
        *complete, rest = data.split(b"\n")
        for piece in complete:
            yield from self._hold(piece)
            if not self._skipping and self._held.strip():
                yield bytes(self._held)
            self._held.clear()
            self._skipping = False
        yield from self._hold(rest)

    def _hold(self, piece: bytes) -> Iterator[None]:
        if self._skipping:
            return
        self._held += piece
        if len(self._held) > MAX_LINE:
            self._skipping = True
            self._held = bytearray()
            yield None


def decode(line: bytes) -> dict[str, Any]:
    """The JSON object in a line, with fractions as exact `Decimal`. Raises `FaultError`."""
    try:
        message = json.loads(line.decode(), parse_float=_fraction, parse_int=_integer, parse_constant=_constant)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise FaultError(Fault.NOT_JSON, line.decode(errors="replace"))
    return message


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def printable(text: str) -> str:
    """What a stranger wrote, short and without anything that could move a terminal's cursor."""
    clean = "".join(c if c.isprintable() else "�" for c in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "…"


def _fraction(text: str) -> Decimal:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("an exponent without measure") from None


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(text)


def _constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
