"""What stands in a file becomes the right batch, and what is wrong in it is said of the right line."""

from __future__ import annotations

import csv
import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels.backend import UsageError
from quorate.kernels.encodings import Encoding
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Scheme, Verdict
from quorate.miner.signaturefile import REASONS, Piece, Reading, Reason, SignatureFile
from quorate.miner.signing import Signed, sign
from quorate.miner.tablefile import Lines

Pieces = Callable[..., list[Piece]]


@pytest.fixture
def pieces(tmp_path: Path) -> Iterator[Pieces]:
    """What a file with this text holds, malformed lines included."""

    def read(text: str | Path, reading: Reading | None = None, count: int = 1000) -> list[Piece]:
        path = text if isinstance(text, Path) else tmp_path / "signatures"
        if isinstance(text, str):
            path.write_text(text)
        file = SignatureFile(files.enter_context(Lines(path)), reading or Reading())
        found = []
        while (piece := file.read(count, keep_going=True)) is not None:
            found.append(piece)
        return found

    with ExitStack() as files:
        yield read


@pytest.fixture(scope="module")
def signed() -> dict[str, Signed]:
    return sign(3)


def verdicts(piece: Piece) -> list[Reason]:
    """By the reference."""
    return [REASONS[code] for code in piece.reasons(ReferenceBackend().verify(piece.batch))]


