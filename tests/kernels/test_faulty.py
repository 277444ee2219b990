"""Each lie is told as it is named, and nothing else is touched."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from quorate.kernels.backend import DeviceError, UsageError
from quorate.kernels.faulty import HONEST_WINDOWS, IN_SEARCHES, IN_VERDICTS, LIES, Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Rules, Scheme, SignatureBatch, Verdict

from . import oracle, signature_cases

HEADER = oracle.random_header(20)
TARGET = 1 << 252
TRUE = oracle.hits(HEADER, 0, 500, TARGET)


def answer(liar: Faulty) -> list[int]:
    return [int(n) for n in liar.search(HEADER, 0, 500, TARGET).nonces]


def test_false_hit() -> None:
    found = answer(Faulty(ReferenceBackend(), "false-hit"))
    assert len(found) == len(TRUE) + 1
    assert set(TRUE) < set(found)


def test_false_hit_where_every_nonce_is_a_hit_has_nothing_to_add() -> None:
    hits = Faulty(ReferenceBackend(), "false-hit").search(HEADER, 0, 50, oracle.MAX_TARGET)
    assert len(hits) == 50


def test_withheld_hit() -> None:
    assert answer(Faulty(ReferenceBackend(), "withheld-hit")) == TRUE[1:]


def test_late_onset_is_honest_for_a_while() -> None:
    liar = Faulty(ReferenceBackend(), "late-onset")
    answers = [answer(liar) for _ in range(HONEST_WINDOWS + 3)]
    assert answers[:HONEST_WINDOWS] == [TRUE] * HONEST_WINDOWS
    assert answers[HONEST_WINDOWS:] == [TRUE[1:]] * 3


def test_intermittent_goes_to_and_fro() -> None:
    liar = Faulty(ReferenceBackend(), "intermittent")
    right = [answer(liar) == TRUE for _ in range(16)]
    assert True in right[right.index(False) :]


def test_flipped_bit() -> None:
    liar, honest = Faulty(ReferenceBackend(), "flipped-bit"), ReferenceBackend()
    assert answer(liar) == TRUE
    difference = np.frombuffer(liar.fingerprint(HEADER, 0, 99), np.uint8) ^ np.frombuffer(
        honest.fingerprint(HEADER, 0, 99), np.uint8
    )
    assert np.unpackbits(difference).sum() == 1
    headers = np.zeros((5, 80), np.uint8)
    assert np.unpackbits(liar.hash_headers(headers) ^ honest.hash_headers(headers)).sum() == 1


def test_slow_is_right_but_takes_its_time() -> None:
    began = time.perf_counter()
    ReferenceBackend().search(HEADER, 0, 4000, TARGET)
    honest = time.perf_counter() - began
    began = time.perf_counter()
    hits = Faulty(ReferenceBackend(), "slow").search(HEADER, 0, 4000, TARGET)
    assert time.perf_counter() - began > 3 * honest
    assert hits == ReferenceBackend().search(HEADER, 0, 4000, TARGET)


def test_crash() -> None:
    liar = Faulty(ReferenceBackend(), "crash")
    for _ in range(HONEST_WINDOWS):
        assert answer(liar) == TRUE
    with pytest.raises(DeviceError, match="faulty:crash:reference"):
        answer(liar)


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_says_so(lie: str) -> None:
    device = Faulty(ReferenceBackend(), lie).device
    assert device.name == f"faulty:{lie}:reference"
    assert "on purpose" in device.description


def test_every_lie_can_show_somewhere() -> None:
    """In searches, of which fingerprints are a part, or in verdicts, as the lists of both have it."""
    batch = signatures()
    for lie in LIES:
        liar, fingerprint = Faulty(ReferenceBackend(), lie), ReferenceBackend().fingerprint(HEADER, 0, 99)
        verdicts, searches = False, lie == "slow"
        for _ in range(HONEST_WINDOWS + 8):
            try:
                searches |= answer(liar) != TRUE or liar.fingerprint(HEADER, 0, 99) != fingerprint
            except DeviceError:
                searches = True
        liar = Faulty(ReferenceBackend(), lie)
        for _ in range(HONEST_WINDOWS + 8):
            try:
                verdicts |= liar.verify(batch).tolist() != GOOD_AND_BAD
            except DeviceError:
                verdicts = True
        assert (searches, verdicts) == (lie in IN_SEARCHES, lie in IN_VERDICTS)


def test_an_unknown_lie_is_refused() -> None:
    with pytest.raises(UsageError, match="no lie 'white'.*withheld-hit"):
        Faulty(ReferenceBackend(), "white")


GOOD_AND_BAD = [Verdict.EQUATION, Verdict.VALID, Verdict.VALID, Verdict.RANGE]


def signatures() -> SignatureBatch:
    """With the verdicts above."""
    rng = random.Random(1)
    cases = [signature_cases.good(Scheme.ECDSA, rng) for _ in range(4)]
    cases[0] = cases[0]._replace(message=bytes(32))
    cases[3] = cases[3]._replace(signature=bytes(64))
    return signature_cases.batch(cases, Rules())


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ("false-accept", [Verdict.VALID, *GOOD_AND_BAD[1:]]),
        ("false-refusal", [Verdict.EQUATION, Verdict.EQUATION, Verdict.VALID, Verdict.RANGE]),
        ("wrong-reason", [Verdict.KEY, *GOOD_AND_BAD[1:]]),
        ("flipped-bit", GOOD_AND_BAD),
    ],
)
def test_lies_about_signatures(lie: str, expected: list[Verdict]) -> None:
    assert Faulty(ReferenceBackend(), lie).verify(signatures()).tolist() == expected
    assert answer(Faulty(ReferenceBackend(), lie)) == TRUE


def test_wrong_reason_where_the_equation_was_not_the_reason() -> None:
    batch = signatures().take(np.array([3]))
    assert Faulty(ReferenceBackend(), "wrong-reason").verify(batch).tolist() == [Verdict.EQUATION]


@pytest.mark.parametrize("lie", ["false-accept", "false-refusal", "wrong-reason"])
def test_nothing_to_lie_about(lie: str) -> None:
    batch = signatures().take(np.array([1, 2] if lie != "false-refusal" else [0, 3]))
    honest = ReferenceBackend().verify(batch)
    assert np.array_equal(Faulty(ReferenceBackend(), lie).verify(batch), honest)


def test_late_onset_and_crash_in_verdicts() -> None:
    late, crash, batch = (
        Faulty(ReferenceBackend(), "late-onset"),
        Faulty(ReferenceBackend(), "crash"),
        signatures(),
    )
    for _ in range(HONEST_WINDOWS):
        assert late.verify(batch).tolist() == crash.verify(batch).tolist() == GOOD_AND_BAD
    assert late.verify(batch).tolist()[1] == Verdict.EQUATION
    with pytest.raises(DeviceError, match="faulty:crash:reference"):
        crash.verify(batch)
