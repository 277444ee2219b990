"""The contract of `kernels/signatures.py`, as every backend that verifies has to keep it."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels.backend import Backend, UsageError
from quorate.kernels.encodings import parse_der
from quorate.kernels.signatures import ED25519_RULES, Ed25519Rule, Rules, Scheme, SignatureBatch, Verdict

from . import signature_cases
from .signature_cases import Case

# Around every plausible number of lanes, and over a chunk or a block of threads.
SIZES = [0, 1, 7, 8, 9, 63, 64, 65, 257]


def schemes(verifier: Backend) -> list[Scheme]:
    """Those that it verifies: libsecp256k1 has no Ed25519."""
    return [s for s in Scheme if s != Scheme.ED25519 or "libsecp256k1" not in verifier.device.family]


def need(verifier: Backend, scheme: Scheme) -> None:
    if scheme not in schemes(verifier):
        pytest.skip(f"{verifier.device.name} verifies no {scheme.name}")


def verdicts(verifier: Backend, batch: SignatureBatch) -> list[Verdict]:
    codes = verifier.verify(batch)
    assert codes.dtype == np.uint8
    assert codes.shape == (len(batch),)
    return [Verdict(code) for code in codes.tolist()]


def wrong(verifier: Backend, cases: Sequence[Case], rules: Rules) -> list[tuple[Case, Verdict, Verdict]]:
    """Cases with the oracle's verdict and another one."""
    given = verdicts(verifier, signature_cases.batch(cases, rules))
    expected = [case.verdict(rules) for case in cases]
    return [found for found in zip(cases, expected, given, strict=True) if found[1] != found[2]]


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [
        (Scheme.ECDSA, Rules()),
        (Scheme.ECDSA, Rules(low_s=True)),
        (Scheme.ECDSA, Rules(hybrid_keys=True)),
        (Scheme.SCHNORR, Rules()),
        (Scheme.ED25519, Rules(ed25519="rfc8032")),
        (Scheme.ED25519, Rules(ed25519="zip215")),
    ],
    ids=lambda value: value.name if isinstance(value, Scheme) else "",
)
def test_edges(verifier: Backend, scheme: Scheme, rules: Rules) -> None:
    need(verifier, scheme)
    cases = signature_cases.edges(scheme)
    assert {case.verdict(rules) for case in cases} >= {Verdict.VALID, Verdict.KEY, Verdict.RANGE, Verdict.EQUATION}
    assert wrong(verifier, cases, rules) == []


@pytest.mark.parametrize("scheme", Scheme)
def test_random_mutated_and_crafted(verifier: Backend, scheme: Scheme) -> None:
    need(verifier, scheme)
    cases = signature_cases.random_cases(scheme, 80, seed=1)
    for rule in ED25519_RULES if scheme == Scheme.ED25519 else ("zip215",):
        assert wrong(verifier, cases, Rules(low_s=True, hybrid_keys=True, ed25519=rule)) == []


def test_what_is_crafted_is_what_its_name_says() -> None:
    by_name = {case.name: case for case in signature_cases.edges(Scheme.ECDSA)}
    for name, expected in (
        ("d = 1, infinity", Verdict.EQUATION),
        ("d = 1, equal points", Verdict.VALID),
        ("small y", Verdict.VALID),
        ("y + p", Verdict.KEY),
        (f"hash {2**256 - 1}", Verdict.VALID),
    ):
        assert by_name[name].verdict(Rules()) == expected
    wrapped = [case for name, case in by_name.items() if name.startswith("x(R) = r + n, r = ")]
    assert [case.verdict(Rules()) for case in wrapped] == [Verdict.VALID] * 4


def tampered(case: Case) -> Case:
    """With another message."""
    message = case.message[:-1] + bytes([case.message[-1] ^ 1]) if case.message else b"\0"
    return case._replace(message=message)


