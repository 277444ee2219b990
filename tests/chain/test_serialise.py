from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.serialise import MAX_SIZE, MalformedError, Reader, compact_size, with_size
from quorate.kernels.backend import UsageError


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (252, "fc"),
        (253, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x10000, "fe00000100"),
        (MAX_SIZE, "fe00000002"),
    ],
)
def test_a_number_has_one_form(number: int, encoded: str) -> None:
    assert compact_size(number).hex() == encoded
    reader = Reader(bytes.fromhex(encoded), "number")
    assert reader.compact_size() == number
    reader.finish()


def test_numbers_too_large_to_be_read_can_be_written() -> None:
    assert compact_size(1 << 32).hex() == "ff0000000001000000"


@pytest.mark.parametrize("encoded", ["fdfc00", "fd0000", "feffff0000", "ffffffffff00000000"])
def test_a_number_in_more_bytes_than_it_needs_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedError, match="more than it needs"):
        Reader(bytes.fromhex(encoded), "number").compact_size()


@pytest.mark.parametrize("encoded", ["fe01000002", "feffffffff", "ffffffffffffffffff", "ff0000000001000000"])
def test_a_number_that_nothing_needs_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedError, match="the most is"):
        Reader(bytes.fromhex(encoded), "number").compact_size()


@given(st.binary(max_size=600), st.binary(max_size=9))
def test_sized_bytes_come_back_and_leave_the_rest(data: bytes, rest: bytes) -> None:
    reader = Reader(with_size(data) + rest, "bytes")
    assert reader.sized() == data
    assert reader.take(len(rest)) == rest
    reader.finish()


@given(st.binary(max_size=600), st.data())
def test_nothing_is_read_past_the_end(data: bytes, draw: st.DataObject) -> None:
    encoded = with_size(data)
    reader = Reader(encoded[: draw.draw(st.integers(0, len(encoded) - 1))], "pudding")
    with pytest.raises(MalformedError, match="the pudding ends early: .* expected at byte"):
        reader.sized()


def test_what_is_left_over_is_refused() -> None:
    reader = Reader(b"\0\1\2", "pudding")
    reader.uint8()
    with pytest.raises(MalformedError, match="2 bytes are left at byte 1"):
        reader.finish()


def test_a_refusal_is_one_for_people() -> None:
    assert issubclass(MalformedError, UsageError)
