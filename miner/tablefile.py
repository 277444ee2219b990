"""Tables in text files, a piece at a time: CSV with a header row (RFC 4180), or JSON lines.

Which of the two a file is, its first line says. Line numbers count from 1 and count every line of the file:
the header, blank lines, which are passed over, and each line of a quoted field that holds several.
"""

from __future__ import annotations

import csv
import io
import json
import os
import select
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from ..kernels.backend import UsageError
from .wording import counted, printable

BLOCK = 1 << 20
"""Bytes read at once."""

LONGEST_LINE = 1 << 24
"""Bytes. What goes on for longer without a line's end is no table, and memory is not for it to fill."""

PATIENCE = 0.1
"""Seconds between two looks at whether reading shall stop, while a pipe says nothing."""

UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that cannot be read as what the table holds."""

    line: int
    error: str
    """Goes on where "line 7" left off: `has 3 fields, and the header 5`."""


@dataclass(slots=True)
class Rows:
    """Some rows, column by column."""

    lines: list[int] = field(default_factory=list)
    """Where each row stands, or begins."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    """By role, the cells of these rows: text in CSV, any value in JSON, None where a row has no such cell."""

    malformed: list[Malformed] = field(default_factory=list)


class Table(Protocol):
    @property
    def columns(self) -> Mapping[str, str]:
        """Role to the name of its column: of CSV's header, or of the first object."""
        ...

    @property
    def header(self) -> Sequence[str]:
        """Of CSV, as it stands there; nothing else has one."""
        ...

    def read(self, count: int) -> Rows:
        """The next `count` lines or fewer; none when the table has ended."""
        ...


Roles = Mapping[str, str]
"""From the name of a column, as `plain` has it, to what stands in it. Other columns are passed over."""


def open_table(lines: Lines, roles: Roles) -> Table:
    """Raises `UsageError` for a file that is empty or has no table in it."""
    text = iter(lines)
    first = next((line for line in text if line.strip()), None)
    if first is None:
        raise UsageError(f"{lines.name} is empty; it needs a header row, or a JSON object on each line")
    if first.lstrip().startswith("["):
        raise UsageError(f"{lines.name} begins like a JSON array; JSON lines have one object each")
    if first.lstrip().startswith("{"):
        return JsonLines(lines, text, first, roles)
    return Csv(lines, text, first, roles)


