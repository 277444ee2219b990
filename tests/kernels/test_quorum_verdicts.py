"""A quorum's verdicts are right if one member's are, and it says who was wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from quorate.cli import show
from quorate.kernels.backend import Backend, Device, DeviceError, UsageError
from quorate.kernels.evidence import VERDICT_FAULTS, SignatureItem
from quorate.kernels.faulty import HONEST_WINDOWS, LIES, Faulty
from quorate.kernels.findings import Finding, findings
from quorate.kernels.quorum import Quorum
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, Rules, Scheme, SignatureBatch, Verdict

from . import signature_cases

RULES = Rules(low_s=True, ed25519="zip215")


def make(seed: int, count: int = 12) -> tuple[SignatureBatch, list[Verdict]]:
    """Good and bad ones of all schemes in turn, with the oracle's verdicts."""
    rng = random.Random(seed)
    cases = [signature_cases.good(Scheme(i % 3), rng) for i in range(count)]
    for i in range(0, count, 2):
        cases[i] = signature_cases.mutated(cases[i], rng)
    return signature_cases.batch(cases, RULES), [case.verdict(RULES) for case in cases]


BATCHES = [make(seed) for seed in range(8)]


class Stranger(ReferenceBackend):
    """An honest backend that counts as one of another family."""

    def __init__(self, name: str = "stranger") -> None:
        super().__init__(Device(name, "strange", "a reference in disguise", driver=name, verifies=True))


def work(members: Sequence[Backend]) -> tuple[Quorum, list[Finding]]:
    """A quorum after honest work, whose verdicts were checked against the oracle on the way."""
    quorum = Quorum(members, need=1)
    for batch, expected in BATCHES:
        verdicts = quorum.verify(batch)
        assert verdicts.dtype == np.uint8
        assert verdicts.tolist() == expected
    return quorum, findings(quorum)


ABOUT_SIGNATURES = [*VERDICT_FAULTS, "late-onset", "intermittent", "crash"]


def test_honest_members_leave_no_finding() -> None:
    assert work([ReferenceBackend(), Stranger()])[1] == []


@pytest.mark.parametrize("lie", ABOUT_SIGNATURES)
@pytest.mark.parametrize("first", [False, True])
def test_every_lie_is_found_named_and_blamed(lie: str, first: bool) -> None:
    members: list[Backend] = [Stranger(), Faulty(ReferenceBackend(), lie)]
    _, found = work(members[::-1] if first else members)
    assert [(f.device, f.kind) for f in found] == [(f"faulty:{lie}:reference", lie)]
    assert found[0].right == ("stranger",)
    assert f"faulty:{lie}:reference" in found[0].text
    if lie in VERDICT_FAULTS:
        assert found[0].wrong == found[0].windows == len(BATCHES)
        assert found[0].text == (
            f"faulty:{lie}:reference: {lie} in 8 of 8 batches; asked again, it was wrong again"
        )
    elif lie != "crash":
        assert found[0].fault == "false-refusal"


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in ABOUT_SIGNATURES])
def test_lies_about_other_things_leave_verdicts_alone(lie: str) -> None:
    assert work([Stranger(), Faulty(ReferenceBackend(), lie)])[1] == []


@pytest.mark.parametrize("lie", VERDICT_FAULTS)
def test_two_identical_liars_lose_against_one_honest_device(lie: str) -> None:
    _, found = work([Faulty(ReferenceBackend(), lie), Stranger(), Faulty(ReferenceBackend(), lie)])
    assert [(f.kind, f.right) for f in found] == [(lie, ("stranger",))] * 2
    assert "share their family and driver" in found[0].text


