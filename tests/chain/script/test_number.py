from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.script.errors import ScriptFailedError
from quorate.chain.script.number import decode_number, encode_number, is_true

FORMS = {
    0: "",
    1: "01",
    -1: "81",
    127: "7f",
    -127: "ff",
    128: "8000",
    -128: "8080",
    255: "ff00",
    -255: "ff80",
    256: "0001",
    2**31 - 1: "ffffff7f",
    -(2**31 - 1): "ffffffff",
}


@pytest.mark.parametrize("number", FORMS)
def test_forms(number: int) -> None:
    assert encode_number(number).hex() == FORMS[number]
    assert decode_number(bytes.fromhex(FORMS[number]), minimal=True) == number


@given(st.integers(-(2**39) + 1, 2**39 - 1))
def test_numbers_come_back(number: int) -> None:
    assert decode_number(encode_number(number), minimal=True, size=5) == number


@given(st.binary(max_size=4))
def test_only_the_shortest_form_is_minimal(item: bytes) -> None:
    number = decode_number(item, minimal=False)
    if encode_number(number) == item:
        assert decode_number(item, minimal=True) == number
    else:
        with pytest.raises(ScriptFailedError, match="SCRIPTNUM"):
            decode_number(item, minimal=True)


@given(st.binary(min_size=5, max_size=8))
def test_longer_numbers_are_refused(item: bytes) -> None:
    with pytest.raises(ScriptFailedError, match="SCRIPTNUM"):
        decode_number(item, minimal=False)


@given(st.binary(max_size=8))
def test_truth_is_a_number_but_zero(item: bytes) -> None:
    assert is_true(item) == (decode_number(item, minimal=False, size=8) != 0)
