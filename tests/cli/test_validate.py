from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Quorate

TIP = "000000004f74d42205b9d7ae1cb5c1591e723894a71358fce73b7e0919628161"


@pytest.fixture
def early(vectors: Path) -> bytes:
    return (vectors / "headers" / "mainnet_0_10236.bin").read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headers.bin"


@pytest.mark.parametrize("device", ["reference", "cpu", "quorum:reference+cpu"])
def test_real_headers(quorate: Quorate, vectors: Path, device: str) -> None:
    ran = quorate("validate", "headers", vectors / "headers/mainnet_0_10236.bin", "--device", device, "--json")
    assert ran.code == 0
    document = ran.json
    assert (document["valid"], document["headers"], document["first_invalid"]) == (True, 10237, None)
    assert document["tip"] == TIP
    assert int(document["work"], 16) == 10237 * 0x100010001
    assert document["seconds"] < 3


def test_later_headers_need_their_height(quorate: Quorate, vectors: Path) -> None:
    path = vectors / "headers" / "mainnet_822528_830592.bin"
    ran = quorate("validate", "headers", path, "--height", 822528, "--json")
    assert (ran.code, ran.json["headers"]) == (0, 8065)
    assert ran.json["tip"] == "00000000000000000000506183a8b30fa3224b85e82a70416e1d594bdb632fdb"
    ran = quorate("validate", "headers", path, "--json")
    assert (ran.code, ran.json["reason"], ran.json["first_invalid"]) == (1, "bad-genesis", 0)


def test_signet(quorate: Quorate, vectors: Path) -> None:
    path = vectors / "headers" / "signet_0_2015.bin"
    assert quorate("validate", "headers", path, "--network", "signet").code == 0
    assert quorate("validate", "headers", path).code == 1


def test_an_edit_is_refused_with_reason_and_index(quorate: Quorate, early: bytes, file: Path) -> None:
    file.write_bytes(early[: 80 * 500 + 40] + bytes([early[80 * 500 + 40] ^ 1]) + early[80 * 500 + 41 :])
    ran = quorate("validate", "headers", file, "--json")
    assert (ran.code, ran.json["valid"]) == (1, False)
    assert (ran.json["reason"], ran.json["first_invalid"]) == ("high-hash", 500)
    people = quorate("validate", "headers", file)
    assert people.code == 1
    assert "Not valid, high-hash: the header at index 500" in people.out


def test_hex_lines(quorate: Quorate, early: bytes, file: Path) -> None:
    file.write_text("\n".join(early[80 * i : 80 * i + 80].hex() for i in range(50)))
    assert quorate("validate", "headers", file, "--json").json["headers"] == 50


def test_a_faulty_device_is_not_believed(quorate: Quorate, early: bytes, file: Path) -> None:
    file.write_bytes(early[:800])
    ran = quorate("validate", "headers", file, "--device", "faulty:flipped-bit:cpu")
    assert ran.code == 3
    assert "faulty:flipped-bit:cpu: the device hashed the header at index 0 wrongly" in ran.err


def test_unreadable_input_exits_with_2(quorate: Quorate, tmp_path: Path, file: Path) -> None:
    file.write_bytes(b"")
    for path, words in ((file, "is empty"), (tmp_path, "Is a directory"), (tmp_path / "no", "No such file")):
        ran = quorate("validate", "headers", path)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
        assert str(path) in ran.err


def test_wrong_options(quorate: Quorate, early: bytes, file: Path) -> None:
    file.write_bytes(early[:800])
    for arguments, words in (
        (["--network", "litecoin"], "mainnet"),
        (["--height", "-1"], "height"),
        (["--device", "cpu,reference"], "one device"),
    ):
        ran = quorate("validate", "headers", file, *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
