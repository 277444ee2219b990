"""A quorum is right if one member is, and says who was wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from quorate.kernels.backend import Backend, Bytes2D, Device, DeviceError, Hits, UsageError
from quorate.kernels.evidence import VERDICT_FAULTS, HeaderItem, voices
from quorate.kernels.faulty import LIES, Faulty
from quorate.kernels.findings import Finding, findings
from quorate.kernels.quorum import Quorum
from quorate.kernels.reference import ReferenceBackend

from . import oracle

HEADER = oracle.random_header(30)
TARGET = 1 << 251
SIZE = 4096


class Stranger(ReferenceBackend):
    """An honest backend that counts as one of another family."""

    def __init__(self, name: str = "stranger", family: str = "strange", driver: str = "unknown") -> None:
        description = "a reference in disguise"
        super().__init__(Device(name, family, description, driver=driver, hardware=f"chip of {name}"))


class Garbage(Stranger):
    """A device that is broken throughout: wrong hits, wrong digests."""

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        return super().search(header[::-1], start, count, target)

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        return super().fingerprint(header[::-1], start, count)

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        return super().hash_headers(headers[:, ::-1])


class OnceWrong(Stranger):
    """Wrong about the first fingerprint it is asked for, and never again: a transient fault."""

    spent = False

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        honest = super().fingerprint(header, start, count)
        if self.spent:
            return honest
        self.spent = True
        return bytes([honest[0] ^ 128]) + honest[1:]


def work(members: Sequence[Backend], windows: int = 12) -> tuple[Quorum, list[Finding]]:
    """A quorum after honest work, whose answers were checked against the oracle on the way."""
    quorum = Quorum(members, need=1)
    for start in range(0, windows * SIZE, SIZE):
        hits = quorum.search(HEADER, start, SIZE, TARGET)
        assert hits.nonces.tolist() == oracle.hits(HEADER, start, SIZE, TARGET)
        assert quorum.fingerprint(HEADER, start, SIZE) == oracle.fingerprint(HEADER, start, SIZE)
    return quorum, findings(quorum)


def test_honest_members_leave_no_finding() -> None:
    assert work([ReferenceBackend(), Stranger()], 2)[1] == []


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in VERDICT_FAULTS])
def test_every_lie_is_found_named_and_blamed(lie: str) -> None:
    _, found = work([Stranger(), Faulty(ReferenceBackend(), lie)])
    assert [(f.device, f.kind) for f in found] == [(f"faulty:{lie}:reference", lie)]
    assert found[0].right == ("stranger",)
    assert f"faulty:{lie}:reference" in found[0].text


@pytest.mark.parametrize("lie", ["false-hit", "withheld-hit", "flipped-bit", "late-onset", "intermittent"])
def test_two_identical_liars_lose_against_one_honest_device(lie: str) -> None:
    members: list[Backend] = [Faulty(ReferenceBackend(), lie), Stranger(), Faulty(ReferenceBackend(), lie)]
    _, found = work(members)
    assert [f.kind for f in found] == [lie, lie]
    assert {f.device for f in found} == {f"faulty:{lie}:reference"}
    assert all(f.shared == ("family", "driver", "hardware") for f in found)
    assert all(f.right == ("stranger",) for f in found)


def test_what_the_wrong_share_with_a_right_one_is_not_blamed() -> None:
    lie = "withheld-hit"
    one = Faulty(Stranger("a", family="c", driver="x"), lie)
    two = Faulty(Stranger("b", family="c", driver="x"), lie)
    _, found = work([one, two, Stranger("honest", family="c", driver="y")], 2)
    assert [f.shared for f in found] == [("driver",), ("driver",)]
    assert "share their driver" in found[0].text


def test_the_evidence_can_be_computed_again_by_anyone() -> None:
    _, found = work([Stranger(), Faulty(ReferenceBackend(), "withheld-hit")], 2)
    assert found[0].items
    for item in found[0].items:
        assert isinstance(item, HeaderItem)
        nonce = int.from_bytes(item.header[76:], "little")
        assert item.digest == oracle.digest(item.header, nonce)
        assert int.from_bytes(item.digest, "little") <= TARGET


def test_a_flipped_bit_is_located_to_its_nonce() -> None:
    _, found = work([Stranger(), Faulty(ReferenceBackend(), "flipped-bit")], 1)
    item = found[0].items[0]
    assert isinstance(item, HeaderItem)
    assert int.from_bytes(item.header[76:], "little") == 0
    assert found[0].again


def test_a_transient_fault_is_blamed_although_it_does_not_happen_again() -> None:
    _, found = work([Stranger(), OnceWrong("once")], 3)
    assert [(f.device, f.kind, f.fault, f.wrong, f.windows) for f in found] == [
        ("once", "intermittent", "flipped-bit", 1, 3)
    ]
    assert not found[0].again
    assert "it was right" in found[0].text


def test_garbage_is_adjudicated() -> None:
    quorum, found = work([Garbage("broken"), ReferenceBackend()], 2)
    assert {f.device for f in found} == {"broken"}
    assert {f.kind for f in found} >= {"false-hit", "withheld-hit", "flipped-bit"}
    headers = np.arange(80 * 7, dtype=np.int64).astype(np.uint8).reshape(7, 80)
    assert np.array_equal(quorum.hash_headers(headers), ReferenceBackend().hash_headers(headers))


def test_hash_headers_recomputes_what_is_disputed() -> None:
    quorum = Quorum([Faulty(ReferenceBackend(), "flipped-bit"), Stranger()], need=1)
    headers = np.zeros((3, 80), np.uint8)
    assert np.array_equal(quorum.hash_headers(headers), ReferenceBackend().hash_headers(headers))
    assert [(f.device, f.kind) for f in findings(quorum)] == [("faulty:flipped-bit:reference", "flipped-bit")]


def test_hits_that_all_withhold_are_beyond_comparison() -> None:
    """What a quorum cannot see: everybody telling the same lie. Canaries are for that."""
    lie = "withheld-hit"
    quorum = Quorum([Faulty(ReferenceBackend(), lie), Faulty(Stranger(), lie)])
    assert quorum.search(HEADER, 0, SIZE, TARGET).nonces.tolist() == oracle.hits(HEADER, 0, SIZE, TARGET)[1:]
    assert findings(quorum) == []


def test_twins_count_once() -> None:
    with pytest.raises(UsageError, match="2 members that differ in source family or driver; reference, reference"):
        Quorum([ReferenceBackend(), ReferenceBackend()])
    assert voices(Quorum([ReferenceBackend(), ReferenceBackend(), Stranger()]).records) == 2


def test_no_quorum_when_too_few_are_right() -> None:
    quorum = Quorum([Stranger(), Faulty(ReferenceBackend(), "withheld-hit")])
    with pytest.raises(DeviceError, match="no quorum.*only stranger"):
        quorum.search(HEADER, 0, SIZE, TARGET)


def test_all_members_failing_is_an_error_that_names_them() -> None:
    members = [Faulty(ReferenceBackend(), "crash"), Faulty(Stranger(), "crash")]
    with pytest.raises(DeviceError, match="crash:reference crashed.*crash:stranger crashed"):
        work(members)


def test_a_member_that_failed_is_not_asked_again() -> None:
    quorum, found = work([Stranger(), Faulty(ReferenceBackend(), "crash")], 9)
    assert found[0].windows == len(quorum.records[1].searches) == 4


def test_a_malformed_answer_counts_as_failure() -> None:
    class Unordered(Stranger):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            return Hits(start, count, super().search(header, start, count, target).nonces[::-1])

    _, found = work([ReferenceBackend(), Unordered("unordered")], 2)
    assert [(f.device, f.kind) for f in found] == [("unordered", "crash")]
    assert "ascending" in found[0].text


def test_a_simulator_is_not_called_slow() -> None:
    liar = Faulty(Stranger(), "slow")

    class Simulator(Faulty):
        @property
        def device(self) -> Device:
            return dataclasses.replace(super().device, simulator=True)

    assert work([ReferenceBackend(), Simulator(Stranger(), "slow")], 5)[1] == []
    assert [f.kind for f in work([ReferenceBackend(), liar], 5)[1]] == ["slow"]


def test_a_quorum_describes_itself() -> None:
    device = Quorum([ReferenceBackend(), Stranger()]).device
    assert device.name == "quorum:reference+stranger"
    assert device.family == "reference+strange"


@pytest.mark.parametrize("lie", ["false-hit", "withheld-hit", "crash"])
def test_lies_about_rolled_versions_are_found(lie: str) -> None:
    quorum = Quorum([Stranger(), Faulty(ReferenceBackend(), lie)], need=1)
    versions = [1, 2, 3]
    for start in range(0, 6 * 500, 500):
        found = quorum.search_versions(HEADER, versions, start, 500, TARGET)
        for version, hits in zip(versions, found, strict=True):
            header = version.to_bytes(4, "little") + HEADER[4:]
            assert hits.nonces.tolist() == oracle.hits(header, start, 500, TARGET)
    [finding] = findings(quorum)
    assert (finding.device, finding.kind) == (f"faulty:{lie}:reference", lie)
    assert finding.again == (lie != "crash")
    versions_of_items = {
        int.from_bytes(item.header[:4], "little") for item in finding.items if isinstance(item, HeaderItem)
    }
    assert bool(versions_of_items) == (lie != "crash")
    assert versions_of_items <= set(versions)


def test_an_answer_for_too_few_versions_is_a_failure() -> None:
    class Forgetful(Stranger):
        def search_versions(
            self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
        ) -> list[Hits]:
            return super().search_versions(header, versions[1:], start, count, target)

    quorum = Quorum([ReferenceBackend(), Forgetful()], need=1)
    quorum.search_versions(HEADER, [1, 2], 0, 100, TARGET)
    assert [f.kind for f in findings(quorum)] == ["crash"]


def test_rare_faults_of_two_members_do_not_hide_each_other() -> None:
    """One is wrong often enough to use up the search for evidence, the other about a single nonce."""

    class Wrong(Stranger):
        def __init__(self, name: str, nonces: set[int]) -> None:
            super().__init__(name, driver=f"driver of {name}")
            self.nonces = nonces

        def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
            honest = int.from_bytes(super().fingerprint(header, start, count), "little")
            for nonce in self.nonces & set(range(start, start + count)):
                honest ^= 1 << nonce % 256
            return honest.to_bytes(32, "little")

    quorum = Quorum([Wrong("often", {0, 1, 2, 3, 4}), Wrong("once", {1000})], need=0)
    assert quorum.fingerprint(HEADER, 0, 2000) == oracle.fingerprint(HEADER, 0, 2000)
    assert {f.device for f in findings(quorum)} == {"often", "once"}


def test_a_false_hit_that_all_share_is_no_hit() -> None:
    lie = "false-hit"
    quorum = Quorum([Faulty(ReferenceBackend(), lie), Faulty(Stranger(), lie)], need=0)
    assert quorum.search(HEADER, 0, SIZE, TARGET).nonces.tolist() == oracle.hits(HEADER, 0, SIZE, TARGET)
    assert [f.kind for f in findings(quorum)] == [lie, lie]


def test_an_answer_for_another_window_is_a_failure() -> None:
    class Elsewhere(Stranger):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            return super().search(header, start + 1, count, target)

        def hash_headers(self, headers: Bytes2D) -> Bytes2D:
            return super().hash_headers(headers)[1:]

    _, found = work([ReferenceBackend(), Elsewhere("elsewhere")], 2)
    assert [(f.device, f.kind) for f in found] == [("elsewhere", "crash")]
    assert "it answered for 4096 from 1" in found[0].text
    quorum = Quorum([ReferenceBackend(), Elsewhere("elsewhere")], need=1)
    headers = np.zeros((3, 80), np.uint8)
    assert np.array_equal(quorum.hash_headers(headers), ReferenceBackend().hash_headers(headers))
    assert [f.kind for f in findings(quorum)] == ["crash"]
