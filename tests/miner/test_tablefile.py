"""Tables are read a piece at a time, and every line has its number."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from quorate.kernels.backend import UsageError
from quorate.miner import tablefile
from quorate.miner.tablefile import Lines, Rows, Table, open_table, plain

ROLES = {"a": "a", "b": "b", "bee": "b"}


Opened = Callable[[Path], Lines]
TableOf = Callable[[bytes], Table]
RowsOf = Callable[[bytes], Rows]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens files, and closes them after the test."""
    with ExitStack() as files:
        yield lambda path: files.enter_context(Lines(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table"


@pytest.fixture
def table_of(file: Path, opened: Opened) -> TableOf:
    def table(content: bytes) -> Table:
        file.write_bytes(content)
        return open_table(opened(file), ROLES)

    return table


@pytest.fixture
def rows_of(table_of: TableOf) -> RowsOf:
    return lambda content: table_of(content).read(1000)


def test_csv(rows_of: RowsOf) -> None:
    rows = rows_of(b"a,more,bee\n1,x,2\n3,y,4\n")
    assert rows.lines == [2, 3]
    assert rows.columns == {"a": ["1", "3"], "b": ["2", "4"]}
    assert rows.malformed == []


def test_json_lines(rows_of: RowsOf) -> None:
    rows = rows_of(b'{"a": "1", "more": {}, "bee": "2"}\n{"B": null, "A": "3"}\n')
    assert rows.lines == [1, 2]
    assert rows.columns == {"a": ["1", "3"], "b": ["2", None]}


def test_columns_are_known_as_they_are_written(table_of: TableOf) -> None:
    assert table_of(b"A,more,Bee\n").columns == {"a": "A", "b": "Bee"}
    assert table_of(b'{"more": 1, "Bee": "2"}\n').columns == {"b": "Bee"}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa,b\n1,2\n3,4\n",
        b"a,b\r\n1,2\r\n3,4\r\n",
        b"a,b\n1,2\n3,4",
        b"a,b\r\n1,2\r\n3,4\r",
        b'"a","b"\n"1","2"\n3,"4"\n',
    ],
    ids=["byte order mark", "CRLF", "no line end at the end", "CR at the end", "quotes"],
)
def test_forms_of_one_table(rows_of: RowsOf, content: bytes) -> None:
    rows = rows_of(content)
    assert (rows.lines, rows.columns, rows.malformed) == ([2, 3], {"a": ["1", "3"], "b": ["2", "4"]}, [])


def test_blank_lines_count_and_are_passed_over(rows_of: RowsOf) -> None:
    assert rows_of(b"\n\na,b\n\n1,2\n \n3,4\n\n").lines == [5, 7]
    assert rows_of(b'\n{"a": "1"}\n\n{"a": "2"}\n').lines == [2, 4]


def test_a_quoted_cell_may_hold_lines_quotes_and_commas(rows_of: RowsOf) -> None:
    rows = rows_of(b'a,b\n1,"x\ny"\n2,"say ""so"", z"\n3,4\n')
    assert rows.lines == [2, 4, 5]
    assert rows.columns["a"] == ["1", "2", "3"]
    assert rows.columns["b"][1:] == ['say "so", z', "4"]


