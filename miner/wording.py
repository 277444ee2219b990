"""How numbers, and text that strangers wrote, stand in sentences for people."""

from __future__ import annotations


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: `1 line`, `2,000 lines`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def printable(text: str) -> str:
    """The text with all that a terminal would obey, and not show, escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
