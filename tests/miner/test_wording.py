"""Numbers and strangers' text in sentences."""

from __future__ import annotations

from quorate.miner.wording import counted, printable


def test_one_is_one() -> None:
    assert [counted(number, "line") for number in (0, 1, 2, 1000)] == [
        "0 lines",
        "1 line",
        "2 lines",
        "1,000 lines",
    ]
    assert [counted(number, "line is", "lines are") for number in (1, 2)] == ["1 line is", "2 lines are"]


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("é, b c") == "é, b c"
    assert printable("\x1b[31m\0\r\x85\u202e") == r"\x1b[31m\x00\r\x85\u202e"
