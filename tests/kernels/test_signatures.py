"""The contract for batches of signatures: what fits together and what is refused."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pytest

from quorate.kernels.backend import UsageError
from quorate.kernels.signatures import NO_SIGNATURE, Rules, Scheme, SignatureBatch

from .signature_cases import Case, batch, good


def mixed(count: int) -> list[Case]:
    rng = random.Random(count)
    return [good(Scheme(i % 3), rng) for i in range(count)]


def test_what_goes_in_is_what_is_there() -> None:
    cases = mixed(9)
    made = batch(cases, Rules(low_s=True))
    assert len(made) == 9
    assert made.rules.low_s
    for row, case in enumerate(cases):
        assert made.schemes[row] == case.scheme
        assert made.keys[row].tobytes().startswith(case.key)
        assert made.signatures[row].tobytes() == case.signature
        assert made.message(row) == case.message


def test_an_array_of_signatures_is_taken_as_it_is() -> None:
    cases = mixed(3)
    rows = np.frombuffer(b"".join(case.signature for case in cases), np.uint8).reshape(3, 64)
    schemes, keys, messages = ([getattr(c, name) for c in cases] for name in ("scheme", "key", "message"))
    assert np.array_equal(SignatureBatch.of(schemes, keys, rows, messages).signatures, rows)


def test_an_empty_batch() -> None:
    assert len(SignatureBatch.of(Scheme.ECDSA, [], [], [])) == 0
    assert len(batch([], Rules()).take(np.zeros(0, np.int64))) == 0


@pytest.mark.parametrize("rows", [[], [0], [8], [3, 1, 1, 8], list(range(9))])
def test_take(rows: list[int]) -> None:
    cases = mixed(9)
    taken = batch(cases, Rules(ed25519="zip215")).take(np.array(rows, np.int64))
    again = batch([cases[row] for row in rows], Rules(ed25519="zip215"))
    assert taken.rules == again.rules
    for name in ("schemes", "keys", "signatures", "messages", "offsets"):
        assert np.array_equal(getattr(taken, name), getattr(again, name)), name


@pytest.mark.parametrize(
    "key", [b"", b"\x02", b"\x02" + bytes(31), b"\x02" + bytes(33), b"\x04" + bytes(32), b"\x05" * 33]
)
def test_an_ecdsa_key_of_the_wrong_length_becomes_one_without_a_prefix(key: bytes) -> None:
    assert not SignatureBatch.of(Scheme.ECDSA, [key], [bytes(64)], [bytes(32)]).keys.any()


@pytest.mark.parametrize(
    ("scheme", "keys", "signatures", "messages", "message"),
    [
        (Scheme.SCHNORR, [bytes(31)], [NO_SIGNATURE], [b""], "key of schnorr has 32 bytes, not 31"),
        (Scheme.ED25519, [bytes(33)], [NO_SIGNATURE], [b""], "key of ed25519 has 32 bytes, not 33"),
        (Scheme.ED25519, [bytes(32)], [bytes(63)], [b""], "signature in a batch has 64 bytes"),
        (Scheme.ECDSA, [bytes(33)], [NO_SIGNATURE], [bytes(31)], "32 bytes of the hash"),
        (Scheme.SCHNORR, [bytes(32)], [], [b""], "batch of 1 keys has 0 signatures and 1 messages"),
        (Scheme.SCHNORR, [bytes(32)], [NO_SIGNATURE], [], "1 signatures and 0 messages"),
    ],
)
def test_items_that_are_none(
    scheme: Scheme, keys: list[bytes], signatures: list[bytes], messages: list[bytes], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        SignatureBatch.of(scheme, keys, signatures, messages)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("schemes", np.zeros(2, np.int64), "schemes of a batch is uint8"),
        ("schemes", np.full(2, 3, np.uint8), "no signature scheme 3"),
        ("schemes", np.zeros(2, np.uint8), "ECDSA message is the 32 bytes"),
        (
            "keys",
            np.zeros((2, 64), np.uint8),
            r"keys of a batch is uint8 of shape \(2, 65\), not uint8 of shape \(2, 64\)",
        ),
        ("keys", np.zeros((3, 65), np.uint8), "keys of a batch"),
        ("signatures", np.zeros((2, 64), np.int8), "signatures of a batch is uint8"),
        ("messages", np.zeros((1, 5), np.uint8), "messages of a batch"),
        ("offsets", np.array([0, 5], np.int64), r"offsets of a batch is int64 of shape \(3,\)"),
        ("offsets", np.array([0, 2, 5], np.int32), "offsets of a batch is int64"),
        ("offsets", np.array([1, 2, 5], np.int64), "ascend from 0"),
        ("offsets", np.array([0, 2, 4], np.int64), "to the end"),
        ("offsets", np.array([0, 6, 5], np.int64), "ascend"),
    ],
)
def test_arrays_that_do_not_fit_together(name: str, value: npt.NDArray[np.generic], message: str) -> None:
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "schemes": np.full(2, Scheme.ED25519, np.uint8),
        "keys": np.zeros((2, 65), np.uint8),
        "signatures": np.zeros((2, 64), np.uint8),
        "messages": np.zeros(5, np.uint8),
        "offsets": np.array([0, 2, 5], np.int64),
    }
    SignatureBatch(**arrays)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        SignatureBatch(**arrays | {name: value})  # type: ignore[arg-type]


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="no Ed25519 rule 'rfc'; there is rfc8032 and zip215"):
        batch(mixed(1), Rules(ed25519="rfc"))  # type: ignore[arg-type]


def test_offsets_whose_differences_wrap_are_refused() -> None:
    batch = SignatureBatch.of(Scheme.SCHNORR, [bytes(32)] * 4, [bytes(64)] * 4, [b"", b"", b"", b"12345"])
    offsets = np.array([0, 2**62, -(2**63), -(2**62), 5], np.int64)
    with pytest.raises(UsageError, match="ascend"):
        SignatureBatch(batch.schemes, batch.keys, batch.signatures, batch.messages, offsets)


def test_arrays_of_any_stride_are_taken() -> None:
    batch = SignatureBatch.of(Scheme.ED25519, [bytes(32)] * 4, [bytes(64)] * 4, [b""] * 4)
    rows = slice(None, None, 2)
    offsets = np.zeros(3, np.int64)
    strided = SignatureBatch(
        batch.schemes[rows], batch.keys[rows], batch.signatures[rows], batch.messages, offsets
    )
    assert strided.keys.flags.c_contiguous
    assert np.array_equal(strided.keys, batch.keys[:2])


def test_fewer_schemes_than_keys_are_refused() -> None:
    with pytest.raises(UsageError, match="1 schemes"):
        SignatureBatch.of([Scheme.ED25519], [bytes(32)] * 2, [bytes(64)] * 2, [b""] * 2)