@pytest.mark.parametrize("size", SIZES)
def test_one_bad_signature_at_every_kind_of_place(verifier: Backend, size: int) -> None:
    """Schemes alternate in the batch, and the verdict is each signature's own."""
    rng, mixed = random.Random(size), schemes(verifier)
    cases = [signature_cases.good(mixed[i % len(mixed)], rng) for i in range(size)]
    assert verdicts(verifier, signature_cases.batch(cases, Rules())) == [Verdict.VALID] * size
    for place in sorted({0, 1, 7, 8, size // 2, size - 1} & set(range(size))):
        batch = signature_cases.batch([*cases[:place], tampered(cases[place]), *cases[place + 1 :]], Rules())
        expected = [Verdict.VALID] * size
        expected[place] = Verdict.EQUATION
        assert verdicts(verifier, batch) == expected


@pytest.mark.parametrize("scheme", Scheme)
def test_a_batch_of_nothing_but_bad_ones(verifier: Backend, scheme: Scheme) -> None:
    need(verifier, scheme)
    rng = random.Random(5)
    cases = [tampered(signature_cases.good(scheme, rng)) for _ in range(70)]
    assert verdicts(verifier, signature_cases.batch(cases, Rules())) == [Verdict.EQUATION] * 70


def test_any_memory_layout(verifier: Backend) -> None:
    rng, mixed = random.Random(6), schemes(verifier)
    cases = [signature_cases.good(mixed[i % len(mixed)], rng) for i in range(20)]
    cases[3] = tampered(cases[3])
    batch = signature_cases.batch(cases, Rules())
    wide = np.zeros((40, 200), np.uint8)
    keys, signatures = wide[::2, 3:68], wide[1::2, 100:164]
    keys[:], signatures[:] = batch.keys, batch.signatures
    strided = np.repeat(batch.schemes, 3)[::3], np.repeat(batch.messages, 2)[::2], np.repeat(batch.offsets, 2)[::2]
    spread = SignatureBatch(strided[0], keys, signatures, strided[1], strided[2])
    before = wide.copy()
    assert verdicts(verifier, spread) == verdicts(verifier, batch)
    assert np.array_equal(wide, before)


def test_what_pads_a_key_counts_for_nothing(verifier: Backend) -> None:
    rng, mixed = random.Random(7), schemes(verifier)
    batch = signature_cases.batch([signature_cases.good(scheme, rng) for scheme in mixed * 3], Rules())
    keys = batch.keys.copy()
    for row, scheme in enumerate(batch.schemes):
        length = 65 if scheme == Scheme.ECDSA and keys[row, 0] == 4 else 33 if scheme == Scheme.ECDSA else 32
        keys[row, length:] = 0xAB
    padded = SignatureBatch(batch.schemes, keys, batch.signatures, batch.messages, batch.offsets)
    assert set(verdicts(verifier, padded)) == {Verdict.VALID}


def test_wycheproof(verifier: Backend, vectors: Path) -> None:
    groups = json.loads((vectors / "wycheproof/ecdsa_secp256k1_sha256_test.json").read_text())["testGroups"]
    cases = [(group["publicKey"]["uncompressed"], case) for group in groups for case in group["tests"]]
    assert len(cases) == 476
    rows, malformed = parse_der([bytes.fromhex(case["sig"]) for _, case in cases], strict=True)
    keys = [bytes.fromhex(key) for key, _ in cases]
    hashes = [sha256(bytes.fromhex(case["msg"])).digest() for _, case in cases]
    given = verdicts(verifier, SignatureBatch.of(Scheme.ECDSA, keys, rows, hashes))
    assert [v == Verdict.VALID for v in given] == [case["result"] == "valid" for _, case in cases]
    assert all(v == Verdict.RANGE for v, bad in zip(given, malformed, strict=True) if bad)


def test_bip340(verifier: Backend, vectors: Path) -> None:
    with (vectors / "bips/bip340.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 19
    keys, signatures, messages = (
        [bytes.fromhex(row[column]) for row in rows] for column in ("public key", "signature", "message")
    )
    given = verdicts(verifier, SignatureBatch.of(Scheme.SCHNORR, keys, signatures, messages))
    assert [v == Verdict.VALID for v in given] == [row["verification result"] == "TRUE" for row in rows]


@pytest.mark.parametrize("rule", ED25519_RULES)
def test_ed25519_of_the_rfc_and_of_its_authors(verifier: Backend, vectors: Path, rule: Ed25519Rule) -> None:
    need(verifier, Scheme.ED25519)
    published = json.loads((vectors / "ed25519/rfc8032_section7_1.json").read_text())
    texts = [(v["public"], v["signature"], v["message"]) for v in published]
    assert len(texts) == 5
    with (vectors / "ed25519/sign.input").open() as file:
        columns = [line.split(":") for line in file]
    assert len(columns) == 1024
    texts += [(key, signed[:128], message) for _, key, message, signed, *_ in columns]
    keys, signatures, messages = ([bytes.fromhex(text) for text in column] for column in zip(*texts, strict=True))
    batch = SignatureBatch.of(Scheme.ED25519, keys, signatures, messages, Rules(ed25519=rule))
    assert set(verdicts(verifier, batch)) == {Verdict.VALID}
    longer = [message + b"\0" for message in messages[:200]]
    batch = SignatureBatch.of(Scheme.ED25519, keys[:200], signatures[:200], longer, Rules(ed25519=rule))
    assert set(verdicts(verifier, batch)) == {Verdict.EQUATION}


def block(rows: Sequence[dict[str, str]], signature: str) -> SignatureBatch:
    """The rows of a list of a block's signatures as a batch."""
    kinds = [Scheme.ECDSA if len(row["pubkey"]) > 64 else Scheme.SCHNORR for row in rows]
    texts = [bytes.fromhex(row[signature]) for row in rows]
    signatures = np.array([np.frombuffer(text.ljust(64, b"\0")[:64], np.uint8) for text in texts])
    ecdsa = np.array(kinds) == Scheme.ECDSA
    signatures[ecdsa], malformed = parse_der([texts[i] for i in np.flatnonzero(ecdsa)], strict=True)
    assert not malformed.any()
    hashes, keys = ([bytes.fromhex(row[column]) for row in rows] for column in ("sighash", "pubkey"))
    return SignatureBatch.of(kinds, keys, signatures, hashes)


@pytest.mark.parametrize(
    ("name", "signature", "count"), [("mainnet_413567_p2pkh", "sig_der", 3957), ("mainnet_866342", "sig", 7725)]
)
def test_real_blocks(verifier: Backend, vectors: Path, name: str, signature: str, count: int) -> None:
    with (vectors / f"signatures/{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    if "reference" in verifier.device.family:
        rows = rows[::11]  # it takes seconds for a block
    batch = block(rows, signature)
    assert set(verdicts(verifier, batch)) == {Verdict.VALID}
    # Each with the hash that its neighbour signed: none is valid, unless the neighbour signed the same.
    messages = np.roll(batch.messages.reshape(-1, 32), 1, axis=0)[:200]
    same = (messages == batch.messages.reshape(-1, 32)[:200]).all(axis=1)
    few = batch.take(np.arange(200))
    moved = SignatureBatch(few.schemes, few.keys, few.signatures, messages.ravel(), few.offsets)
    assert np.array_equal(verifier.verify(moved) == Verdict.VALID, same)


def test_the_device_says_what_it_is(verifier: Backend) -> None:
    assert verifier.device.available
    assert verifier.device.verifies
    assert verifier.device.family
    assert verifier.device.driver


def test_what_it_does_not_verify_is_an_error(verifier: Backend) -> None:
    if Scheme.ED25519 in schemes(verifier):
        pytest.skip(f"{verifier.device.name} verifies every scheme")
    case = signature_cases.good(Scheme.ED25519, random.Random(1))
    with pytest.raises(UsageError, match="no Ed25519"):
        verifier.verify(signature_cases.batch([case], Rules()))
