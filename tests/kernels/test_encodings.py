"""Encodings of ECDSA signatures: all at once equals one at a time, by readers that share nothing with them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.kernels.backend import UsageError
from quorate.kernels.encodings import ENCODINGS, Encoding, parse, parse_der
from quorate.kernels.signatures import NO_SIGNATURE

Numbers = tuple[int, int] | None


def strict(text: bytes) -> Numbers:
    """r and s of a signature in the one form that BIP 66 allows, which is how the numbers are written."""
    found = re.fullmatch(rb"\x30.\x02(.)(.*)", text, re.DOTALL)
    if not found or not 8 <= len(text) <= 72:
        return None
    size = found[1][0]
    r, rest = found[2][:size], found[2][size:]
    if len(r) != size or len(rest) < 2:
        return None
    s = rest[2:]
    numbers = int.from_bytes(r, "big"), int.from_bytes(s, "big")
    return numbers if text == written(*numbers) else None


def written(r: int, s: int) -> bytes:
    """Canonical DER of two numbers that are not negative, with one byte for the length."""
    body = b""
    for number in (r, s):
        text = number.to_bytes(number.bit_length() // 8 + 1, "big")
        body += bytes([2, len(text)]) + text
    return bytes([0x30, len(body)]) + body if len(body) < 256 else b""


class Refused(Exception):  # noqa: N818
    pass


def lax(text: bytes) -> Numbers:
    """A reader of one byte after another, as lenient as Bitcoin Core was before BIP 66."""
    rest = list(text)

    def take() -> int:
        if not rest:
            raise Refused
        return rest.pop(0)

    def number() -> int:
        if take() != 0x02:
            raise Refused
        size = take()
        if size >= 0x80:
            size, many = 0, size - 0x80
            for _ in range(many):
                size = size * 256 + take()
        if size > len(rest):
            raise Refused
        value = 0
        for _ in range(size):
            value = value * 256 + take()
        return value

    try:
        if take() != 0x30:
            return None
        whole = take()
        for _ in range(whole - 0x80 if whole >= 0x80 else 0):
            take()
        return number(), number()
    except Refused:
        return None


def expected(numbers: Numbers) -> tuple[bytes, bool]:
    if numbers is None or max(numbers) >= 2**256:
        return NO_SIGNATURE, numbers is None
    return b"".join(number.to_bytes(32, "big") for number in numbers), False


READERS: dict[bool, Callable[[bytes], Numbers]] = {True: strict, False: lax}


def check(texts: list[bytes]) -> None:
    for is_strict, reader in READERS.items():
        rows, malformed = parse_der(texts, is_strict)
        assert rows.shape == (len(texts), 64)
        assert rows.dtype == np.uint8
        assert malformed.dtype == np.bool_
        for text, row, bad in zip(texts, rows, malformed, strict=True):
            assert (row.tobytes(), bool(bad)) == expected(reader(text)), (text.hex(), is_strict)


def sample(rng: random.Random) -> bytes:
    """A signature as it should be, of numbers that are small, ordinary, or too large."""
    bits = [rng.choice([256, 256, 256, 255, 248, 128, 8, 1, 264]) for _ in range(2)]
    return written(*(rng.getrandbits(b) for b in bits))


def changed(text: bytes, rng: random.Random) -> bytes:
    """With a byte changed, dropped or put in, one to three times, or with a length in the long form."""
    mutant = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.choice([0, 1, 2, 3, 4, 5, rng.randrange(len(mutant)), 4 + mutant[3] if len(mutant) > 3 else 0])
        at = min(at, len(mutant) - 1)
        value = rng.choice([0, 1, 2, 0x30, 0x7F, 0x80, 0x81, 0x82, 0xFF, rng.randrange(256), mutant[at] ^ 1])
        match rng.randrange(4):
            case 0:
                mutant[at] = value
            case 1 if len(mutant) > 1:
                del mutant[at]
            case 2:
                mutant.insert(at, value)
            case _:
                mutant[at : at + 1] = bytes([0x81, mutant[at]])
    return bytes(mutant)


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_is_one_at_a_time(seed: int) -> None:
    rng = random.Random(seed)
    texts = [sample(rng) for _ in range(1500)]
    texts += [changed(text, rng) for text in texts for _ in range(3)]
    check(texts)
    judged = [(strict(text) is not None, lax(text) is not None) for text in texts]
    assert {(True, True), (False, True), (False, False)} == set(judged)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=80) | st.integers(0, 2**32).map(lambda seed: sample(random.Random(seed)))))
def test_whatever_the_bytes(texts: list[bytes]) -> None:
    check(texts)


def test_every_byte_of_a_signature_at_every_value() -> None:
    text = written(2**255 + 5, 2**200 + 7)
    check([text[:at] + bytes([value]) + text[at + 1 :] for at in range(len(text)) for value in range(256)])


def test_every_truncation_and_continuation() -> None:
    text = written(2**255 + 5, 2**255 + 7)
    assert len(text) == 72
    check([text[:length] for length in range(73)] + [text + bytes(length) for length in range(300)])


def test_a_signature_does_not_reach_into_the_next() -> None:
    text = written(2**255 + 5, 77)
    for length in range(len(text)):
        check([text[:length], text[length:], text])


@pytest.mark.parametrize(
    ("text", "is_strict", "lenient"),
    [
        ("3006020100020100", (0, 0), (0, 0)),
        ("3006020101020102", (1, 2), (1, 2)),
        ("300702020001020102", None, (1, 2)),  # a zero in front that no sign needs
        ("3006020181020102", None, (0x81, 2)),  # negative
        ("30050200020102", None, (0, 2)),  # no digits
        ("300602010102010200", None, (1, 2)),  # a byte left over
        ("3070020101020102", None, (1, 2)),  # the whole is of another length
        ("308106020101020102", None, (1, 2)),  # a length in more bytes than it needs
        ("30070281010102010200", None, (1, 2)),
        ("30080282000101020102", None, (1, 2)),
        ("3080020101020102", None, (1, 2)),
        ("3006020101020202", None, None),  # less there than it says
        ("3106020101020102", None, None),
        ("3006030101020102", None, None),
        ("", None, None),
    ],
)
def test_what_the_two_allow(text: str, is_strict: Numbers, lenient: Numbers) -> None:
    check([bytes.fromhex(text)])
    assert (strict(bytes.fromhex(text)), lax(bytes.fromhex(text))) == (is_strict, lenient)


def test_what_is_too_large_is_well_formed() -> None:
    rows, malformed = parse_der([written(2**256, 1), written(1, 2**256 + 5)], strict=True)
    assert not malformed.any()
    assert rows.tobytes() == NO_SIGNATURE * 2


def test_strict_agrees_with_libsecp256k1() -> None:
    """It refuses other things too, such as lengths in the long form, and takes more than 72 bytes: those apart."""
    library = pytest.importorskip("coincurve._libsecp256k1", reason="coincurve is not installed")
    coincurve = pytest.importorskip("coincurve")
    ffi, lib, context = library.ffi, library.lib, coincurve.GLOBAL_CONTEXT.ctx
    parsed = ffi.new("secp256k1_ecdsa_signature *")
    rng = random.Random(9)
    texts = [sample(rng) for _ in range(3000)]
    texts += [changed(text, rng) for text in texts]
    rows, malformed = parse_der(texts, strict=True)
    compared = 0
    for text, row, bad in zip(texts, rows, malformed, strict=True):
        taken = lib.secp256k1_ecdsa_signature_parse_der(context, parsed, text, len(text))
        if not bad:
            assert taken, text.hex()
            again = ffi.new("unsigned char[64]")
            lib.secp256k1_ecdsa_signature_serialize_compact(context, again, parsed)
            r, s = bytes(ffi.buffer(again))[:32], bytes(ffi.buffer(again))[32:]
            if row.tobytes() == NO_SIGNATURE:
                assert bytes(32) in (r, s)  # a number that is too large becomes zero there
            else:
                assert row.tobytes() == r + s or bytes(32) in (r, s)
                compared += row.tobytes() == r + s
        elif taken:
            # libsecp256k1 takes negative integers, as out of range, and does not mind the length.
            assert len(text) > 72 or text[4] >= 0x80 or text[6 + text[3]] >= 0x80, text.hex()
    assert compared > 2000


def test_compact() -> None:
    good = bytes(range(64))
    rows, malformed = parse([good, good[:63], b"", good + b"\0", good], "compact")
    assert rows.tobytes() == good + NO_SIGNATURE * 3 + good
    assert malformed.tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_nothing_to_parse(encoding: Encoding) -> None:
    rows, malformed = parse([], encoding)
    assert rows.shape == (0, 64)
    assert malformed.shape == (0,)


def test_encodings_by_name() -> None:
    texts = [written(1, 2), bytes.fromhex("3006020181020102"), bytes(64)]
    assert parse(texts, "der")[1].tolist() == [False, True, True]
    assert parse(texts, "lax-der")[1].tolist() == [False, False, True]
    assert parse(texts, "compact")[1].tolist() == [True, True, False]
    with pytest.raises(UsageError, match="no signature encoding 'ber'; there are der, lax-der, compact"):
        parse(texts, "ber")  # type: ignore[arg-type]