@pytest.mark.parametrize(
    ("content", "malformed"),
    [
        (b"a,b\n1\n3,4\n5,6,7\n", [(2, "has 1 field, and the header 2"), (4, "has 3 fields, and the header 2")]),
        (b'a,b\n1,"2\n3,4\n', [(2, "is no CSV: unexpected end of data")]),
        (b'a,b\n1,"2"3\n3,4\n', [(2, "is no CSV: ',' expected after '\"'")]),
        (b'{"a": "1"}\n{"a": "2"\n', [(2, "is no JSON: Expecting ',' delimiter at character 10")]),
        (b'{"a": "1"}\n7\n', [(2, "is JSON, but no object")]),
        (b'{"a": \n{"a": "1"}\n', [(1, "is no JSON: Expecting value at character 7")]),
        (b'{"a": "1", "b": "2", "bee": "3"}\n', [(1, "has two columns for the b: b and bee")]),
        (b'{"a": ' + b"[" * 100_000 + b"\n", [(1, "is no JSON that can be read: ")]),
        (b'{"a": ' + b"1" * 5000 + b"}\n", [(1, "is no JSON that can be read: ")]),
    ],
)
def test_malformed_lines_have_their_number_and_what_is_wrong(
    rows_of: RowsOf, content: bytes, malformed: list[tuple[int, str]]
) -> None:
    found = rows_of(content).malformed
    assert [its.line for its in found] == [line for line, _ in malformed]
    assert all(its.error.startswith(error) for its, (_, error) in zip(found, malformed, strict=True))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; it needs a header row"),
        (b"\n  \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b\x1b,Bee\x00\x85\n", r"line 1 of .* has two columns for the b: b\\x1b and Bee\\x00\ufffd$"),
        (b'[{"a": 1}]\n', "begins like a JSON array"),
        (b"a,b,bee\n", "line 1 of .* has two columns for the b: b and bee"),
        (b'a,"b\n', "the header of .*, its line 1, is no CSV"),
    ],
)
def test_a_file_that_is_no_table(table_of: TableOf, content: bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        table_of(content)


def test_a_quote_that_stays_open_names_the_lines_it_takes(rows_of: RowsOf) -> None:
    [alone] = rows_of(b'a,b\n1,2\n3,"4\n').malformed
    assert (alone.line, alone.error) == (3, "is no CSV: unexpected end of data")
    [others] = rows_of(b'a,b\n1,"2\n3,4\n5,6\n').malformed
    assert (others.line, others.error) == (
        2,
        "is no CSV: unexpected end of data, and the lines to 4 are lost with it",
    )


def test_a_line_without_end_is_refused_before_it_fills_memory(opened: Opened, file: Path) -> None:
    with file.open("wb") as sink:
        sink.write(b"a,b\n1,2\n")
        sink.truncate(1 << 28)
    table = open_table(opened(file), ROLES)
    tracemalloc.start()
    with pytest.raises(UsageError, match="line 3 of .* has no end within 16 MiB"):
        table.read(1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 26


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "nowhere", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=words):
            Lines(path)


@pytest.mark.parametrize("block", [1, 3, 7, 64])
def test_blocks_may_end_anywhere(rows_of: RowsOf, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Within a byte order mark, too, and behind it."""
    content = '\ufeffa,b\r\né,2\r\n3,"4\r\n5"\r\n6,7'.encode()
    whole = rows_of(content)
    monkeypatch.setattr(tablefile, "BLOCK", block)
    assert rows_of(content) == whole
    assert whole.columns["a"] == ["é", "3", "6"]


def test_reading_goes_on_where_it_stopped(table_of: TableOf) -> None:
    table = table_of(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(10)))
    pieces = [table.read(4) for _ in range(4)]
    assert [piece.lines for piece in pieces] == [[2, 3, 4, 5], [6, 7, 8, 9], [10, 11], []]


def test_malformed_lines_count_towards_a_piece(table_of: TableOf) -> None:
    table = table_of(b"a,b\n" + b"x\n" * 1000)
    assert len(table.read(10).malformed) == 10


def test_once_told_to_stop_it_ends(opened: Opened, file: Path) -> None:
    file.write_bytes(b"a,b\n" + b"1,2\n" * 1_000_000)
    lines = opened(file)
    table = open_table(lines, ROLES)
    lines.stop.set()
    assert len(table.read(10_000_000).lines) <= tablefile.BLOCK // 4
    assert table.read(1).lines == []
    assert lines.done < lines.size


def test_names_of_columns_as_people_mean_them() -> None:
    assert plain("Public Key") == plain("public_key") == plain("publicKey") == plain(" PUBLIC-KEY ") == "publickey"