@pytest.mark.parametrize("lie", VERDICT_FAULTS)
def test_the_evidence_can_be_verified_again_by_anyone(lie: str) -> None:
    _, found = work([Stranger(), Faulty(ReferenceBackend(), lie)])
    assert len(found[0].items) == 4
    for item in found[0].items:
        assert isinstance(item, SignatureItem)
        case = signature_cases.Case("", item.scheme, item.key, item.signature, item.message)
        assert item.rules == RULES
        assert item.verdict == case.verdict(item.rules)
        assert (item.verdict == Verdict.VALID) == (lie == "false-refusal")
    shown = show.finding(found[0])["items"][0]
    item = found[0].items[0]
    assert isinstance(item, SignatureItem)
    assert (bytes.fromhex(shown["key"]), shown["scheme"]) == (item.key, item.scheme.name.lower())
    assert bytes.fromhex(shown["signature"] + shown["message"]) == item.signature + item.message
    assert shown["rules"] == {"low_s": True, "hybrid_keys": False, "ed25519": "zip215"}
    assert Verdict[shown["verdict"].upper()] == item.verdict


def test_a_wrong_verdict_that_all_give_is_beyond_comparison() -> None:
    """What a quorum cannot see: everybody telling the same lie."""
    batch, expected = BATCHES[0]
    quorum = Quorum([Faulty(ReferenceBackend(), "false-refusal"), Faulty(Stranger(), "false-refusal")])
    assert quorum.verify(batch).tolist() != expected
    assert findings(quorum) == []


def test_no_quorum_when_too_few_are_right() -> None:
    quorum = Quorum([Stranger(), Faulty(ReferenceBackend(), "false-accept")])
    with pytest.raises(DeviceError, match="no quorum.*only stranger"):
        quorum.verify(BATCHES[0][0])


def test_no_quorum_when_nobody_is_right() -> None:
    quorum = Quorum([Faulty(Stranger(), "false-refusal"), Faulty(ReferenceBackend(), "false-accept")])
    with pytest.raises(DeviceError, match="^no quorum: 2 independent members have to be right, and none was$"):
        quorum.verify(BATCHES[0][0])


def test_a_member_that_failed_is_not_asked_again() -> None:
    quorum, [found] = work([Stranger(), Faulty(ReferenceBackend(), "crash")])
    assert found.windows == len(quorum.records[1].batches) == HONEST_WINDOWS
    assert f"failed after {HONEST_WINDOWS} answers" in found.text


@pytest.mark.parametrize(
    "answer",
    [np.zeros(11, np.uint8), np.zeros(12, np.int64), np.full(12, 5, np.uint8), np.zeros((12, 1), np.uint8)],
)
def test_a_malformed_answer_counts_as_failure(answer: Codes) -> None:
    class Malformed(Stranger):
        def verify(self, batch: SignatureBatch) -> Codes:
            return answer

    _, found = work([ReferenceBackend(), Malformed("malformed")])
    assert [(f.device, f.kind) for f in found] == [("malformed", "crash")]
    assert "12 verdicts were asked for" in found[0].text


def test_what_a_member_does_not_verify_is_no_fault_of_it() -> None:
    class NoEd25519(Stranger):
        def verify(self, batch: SignatureBatch) -> Codes:
            if (batch.schemes == Scheme.ED25519).any():
                raise UsageError("no Ed25519 here")
            return super().verify(batch)

    quorum = Quorum([ReferenceBackend(), NoEd25519()])
    batch, expected = BATCHES[0]
    with pytest.raises(UsageError, match="no Ed25519 here"):
        quorum.verify(batch)
    rows = np.flatnonzero(batch.schemes != Scheme.ED25519)
    assert quorum.verify(batch.take(rows)).tolist() == [expected[row] for row in rows]
    assert findings(quorum) == []


def test_an_empty_batch() -> None:
    assert Quorum([ReferenceBackend(), Stranger()]).verify(make(0, 0)[0]).tolist() == []


def test_a_quorum_does_what_all_its_members_do() -> None:
    class Searcher(Stranger):
        def __init__(self) -> None:
            self.device = Device("searcher", "other", "", verifies=False)

    class Verifier(Stranger):
        def __init__(self) -> None:
            self.device = Device("verifier", "another", "", searches=False, verifies=True)

    for members, searches, verifies in (
        ([ReferenceBackend(), Stranger()], True, True),
        ([ReferenceBackend(), Searcher()], True, False),
        ([ReferenceBackend(), Verifier()], False, True),
    ):
        device = Quorum(members).device
        assert (device.searches, device.verifies) == (searches, verifies)
