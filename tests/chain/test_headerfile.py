from __future__ import annotations

from pathlib import Path

import pytest

from quorate.chain.headerfile import read_header_file
from quorate.chain.params import network
from quorate.kernels.backend import UsageError

RAW = b"".join(network(name).genesis.serialise() for name in ("mainnet", "testnet4", "regtest"))
LINES = [RAW[at : at + 80].hex() for at in range(0, len(RAW), 80)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headers"


@pytest.mark.parametrize(
    "data",
    [
        RAW,
        "\n".join(LINES).encode(),
        ("\r\n".join(LINES) + "\r\n").encode(),
        ("\n\n  " + " \n\t\n".join(LINES) + "\n").upper().encode(),
    ],
    ids=["raw", "lines", "lines of Windows", "blanks and capitals"],
)
def test_both_forms_give_the_same_bytes(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert read_header_file(file) == RAW


@pytest.mark.parametrize("length", [1, 79, 81, 239])
def test_raw_data_may_end_inside_a_header(file: Path, length: int) -> None:
    file.write_bytes(RAW[:length])
    assert read_header_file(file) == RAW[:length]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("hello world\n", "line 1 of .* is not hexadecimal"),
        (f"{LINES[0]}\n\n{LINES[1][:-1]}g\n", "line 3 of .* is not hexadecimal"),
        (f"{LINES[0]}\n{LINES[1][:-1]}\n", "line 2 of .* has 159 digits; a header has 160"),
        (f"{LINES[0]}{LINES[1]}\n", "line 1 of .* has 320 digits"),
    ],
)
def test_what_is_neither_form_is_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_header_file(file)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*missing: No such file"):
        read_header_file(tmp_path / "missing")
    with pytest.raises(UsageError, match=r"cannot read .*: Is a directory"):
        read_header_file(tmp_path)
