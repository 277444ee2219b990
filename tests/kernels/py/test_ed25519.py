"""Ed25519 in batches: published vectors, and the edges of both rules against plain integers."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from quorate.kernels.py import base_point_table, ed25519, lanes, multiplier, power_25519
from quorate.kernels.py.cache import compiled
from quorate.kernels.signatures import ED25519_RULES, Codes, Ed25519Rule, Scheme, SignatureBatch, Verdict

LANES = multiplier.lanes()

pytestmark = pytest.mark.skipif(LANES == 0, reason="the processor has no AVX2")

Case = tuple[bytes, bytes, bytes]
"""Key, signature, message."""


def verify(cases: Sequence[Case], rule: Ed25519Rule) -> list[Verdict]:
    keys, signatures, messages = zip(*cases, strict=True) if cases else ((), (), ())
    batch = SignatureBatch.of(Scheme.ED25519, keys, signatures, messages)
    return [Verdict(code) for code in codes(batch, rule)]


def codes(batch: SignatureBatch, rule: Ed25519Rule) -> Codes:
    return ed25519.verify(batch.keys, batch.signatures, batch.messages, batch.offsets, rule, LANES)


# The oracle: RFC 8032, sections 5.1.2 to 5.1.7, and ZIP 215, in plain integers and affine fractions.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)  # noqa: E741  the root of -1

Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def plus(one: Point, other: Point) -> Point:
    (X1, Y1, Z1, T1), (X2, Y2, Z2, T2) = one, other
    A, B, C, ZZ = (Y1 - X1) * (Y2 - X2), (Y1 + X1) * (Y2 + X2), 2 * D * T1 * T2, 2 * Z1 * Z2
    E, F, G, H = B - A, ZZ - C, ZZ + C, B + A
    return E * F % P, G * H % P, F * G % P, E * H % P


def times(factor: int, point: Point) -> Point:
    total = NEUTRAL
    for bit in f"{factor:b}":
        total = plus(total, total)
        if bit == "1":
            total = plus(total, point)
    return total


def negative(point: Point) -> Point:
    X, Y, Z, T = point
    return -X % P, Y, Z, -T % P


def encode(point: Point) -> bytes:
    X, Y, Z, _ = point
    inverse = pow(Z, -1, P)
    return (Y * inverse % P | (X * inverse % P & 1) << 255).to_bytes(32, "little")


def decode(encoded: bytes, rule: Ed25519Rule) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if rule == "rfc8032" and y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * I % P
    if x * x % P != square:
        return None
    if x == 0 and sign and rule == "rfc8032":
        return None
    if x & 1 != sign:
        x = -x % P
    return x, y % P, 1, x * y % P


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"), "rfc8032") or NEUTRAL


def hashed(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def expected(case: Case, rule: Ed25519Rule) -> Verdict:
    key, signature, message = case
    A, S = decode(key, rule), int.from_bytes(signature[32:], "little")
    if A is None:
        return Verdict.KEY
    if S >= L:
        return Verdict.RANGE
    Q = plus(times(S, BASE), negative(times(hashed(signature[:32], key, message), A)))
    if rule == "rfc8032":
        return Verdict.VALID if encode(Q) == signature[:32] else Verdict.EQUATION
    R = decode(signature[:32], rule)
    if R is None:
        return Verdict.EQUATION
    X, Y, Z, _ = times(8, plus(Q, negative(R)))
    return Verdict.VALID if X == 0 and Y == Z else Verdict.EQUATION


# Cases.


def signed(seed: int, message: bytes) -> Case:
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"%d" % seed).digest())
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), private.sign(message), message


@cache
def torsion() -> list[Point]:
    """The eight points of small order."""
    y = 2
    while True:
        point = decode(y.to_bytes(32, "little"), "rfc8032")
        if point is not None:
            generator = times(L, point)
            if encode(times(4, generator)) != encode(NEUTRAL):
                return [times(factor, generator) for factor in range(8)]
        y += 1


def unusual_encodings() -> list[bytes]:
    """Of points of small order; with y of p or more; with x = 0 and the sign bit; and of no point."""
    numbers = [y | sign << 255 for y in range(P, 2**255) for sign in (0, 1)]
    numbers += [y | 1 << 255 for y in (1, P - 1)]
    return [encode(point) for point in torsion()] + [number.to_bytes(32, "little") for number in numbers]


@cache
def edges() -> list[Case]:
    rng = random.Random(7)
    unusual = unusual_encodings()
    cases = [(key, R + bytes(32), rng.randbytes(32)) for key in unusual for R in unusual[:24]]
    for index in range(160):
        a, r, message = rng.randrange(1, L), rng.randrange(1, L), rng.randbytes(rng.randrange(300))
        key = encode(plus(times(a, BASE), torsion()[rng.randrange(8) * (index & 1)]))
        R = encode(plus(times(r, BASE), torsion()[rng.randrange(8) * (index >> 1 & 1)]))
        S = (r + hashed(R, key, message) * a) % L
        cases.append((key, R + S.to_bytes(32, "little"), message))
        if index % 4 == 0:
            others = [S + L, 0, 1, L - 1, L, L + 1, 2**252, 2**253 - 1, 2**255, 2**256 - 1]
            cases += [(key, R + other.to_bytes(32, "little"), message) for other in others if other < 2**256]
            cases.append((rng.randbytes(32), R + S.to_bytes(32, "little"), message))
            cases.append((key, rng.randbytes(32) + S.to_bytes(32, "little"), message))
            cases.append((key, R + S.to_bytes(32, "little"), message + b"\0"))
    return cases


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_edges(rule: Ed25519Rule) -> None:
    cases = edges()
    verdicts = verify(cases, rule)
    assert verdicts == [expected(case, rule) for case in cases]
    assert set(verdicts) == {Verdict.VALID, Verdict.KEY, Verdict.RANGE, Verdict.EQUATION}


def test_the_rules_differ_where_they_say() -> None:
    """Small order without cofactor, an x = 0 with a sign, and a y of p or more."""
    message = b"both"
    neutral, signed_neutral = encode(NEUTRAL), (1 | 1 << 255).to_bytes(32, "little")
    above, order_4 = (P + 1).to_bytes(32, "little"), encode(torsion()[2])
    key, signature, _ = signed(1, message)
    for case, strict, lax in [
        ((neutral, neutral + bytes(32), message), Verdict.VALID, Verdict.VALID),
        ((neutral, order_4 + bytes(32), message), Verdict.EQUATION, Verdict.VALID),
        ((signed_neutral, neutral + bytes(32), message), Verdict.KEY, Verdict.VALID),
        ((above, neutral + bytes(32), message), Verdict.KEY, Verdict.VALID),
        ((neutral, above + bytes(32), message), Verdict.EQUATION, Verdict.VALID),
        ((key, signature, message), Verdict.VALID, Verdict.VALID),
        ((key, signature[:32] + b"\xff" * 32, message), Verdict.RANGE, Verdict.RANGE),
        (((2).to_bytes(32, "little"), b"\xff" * 64, message), Verdict.KEY, Verdict.KEY),
    ]:
        assert verify([case], "rfc8032") == [strict]
        assert verify([case], "zip215") == [lax]


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_mutations(rule: Ed25519Rule) -> None:
    """One bit anywhere is refused, and the neighbours of what is refused are not."""
    rng = random.Random(3)
    cases = [signed(seed, rng.randbytes(32)) for seed in range(300)]
    mutated = []
    for index, (key, signature, message) in enumerate(cases):
        if index % 3:
            whole = bytearray(key + signature + message)
            whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
            key, signature, message = bytes(whole[:32]), bytes(whole[32:96]), bytes(whole[96:])
        mutated.append((key, signature, message))
    verdicts = verify(mutated, rule)
    assert verdicts == [expected(case, rule) for case in mutated]
    assert [verdict == Verdict.VALID for verdict in verdicts] == [index % 3 == 0 for index in range(300)]


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_messages_of_any_length_side_by_side(rule: Ed25519Rule) -> None:
    lengths = [*range(301), 100_000, 0]
    random.Random(4).shuffle(lengths)
    cases = [signed(length, b"\xa5" * length) for length in lengths]
    assert set(verify(cases, rule)) == {Verdict.VALID}
    other = [(key, signature, message[:-1] + b"\0") for key, signature, message in cases if message]
    assert set(verify(other, rule)) == {Verdict.EQUATION}


@pytest.mark.parametrize("rule", ED25519_RULES)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 257])
def test_batches_of_any_size(count: int, rule: Ed25519Rule) -> None:
    """What is no key spoils no inversion: every seventh is none."""
    cases = [signed(seed, b"size") for seed in range(count)]
    cases = [
        ((2).to_bytes(32, "little"), *case[1:]) if index % 7 == 3 else case for index, case in enumerate(cases)
    ]
    verdicts = [Verdict.KEY if index % 7 == 3 else Verdict.VALID for index in range(count)]
    assert verify(cases, rule) == verdicts


def published(folder: Path) -> Iterable[Case]:
    for test in json.loads((folder / "rfc8032_section7_1.json").read_text()):
        yield bytes.fromhex(test["public"]), bytes.fromhex(test["signature"]), bytes.fromhex(test["message"])
    for line in (folder / "sign.input").read_text().split():
        _, key, message, signature = line.split(":")[:4]
        yield bytes.fromhex(key), bytes.fromhex(signature)[:64], bytes.fromhex(message)


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_published_vectors(vectors: Path, rule: Ed25519Rule) -> None:
    cases = list(published(vectors / "ed25519"))
    assert len(cases) == 5 + 1024
    assert set(verify(cases, rule)) == {Verdict.VALID}
    exchanged = [(cases[index - 1][0], *case[1:]) for index, case in enumerate(cases)]
    wrong = verify(exchanged, rule)
    assert [verdict == Verdict.VALID for verdict in wrong] == [
        cases[index - 1][0] == case[0] for index, case in enumerate(cases)
    ]


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_scalars_that_stay_long(rule: Ed25519Rule) -> None:
    """Hardly any k has halves much longer than 128 bits, and none can be chosen: here all stay at full length."""
    size, root_powers = power_25519.SIZE, power_25519.root_powers

    def verify_at_full_length(keys, signatures, messages, offsets, cofactored, multiples, memory, codes):  # type: ignore[no-untyped-def]
        element = lanes.zeros(size, LANES)
        record, strict = ed25519.RECORDS, lanes.splat(element, 0 if cofactored else -1)
        for lane in range(LANES):
            memory[ed25519.ITEMS, lane] = lane
        ed25519._begin(keys, signatures, messages, offsets, memory, record, element)
        root_powers(memory, record + ed25519.KEY + size, record + ed25519.R + size, element)
        ed25519._judge(memory, record, multiples, strict, 3 if cofactored else 0, element)
        for lane in range(LANES):
            codes[lane] = memory[record + ed25519.CODE, lane]

    kernel = compiled(verify_at_full_length, ed25519.signature(), LANES)
    memory = lanes.scratch(ed25519.RECORDS + ed25519.RECORD, LANES)
    multiples = base_point_table.multiples(power_25519.FIELD, LANES)
    cases, found = edges()[-256:], np.zeros(LANES, np.uint8)
    for first in range(0, len(cases), LANES):
        part = cases[first : first + LANES]
        batch = SignatureBatch.of(Scheme.ED25519, *zip(*part, strict=True))  # type: ignore[arg-type]
        arrays = batch.keys, batch.signatures, batch.messages, batch.offsets
        kernel(*arrays, rule == "zip215", multiples, memory, found)  # type: ignore[no-untyped-call]
        assert found.tolist() == [expected(case, rule) for case in part]


def test_zebra_agrees() -> None:
    zebra = pytest.importorskip("ed25519_zebra", reason="py-ed25519-zebra-bindings is not installed")
    cases = edges()
    for (key, signature, message), verdict in zip(cases, verify(cases, "zip215"), strict=True):
        try:
            accepted = zebra.ed_verify(signature, message, key)
        except ValueError:  # what it says of a key that is no point
            accepted = False
        assert accepted == (verdict == Verdict.VALID)


def test_threads_work_side_by_side() -> None:
    cases = [signed(seed, b"thread %d" % seed) for seed in range(40)]
    batch = SignatureBatch.of(Scheme.ED25519, *zip(*cases, strict=True))  # type: ignore[arg-type]
    batch.signatures.setflags(write=False)
    damaged = batch.take(np.arange(40))
    damaged.signatures[::3, 0] ^= 1
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(codes, [batch, damaged] * 8, ["rfc8032", "zip215"] * 8))
    for result in results[0::2]:
        assert not result.any()
    for result in results[1::2]:
        assert [code == Verdict.VALID for code in result] == [index % 3 != 0 for index in range(40)]