def der(signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def row(its: Signed, at: int, **other: str) -> dict[str, str]:
    """One signature as cells."""
    signature = der(its.signatures[at]) if its.scheme == Scheme.ECDSA else its.signatures[at]
    return {
        "scheme": its.scheme.name.lower(),
        "hash": its.messages[at].hex(),
        "signature": signature.hex(),
        "key": its.keys[at].hex(),
    } | other


def as_csv(*rows: dict[str, str]) -> str:
    return "\n".join(",".join(cells) for cells in (list(rows[0]), *(list(its.values()) for its in rows))) + "\n"


@pytest.mark.parametrize(("name", "count"), [("mainnet_413567_p2pkh", 3957), ("mainnet_866342", 7725)])
def test_real_blocks_as_they_are(pieces: Pieces, vectors: Path, name: str, count: int) -> None:
    path = vectors / "signatures" / f"{name}.csv"
    found = pieces(path, count=5000)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert sum(len(piece.batch) for piece in found) == len(rows) == count
    assert [line for piece in found for line in piece.lines] == list(range(2, count + 2))
    assert not any(piece.malformed or piece.faults.any() for piece in found)
    at = 0
    for piece in found:
        for place in range(0, len(piece.batch), 97):
            its = rows[at + place]
            schnorr = its.get("kind", "").startswith("schnorr")
            assert piece.batch.schemes[place] == (Scheme.SCHNORR if schnorr else Scheme.ECDSA)
            assert piece.batch.message(place).hex() == its["sighash"]
            assert piece.batch.keys[place].tobytes().hex().startswith(its["pubkey"])
            numbers = piece.batch.signatures[place].tobytes()
            assert (numbers if schnorr else der(numbers)).hex() == its.get("sig", its.get("sig_der"))
        at += len(piece.batch)


def test_bip340_as_it_is(pieces: Pieces, vectors: Path) -> None:
    path = vectors / "bips" / "bip340.csv"
    [piece] = pieces(path, Reading(Scheme.SCHNORR))
    with path.open() as file:
        rows = list(csv.DictReader(file))
    expected = [its["verification result"] == "TRUE" for its in rows]
    assert [reason == Reason.VALID for reason in verdicts(piece)] == expected
    assert len(expected) == 19
    assert {len(piece.batch.message(place)) for place in range(19)} == {0, 1, 17, 32, 100}


def test_schemes_may_be_mixed(pieces: Pieces, signed: dict[str, Signed]) -> None:
    rows = [row(signed[name], 0) for name in ("ecdsa", "schnorr", "ed25519", "ecdsa-uncompressed")]
    [piece] = pieces(as_csv(*rows))
    assert piece.batch.schemes.tolist() == [Scheme.ECDSA, Scheme.SCHNORR, Scheme.ED25519, Scheme.ECDSA]
    assert verdicts(piece) == [Reason.VALID] * 4


@pytest.mark.parametrize(
    ("cell", "scheme"),
    [("ECDSA-p2wpkh", Scheme.ECDSA), ("schnorr-p2tr-key", Scheme.SCHNORR), ("bip340", Scheme.SCHNORR),
     ("Ed25519ctx", Scheme.ED25519)],
)  # fmt: skip
def test_how_schemes_are_named(pieces: Pieces, signed: dict[str, Signed], cell: str, scheme: Scheme) -> None:
    [piece] = pieces(as_csv(row(signed["schnorr"], 0, scheme=cell)), Reading(encoding="der"))
    assert piece.batch.schemes.tolist() == [scheme]


def test_an_option_says_more_than_a_column(pieces: Pieces, signed: dict[str, Signed]) -> None:
    [piece] = pieces(as_csv(row(signed["schnorr"], 0, scheme="p2tr")), Reading(Scheme.SCHNORR))
    assert verdicts(piece) == [Reason.VALID]


def test_json_lines(pieces: Pieces, signed: dict[str, Signed]) -> None:
    rows = [row(signed[name], at, comment="5") for at in range(3) for name in ("ecdsa", "ed25519")]
    text = "".join(json.dumps(cells) + "\n" for cells in rows)
    [piece] = pieces(text)
    assert verdicts(piece) == [Reason.VALID] * 6
    assert piece.lines == [1, 2, 3, 4, 5, 6]


def test_json_lines_may_differ_in_their_members(pieces: Pieces, signed: dict[str, Signed]) -> None:
    first, second = row(signed["ecdsa"], 0), row(signed["ed25519"], 1)
    second["Message"] = second.pop("hash")
    second["publicKey"] = second.pop("key")
    [piece] = pieces("\n".join(map(json.dumps, (first, second))))
    assert verdicts(piece) == [Reason.VALID] * 2


@pytest.mark.parametrize("change", [str.upper, lambda text: "0x" + text, lambda text: f" 0X{text.upper()} "])
def test_hexadecimal_in_all_its_forms(
    pieces: Pieces, signed: dict[str, Signed], change: Callable[[str], str]
) -> None:
    cells = {name: value if name == "scheme" else change(value) for name, value in row(signed["ecdsa"], 0).items()}
    [piece] = pieces(as_csv(cells))
    assert (verdicts(piece), piece.malformed) == ([Reason.VALID], [])


def test_a_message_of_ecdsa_is_hashed(pieces: Pieces, signed: dict[str, Signed]) -> None:
    cells = row(signed["ecdsa"], 0, message=b"abc".hex())
    assert pieces(as_csv(cells))[0].batch.message(0) == signed["ecdsa"].messages[0]
    del cells["hash"]
    assert pieces(as_csv(cells))[0].batch.message(0) == hashlib.sha256(b"abc").digest()
    assert pieces(as_csv(cells | {"message": ""}))[0].batch.message(0) == hashlib.sha256(b"").digest()


def test_other_schemes_sign_a_message_that_a_file_may_call_a_hash(
    pieces: Pieces, signed: dict[str, Signed]
) -> None:
    for name in ("schnorr", "ed25519"):
        its = row(signed[name], 0)
        digest = signed[name].messages[0]
        assert pieces(as_csv(its))[0].batch.message(0) == digest
        assert pieces(as_csv(its | {"message": "abcd"}))[0].batch.message(0) == b"\xab\xcd"
        assert pieces(as_csv(its | {"message": ""}))[0].batch.message(0) == digest


def test_encodings_by_name(pieces: Pieces, signed: dict[str, Signed]) -> None:
    its = signed["ecdsa"]
    strict = der(its.signatures[0])
    lax = bytes([0x30, 0x81, len(strict) - 2]) + strict[2:]
    cases: tuple[tuple[Encoding | None, dict[bytes, Reason]], ...] = (
        (None, {strict: Reason.VALID, lax: Reason.ENCODING}),
        ("der", {strict: Reason.VALID, lax: Reason.ENCODING, its.signatures[0]: Reason.ENCODING}),
        ("lax-der", {strict: Reason.VALID, lax: Reason.VALID, its.signatures[0]: Reason.ENCODING}),
        ("compact", {its.signatures[0]: Reason.VALID, strict: Reason.ENCODING}),
    )
    for encoding, shapes in cases:
        text = as_csv(*(row(its, 0, signature=shape.hex()) for shape in shapes))
        [piece] = pieces(text, Reading(encoding=encoding))
        assert verdicts(piece) == list(shapes.values())


def test_signatures_of_64_bytes_are_refused_with_the_option_that_reads_them(
    pieces: Pieces, signed: dict[str, Signed]
) -> None:
    its = signed["ecdsa"]
    compact = [row(its, at, signature=its.signatures[at].hex()) for at in range(3)]
    with pytest.raises(UsageError, match="--encoding compact reads them"):
        pieces(as_csv(*compact))
    [piece] = pieces(as_csv(*compact, row(its, 0)))
    assert verdicts(piece) == [Reason.ENCODING] * 3 + [Reason.VALID]


def test_a_wrong_length_is_a_verdict(pieces: Pieces, signed: dict[str, Signed]) -> None:
    rows, expected = [], []
    for name in ("ecdsa", "schnorr", "ed25519"):
        good = row(signed[name], 0)
        for change, reason in (
            ({}, Reason.VALID),
            ({"key": good["key"][:-2]}, Reason.KEY),
            ({"key": good["key"] + "00"}, Reason.KEY),
            ({"key": ""}, Reason.KEY),
            ({"signature": good["signature"][:-2]}, Reason.ENCODING),
            ({"signature": good["signature"] + "00"}, Reason.ENCODING),
            ({"signature": ""}, Reason.ENCODING),
            ({"signature": "", "key": ""}, Reason.KEY),
        ):
            rows.append(good | change)
            expected.append(reason)
    [piece] = pieces(as_csv(*rows))
    assert verdicts(piece) == expected
    accepted = [REASONS[code] for code in piece.reasons(np.full(len(rows), Verdict.VALID))]
    assert [reason for reason in accepted if reason == Reason.ENCODING] == [Reason.ENCODING] * (3 * 4 - 2)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"hash": "0"}, "has a hash of 1 hex digit, an odd number"),
        ({"hash": "00" * 31}, "has a hash of 31 bytes; one that ECDSA signs has 32"),
        ({"hash": ""}, "has a hash of 0 bytes"),
        ({"hash": "00"}, "has a hash of 1 byte; "),
        ({"signature": "30zz"}, "has a signature that is not hexadecimal: 'z' at digit 3"),
        ({"key": "02 03"}, "has a key that is not hexadecimal: ' ' at digit 3"),
        ({"key": "0"}, "has a key of 1 hex digit, an odd number"),
        ({"key": "é0"}, "has a key that is not hexadecimal: 'é' at digit 1"),
        ({"scheme": "rsa"}, "is of no scheme known here: 'rsa' does not begin with ecdsa, schnorr, bip340 or"),
        ({"scheme": ""}, "is of no scheme known here: ''"),
    ],
)
def test_malformed_cells(pieces: Pieces, signed: dict[str, Signed], change: dict[str, str], error: str) -> None:
    good = row(signed["ecdsa"], 0)
    [piece] = pieces(as_csv(good, good | change, good, {"scheme": "x"}))
    assert [its.line for its in piece.malformed] == [3, 5]
    assert piece.malformed[0].error.startswith(error)
    assert piece.malformed[1].error == "has 1 field, and the header 4"
    assert piece.lines == [2, 4]
    assert verdicts(piece) == [Reason.VALID] * 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"signature": None}, "has no signature: nothing in it is named signature, sig, sig der or sig hex"),
        ({"key": None}, "has no key"),
        ({"hash": None}, "has no message: nothing in it is named sighash, hash,"),
        ({"scheme": None}, "is of no scheme known here"),
        ({"scheme": ["ecdsa"]}, "is of no scheme known here"),
        ({"signature": 5}, "has a signature that is no text: 5"),
        ({"key": {"x": "00"}}, "has a key that is no text: {'x': '00'}"),
    ],
)
def test_malformed_members(
    pieces: Pieces, signed: dict[str, Signed], change: dict[str, object], error: str
) -> None:
    good: dict[str, object] = dict(row(signed["ecdsa"], 0))
    missing = {name: value for name, value in good.items() if name not in change}
    texts = [json.dumps(its) for its in (good, good | change, missing if None in change.values() else good)]
    [piece] = pieces("\n".join(texts))
    wrong = [2, 3] if None in change.values() else [2]
    assert [its.line for its in piece.malformed] == wrong
    assert all(its.error.startswith(error) for its in piece.malformed)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("hash,key", "has no column for the signature, named signature, sig, sig der or sig hex; its header has"),
        ("hash,sig", "has no column for the key, named public key, pubkey, key or pk"),
        ("sig,key", "has no column for the message, named sighash, hash, message hash, msg hash, digest, message"),
        ("hash,sig,key", "--scheme ecdsa, schnorr or ed25519 says it for all of them"),
        ("scheme,hash,sig,key,Public Key", "line 1 of .* has two columns for the key: key and Public Key"),
        ("scheme,hash,sig,key", "has a header and no signatures below it"),
    ],
)
def test_files_that_are_refused(pieces: Pieces, header: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        pieces(header + "\n")


def test_the_first_malformed_line_is_an_error(tmp_path: Path, signed: dict[str, Signed]) -> None:
    path = tmp_path / "signatures"
    good = row(signed["ecdsa"], 0)
    path.write_text(as_csv(good, good | {"key": "x"}, {"scheme": "x"}))
    with Lines(path) as lines, pytest.raises(UsageError, match=f"^line 3 of {path} has a key that is not hex"):
        SignatureFile(lines, Reading()).read(1000)


def test_memory_does_not_grow_with_the_file(tmp_path: Path, vectors: Path) -> None:
    header, _, body = (vectors / "signatures" / "mainnet_413567_p2pkh.csv").read_text().partition("\n")
    path = tmp_path / "long.csv"
    peaks = []
    for copies in (5, 50):
        path.write_text(header + "\n" + body * copies)
        with Lines(path) as lines:
            file = SignatureFile(lines, Reading())
            tracemalloc.start()
            count = 0
            while (piece := file.read(4096)) is not None:
                count += len(piece.lines)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert count == copies * 3957
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 32 << 20
