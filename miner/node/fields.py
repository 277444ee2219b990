"""The fields of a template, none of which is believed before its type and bounds have been checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import TemplateError, printable


class Fields:
    """A JSON object whose fields are asked for by name; `TemplateError` for one that is not as it must be."""

    def __init__(self, document: object, name: str = "") -> None:
        """`name` is where in the template the object stands."""
        if not isinstance(document, dict):
            raise TemplateError(f"the node's template{f': {name}' if name else ''} is no object")
        self._fields: Mapping[str, Any] = document
        self._place = f"{name}." if name else ""

    def __contains__(self, field: str) -> bool:
        return self._fields.get(field) is not None

    def integer(self, field: str, least: int, most: int, default: int | None = None) -> int:
        value = self._fields.get(field, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._error(field, f"a whole number from {least} to {most}")
        return value

    def text(self, field: str, default: str | None = None) -> str:
        value = self._fields.get(field, default)
        if not isinstance(value, str):
            raise self._error(field, "a text")
        return value

    def raw(self, field: str, size: int | None = None) -> bytes:
        """Bytes in hex, any number of them or `size`."""
        value: Any = self._fields.get(field)
        wanted = "hexadecimal" if size is None else f"{2 * size} hex digits"
        try:
            found = bytes.fromhex(value)
        except (TypeError, ValueError):
            raise self._error(field, wanted) from None
        # Python passes over blanks between digits.
        if 2 * len(found) != len(value) or size not in (None, len(found)):
            raise self._error(field, wanted)
        return found

    def hash(self, field: str) -> bytes:
        """32 bytes in wire order from 64 digits in display order."""
        return self.raw(field, 32)[::-1]

    def texts(self, field: str) -> list[str]:
        """A list of texts; an empty one where it is missing."""
        value = self.items(field)
        if not all(isinstance(item, str) for item in value):
            raise self._error(field, "a list of texts")
        return value

    def items(self, field: str) -> list[Any]:
        """A list; an empty one where it is missing."""
        value = self._fields.get(field, [])
        if not isinstance(value, list):
            raise self._error(field, "a list")
        return value

    def fields(self, field: str) -> Fields:
        """An object; an empty one where it is missing."""
        return Fields(self._fields.get(field, {}), f"{self._place}{field}")

    def names(self) -> list[str]:
        return [str(name) for name in self._fields]

    def _error(self, field: str, wanted: str) -> TemplateError:
        if field not in self._fields:
            return TemplateError(f"the node's template has no {self._place}{field}")
        found = printable(repr(self._fields[field]))
        return TemplateError(f"the node's template has {self._place}{field} = {found[:80]}; it is {wanted}")