class Lines:
    """The lines of a file, without their ends, while they are read. The path `-` is standard input."""

    def __init__(self, path: Path) -> None:
        """Raises `UsageError` where the file cannot be opened."""
        self.name = "standard input" if str(path) == "-" else str(path)
        try:
            self._file = io.FileIO(0, closefd=False) if str(path) == "-" else io.FileIO(path)
        except OSError as error:
            raise UsageError(f"cannot read {self.name}: {error.strerror}") from None
        self.size = os.fstat(self._file.fileno()).st_size if str(path) != "-" else 0
        """Bytes; 0 where nobody knows."""
        self.done = 0
        """Bytes read."""
        self.number = 0
        """Of the line that was given last."""
        self.stop = threading.Event()
        """Once set, reading ends as if the file did."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        begun = b""  # a line whose end has not been read
        while block := self._read():
            head, end, tail = (begun + block).rpartition(b"\n")
            begun = tail
            if end:
                yield from self._split(head)
            if len(begun) > LONGEST_LINE:
                size = f"{LONGEST_LINE >> 20} MiB"
                raise UsageError(
                    f"line {self.number + 1} of {self.name} has no end within {size}: this is no table"
                )
        if begun and not self.stop.is_set():
            yield from self._split(begun)

    def _split(self, text: bytes) -> Iterator[str]:
        if not self.number:
            text = text.removeprefix(UTF8_MARK)
        # What is not UTF-8 shows as a character that no cell may hold, if it is in a cell that matters.
        for line in text.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\r").split("\n"):
            self.number += 1
            yield line

    def _read(self) -> bytes:
        """Some bytes; none at the end, or when it shall stop."""
        try:
            # A pipe may say nothing for hours, and reading it cannot be interrupted.
            while not select.select([self._file], [], [], PATIENCE)[0]:
                if self.stop.is_set():
                    return b""
            block = b"" if self.stop.is_set() else self._file.read(BLOCK)
        except OSError as error:
            raise UsageError(f"cannot read {self.name}: {error.strerror}") from None
        self.done += len(block)
        return block


class Csv:
    """Rows of cells after a header row that names them."""

    def __init__(self, lines: Lines, text: Iterator[str], header: str, roles: Roles) -> None:
        self._lines = lines
        self._text = text
        try:
            names = self._cells(header)
        except csv.Error as error:
            raise UsageError(f"the header of {lines.name}, its line {lines.number}, is no CSV: {error}") from None
        self._width = len(names)
        try:
            self._places = _places(names, roles)
        except ValueError as error:
            raise UsageError(f"line {lines.number} of {lines.name} {error}") from None
        self.columns = {role: names[place] for role, place in self._places.items()}
        self.header = names

    def read(self, count: int) -> Rows:
        rows = Rows()
        cells: list[list[str]] = []
        for line in self._text:
            number = self._lines.number
            try:
                row = self._cells(line) if '"' in line else line.split(",")  # three times as fast
            except csv.Error as error:
                last = self._lines.number  # an open quote takes in all lines up to the next one
                taken = f", and the lines to {last} are lost with it" if last > number else ""
                rows.malformed.append(Malformed(number, f"is no CSV: {error}{taken}"))
                continue
            if len(row) == self._width:
                rows.lines.append(number)
                cells.append(row)
            elif line.strip():
                wrong = f"has {counted(len(row), 'field')}, and the header {self._width}"
                rows.malformed.append(Malformed(number, wrong))
            if len(cells) + len(rows.malformed) >= count:
                break
        rows.columns = {role: [row[place] for row in cells] for role, place in self._places.items()}
        return rows

    def _cells(self, line: str) -> list[str]:
        """Of the row that begins with this line, and ends with it unless a quoted cell holds more lines."""
        return next(csv.reader(chain([line], self._text), strict=True))


class JsonLines:
    """An object a line; the names of its members are those of columns."""

    header: Sequence[str] = ()

    def __init__(self, lines: Lines, text: Iterator[str], first: str, roles: Roles) -> None:
        self._lines = lines
        self._text = text
        self._first = [(lines.number, first)]
        self._roles = roles
        self._places_of = lru_cache(maxsize=256)(lambda names: _places(names, roles))
        try:
            names = self._object(first)
            self.columns = {role: list(names)[place] for role, place in self._places_of(tuple(names)).items()}
        except ValueError:
            self.columns = {}  # `read` comes to this line, too, and reports it

    def read(self, count: int) -> Rows:
        rows = Rows()
        found: list[dict[str, Any]] = []
        numbered = chain(self._first, ((self._lines.number, line) for line in self._text))
        self._first = []
        for number, line in numbered:
            if not line.strip():
                continue
            try:
                cells = self._object(line)
                values = list(cells.values())
                found.append({role: values[place] for role, place in self._places_of(tuple(cells)).items()})
                rows.lines.append(number)
            except ValueError as error:
                rows.malformed.append(Malformed(number, str(error)))
            if len(found) + len(rows.malformed) >= count:
                break
        for role in {role for cells in found for role in cells}:
            rows.columns[role] = [cells.get(role) for cells in found]
        return rows

    @staticmethod
    def _object(line: str) -> dict[str, Any]:
        """Raises `ValueError`, which says what is wrong."""
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON: {error.msg} at character {error.pos + 1}") from None
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is no JSON that can be read: {error}") from None
        if not isinstance(found, dict):
            raise ValueError("is JSON, but no object")
        return found


def plain(name: str) -> str:
    """A column's name as people mean it: `Public Key`, `public_key` and `publicKey` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _places(names: Sequence[str], roles: Roles) -> dict[str, int]:
    """Where each role stands. Raises `ValueError` where two columns claim one."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        role = roles.get(plain(name))
        if role is None:
            continue
        if role in places:
            first, second = printable(names[places[role]]), printable(name)
            raise ValueError(f"has two columns for the {role}: {first} and {second}")
        places[role] = place
    return places
