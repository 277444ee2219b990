from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.script.errors import ScriptError, ScriptFailedError
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import (
    find_and_delete,
    is_minimal_push,
    is_p2sh,
    is_push_only,
    operations,
    push,
    witness_program,
)


@pytest.mark.parametrize("size", [0, 1, 75, 76, 255, 256, 65535, 65536])
def test_a_push_is_read_as_it_was_written(size: int) -> None:
    data = b"\x55" * size
    [(opcode, found, end)] = operations(push(data))
    assert (found, end) == (data, len(push(data)))
    assert is_minimal_push(opcode, data)


@pytest.mark.parametrize(
    ("script", "minimal"),
    [
        ("00", True),
        ("4c00", False),
        ("0111", True),
        ("0110", False),
        ("0101", False),
        ("0100", True),
        ("0181", False),
        ("4c0111", False),
        ("4d4c00" + "07" * 76, False),
        ("4c4c" + "07" * 76, True),
        ("4d0001" + "07" * 256, True),
        ("4e00010000" + "07" * 256, False),
    ],
)
def test_minimal_pushes(script: str, minimal: bool) -> None:
    [(opcode, data, _)] = operations(bytes.fromhex(script))
    assert data is not None
    assert is_minimal_push(opcode, data) is minimal


@pytest.mark.parametrize("script", ["01", "0201", "4c", "4c02aa", "4d01", "4d0200aa", "4e010000", "4effffffff"])
def test_a_push_past_the_end(script: str) -> None:
    """What stands before it is still run."""
    found = operations(b"\x61" + bytes.fromhex(script))
    assert next(found) == (Op.OP_NOP, None, 1)
    with pytest.raises(ScriptFailedError) as failure:
        next(found)
    assert failure.value.error is ScriptError.BAD_OPCODE
    assert not is_push_only(bytes.fromhex(script))


def test_shapes() -> None:
    assert is_p2sh(b"\xa9\x14" + bytes(20) + b"\x87")
    assert not is_p2sh(b"\xa9\x4c\x14" + bytes(19) + b"\x87")
    assert is_push_only(b"\x00\x4f\x50\x60\x02ab")
    assert not is_push_only(b"\x61")
    assert witness_program(b"\0\x14" + bytes(20)) == (0, bytes(20))
    assert witness_program(b"\x60\x02ab") == (16, b"ab")
    for script in ("", "00", "0001aa", "50020000", "61020000", "0003aaaa", "0029" + "00" * 41, "4c140000"):
        assert witness_program(bytes.fromhex(script)) is None


# From Bitcoin Core's `script_tests.cpp`, script_FindAndDelete.
@pytest.mark.parametrize(
    ("script", "piece", "expected"),
    [
        ("5152", "", "5152"),
        ("515253", "52", "5153"),
        ("535153535453", "53", "5154"),
        ("0302ff03", "0302ff03", ""),
        ("0302ff030302ff03", "0302ff03", ""),
        ("0302ff030302ff03", "02", "0302ff030302ff03"),
        ("0302ff030302ff03", "ff", "0302ff030302ff03"),
        ("0302ff030302ff03", "03", "02ff0302ff03"),
        ("02feed5169", "feed51", "02feed5169"),
        ("02feed5169", "02feed51", "69"),
        ("516902feed5169", "feed51", "516902feed5169"),
        ("516902feed5169", "02feed51", "516969"),
        ("00005151", "0051", "0051"),
        ("000051005151", "0051", "0051"),
        ("0003feed", "03feed", "00"),
        ("0003feed", "00", "03feed"),
    ],
)
def test_find_and_delete(script: str, piece: str, expected: str) -> None:
    assert find_and_delete(bytes.fromhex(script), bytes.fromhex(piece)).hex() == expected


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=4))
def test_what_is_left_are_the_scripts_own_bytes(script: bytes, piece: bytes) -> None:
    left = find_and_delete(script, piece)
    assert len(left) <= len(script)
    assert (len(script) - len(left)) % len(piece) == 0
    assert not left.startswith(piece) or script.startswith(piece)
