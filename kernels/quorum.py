"""A backend made of backends: ask all of them, compare bit for bit, and let recomputation decide.

Nobody is outvoted. Every claimed hit, and whatever members disagree about, is computed again by the judge
(the reference), and disputed items by the accused too. So one honest member is right against any number of
wrong ones, and the answer that leaves the quorum is the recomputed one. What no comparison can see is a hit
that all members withhold, and a wrong verdict that all members give. What was wrong is kept in a record
(`kernels/evidence.py`), from which `kernels/findings.py` says who lied and how.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .backend import (
    Backend,
    Bytes2D,
    Device,
    DeviceError,
    Hits,
    Nonces,
    UsageError,
    check_headers,
    check_versions,
    check_window,
    with_version,
)
from .evidence import VERDICT_FAULTS, HeaderItem, Outcome, Record, SignatureItem, voices
from .reference import ReferenceBackend
from .signatures import Codes, SignatureBatch, Verdict

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

Flags = npt.NDArray[np.bool_]

EXAMPLES = 4
"""How many disputed items of one answer are looked at again and kept as evidence."""


MEASURABLE = 2000
"""Windows of fewer nonces measure the overhead of a call, not the speed of a device."""


class Quorum:
    """`members` as one backend.

    `need` is how many independent members have to give the right answer for it to count. Twins (same
    source family, same driver) count once. Raises `UsageError` when the members cannot reach `need` or one
    of them does not do what is asked, and `DeviceError` when failures or wrong answers leave fewer.
    """

    def __init__(self, members: Sequence[Backend], need: int = 2, judge: Backend | None = None) -> None:
        self.members = list(members)
        self.need = need
        self.judge = judge or ReferenceBackend()
        self.records = [Record(member.device) for member in members]
        self.yardstick: list[float] = []
        """Seconds a nonce of the judge, measured beside the searches so that the machine's load is the same."""
        if voices(self.records) < need:
            names = ", ".join(r.device.name for r in self.records)
            raise UsageError(
                f"a quorum of {need} needs {need} members that differ in source family or driver; {names} do not"
            )

    @property
    def device(self) -> Device:
        devices = [record.device for record in self.records]
        return Device(
            name="quorum:" + "+".join(d.name for d in devices),
            family="+".join(dict.fromkeys(d.family for d in devices)),
            description=f"{len(devices)} devices that check each other",
            driver="+".join(dict.fromkeys(d.driver for d in devices)),
            hardware="+".join(dict.fromkeys(d.hardware for d in devices)),
            searches=all(d.searches for d in devices),
            verifies=all(d.verifies for d in devices),
        )

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        answers = self._ask(lambda member: [member.search(header, start, count, target).of(start, count)])

        def again(_: int, nonce: int) -> Callable[[Backend], Hits]:
            return lambda member: member.search(header, nonce, 1, target)

        [truth] = self._adjudicate([header], target, answers, again)
        return truth

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        check_window(header, start, count, target)
        check_versions(versions)

        def question(member: Backend) -> list[Hits]:
            answer = member.search_versions(header, versions, start, count, target)
            return [hits.of(start, count) for _, hits in zip(versions, answer, strict=True)]  # too few: a failure

        def again(place: int, nonce: int) -> Callable[[Backend], Hits]:
            return lambda member: member.search_versions(header, [versions[place]], nonce, 1, target)[0]

        headers = [with_version(header, version) for version in versions]
        return self._adjudicate(headers, target, self._ask(question), again)

    def _adjudicate(
        self,
        headers: Sequence[bytes],
        target: int,
        answers: list[tuple[int, list[Hits], float]],
        again: Callable[[int, int], Callable[[Backend], Hits]],
    ) -> list[Hits]:
        """The right hits of each header, from the members' answers; who was wrong is noted.

        `again(place, nonce)` is the question whether a nonce is a hit for the header at that place.
        """
        truths = []
        right = {index for index, _, _ in answers}
        for place, header in enumerate(headers):
            given = {index: hits[place] for index, hits, _ in answers}
            truth = self._decide_hits(header, target, list(given.values()))
            truths.append(truth)
            for index, hits, seconds in answers:
                false = np.setdiff1d(hits[place].nonces, truth.nonces, assume_unique=True)
                withheld = np.setdiff1d(truth.nonces, hits[place].nonces, assume_unique=True)
                if len(false) or len(withheld):
                    right.discard(index)
                for fault, wrong, could in (
                    ("false-hit", false, truth.count > len(truth)),
                    ("withheld-hit", withheld, len(truth) > 0),
                ):
                    items = self._items(header, wrong)
                    repeated = any(self._wrong_again(index, item, target, place, again) for item in items)
                    outcome = Outcome(not items, truth.start, truth.count, seconds, items, repeated)
                    if could:
                        self._note(self.records[index], fault, outcome)
        for index, _, seconds in answers:
            start, hashes = (truths[0].start, sum(t.count for t in truths)) if truths else (0, 0)
            self.records[index].searches.append(Outcome(index in right, start, hashes, seconds))
        if sum(truth.count for truth in truths) >= MEASURABLE:
            began = time.perf_counter()
            self.judge.search(headers[0], 0, MEASURABLE, 0)
            self.yardstick.append((time.perf_counter() - began) / MEASURABLE)
        self._require([self.records[index] for index in right])
        return truths

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        answers = self._ask_fingerprints(header, start, count)
        given = {index: fingerprint for index, fingerprint, _ in answers}
        located: dict[int, list[HeaderItem]] = {}
        truth = answers[0][1]
        if len(set(given.values())) > 1:
            # What is located is evidence. Only the whole window decides, or a fault that was not located,
            # because it is rare or did not happen again, would be taken for the truth.
            located = self._locate(header, start, count)
            truth = self.judge.fingerprint(header, start, count)
        for index, fingerprint, seconds in answers:
            items = tuple(located.get(index, ()))
            outcome = Outcome(fingerprint == truth, start, count, seconds, items, bool(items))
            self._note(self.records[index], "flipped-bit", outcome)
        self._require([self.records[index] for index, value in given.items() if value == truth])
        return truth

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        answers = self._ask(lambda member: member.hash_headers(headers).reshape(len(headers), 32))
        truth = answers[0][1].copy()
        differing = [(digests != truth).any(axis=1) for _, digests, _ in answers]
        disputed = np.flatnonzero(reduce(np.logical_or, differing))
        truth[disputed] = self.judge.hash_headers(headers[disputed])
        right = []
        for index, digests, seconds in answers:
            rows = np.flatnonzero((digests != truth).any(axis=1))[:EXAMPLES]
            items = tuple(HeaderItem(headers[row].tobytes(), truth[row].tobytes()) for row in rows)
            again = len(rows) > 0 and self._hashes_wrong_again(index, headers[rows], truth[rows])
            outcome = Outcome(not items, 0, len(headers), seconds, items, again)
            self._note(self.records[index], "flipped-bit", outcome)
            if not items:
                right.append(self.records[index])
        self._require(right)
        return truth

    def verify(self, batch: SignatureBatch) -> Codes:
        answers = self._ask(lambda member: _verdicts(member.verify(batch), len(batch)))
        truth = answers[0][1].copy()
        differing = [verdicts != truth for _, verdicts, _ in answers]
        disputed = np.flatnonzero(reduce(np.logical_or, differing))
        truth[disputed] = self.judge.verify(batch.take(disputed))
        right = []
        for index, verdicts, seconds in answers:
            record = self.records[index]
            for fault, wrong, could in _verdict_faults(verdicts, truth):
                rows = np.flatnonzero(wrong)[:EXAMPLES]
                items = tuple(SignatureItem.of(batch, row, truth[row]) for row in rows.tolist())
                again = len(rows) > 0 and self._verdicts_wrong_again(index, batch.take(rows), truth[rows])
                outcome = Outcome(not items, 0, len(batch), seconds, items, again)
                if could:
                    self._note(record, fault, outcome)
            correct = np.array_equal(verdicts, truth)
            record.batches.append(Outcome(correct, 0, len(batch), seconds))
            if correct:
                right.append(record)
        self._require(right)
        return truth

    def _ask(self, question: Callable[[Backend], Answer]) -> list[tuple[int, Answer, float]]:
        """(member, answer, seconds) of every member that still works."""
        members = range(len(self.members))
        answers = [(i, *answer) for i in members if (answer := self._ask_one(i, question)) is not None]
        if not answers:
            said = "; ".join(f"{r.device.name}: {r.failure}" for r in self.records)
            raise DeviceError(f"every member of the quorum failed ({said})")
        return answers

    def _ask_fingerprints(self, header: bytes, start: int, count: int) -> list[tuple[int, bytes, float]]:
        return self._ask(lambda member: member.fingerprint(header, start, count))

    def _ask_one(self, index: int, question: Callable[[Backend], Answer]) -> tuple[Answer, float] | None:
        """(answer, seconds) of one member, or None where it has failed; a failure is recorded."""
        record = self.records[index]
        if record.failure:
            return None
        began = time.perf_counter()
        try:
            answer = question(self.members[index])
        except UsageError:  # what a device does not do is no fault of it
            raise
        except Exception as error:  # noqa: BLE001  a driver fails in ways that its library never announced
            record.failure = str(error) or type(error).__name__
            log.warning("%s failed: %s", record.device.name, record.failure)
            return None
        return answer, time.perf_counter() - began

    def _decide_hits(self, header: bytes, target: int, lists: list[Hits]) -> Hits:
        """Every hit that anybody claims, hashed again: one hash each, and no false hit that all share passes."""
        claimed = reduce(np.union1d, [hits.nonces for hits in lists])
        digests = self.judge.hash_headers(with_nonces(header, claimed))
        hit = np.array([int.from_bytes(d.tobytes(), "little") <= target for d in digests], bool)
        return Hits(lists[0].start, lists[0].count, claimed[hit].astype(np.uint32))

    def _items(self, header: bytes, wrong: Nonces) -> tuple[HeaderItem, ...]:
        """The first of the wrong nonces, with their right digests."""
        headers = with_nonces(header, wrong[:EXAMPLES])
        digests = self.judge.hash_headers(headers)
        return tuple(HeaderItem(h.tobytes(), d.tobytes()) for h, d in zip(headers, digests, strict=True))

    def _wrong_again(
        self,
        index: int,
        item: HeaderItem,
        target: int,
        place: int,
        again: Callable[[int, int], Callable[[Backend], Hits]],
    ) -> bool:
        """Whether the member, asked about this one nonce, is wrong about it once more."""
        answer = self._ask_one(index, again(place, item.nonce))
        return answer is not None and bool(len(answer[0])) != item.is_hit(target)

    def _hashes_wrong_again(self, index: int, headers: Bytes2D, truth: Bytes2D) -> bool:
        answer = self._ask_one(index, lambda member: member.hash_headers(headers))
        return answer is not None and not np.array_equal(answer[0], truth)

    def _verdicts_wrong_again(self, index: int, batch: SignatureBatch, truth: Codes) -> bool:
        answer = self._ask_one(index, lambda member: member.verify(batch))
        return answer is not None and not np.array_equal(answer[0], truth)

    def _locate(self, header: bytes, start: int, count: int) -> dict[int, list[HeaderItem]]:
        """By halving the window: the nonces whose digests members get wrong, a few for each."""
        located: dict[int, list[HeaderItem]] = {}
        found = 0
        pending = [(start, count)]
        while pending and found < EXAMPLES:
            first, size = pending.pop()
            given = self._ask_fingerprints(header, first, size)
            if len({fingerprint for _, fingerprint, _ in given}) == 1:
                continue
            if size > 1:
                half = size // 2
                pending += [(first + half, size - half), (first, half)]
                continue
            found += 1
            truth = self.judge.fingerprint(header, first, 1)
            item = HeaderItem(with_nonces(header, np.array([first], np.uint32))[0].tobytes(), truth)
            for index, fingerprint, _ in given:
                if fingerprint != truth:
                    located.setdefault(index, []).append(item)
        return located

    def _note(self, record: Record, fault: str, outcome: Outcome) -> None:
        outcomes = record.outcomes.setdefault(fault, [])
        if not outcome.right and all(earlier.right for earlier in outcomes):
            where = f"the {outcome.count} from {outcome.start}"
            log.warning("%s: %s, first among %s", record.device.name, fault, where)
        outcomes.append(outcome)

    def _require(self, right: Sequence[Record]) -> None:
        count = voices(right)
        if count < self.need:
            names = ", ".join(r.device.name for r in right)
            said = f"only {names} {'was' if len(right) == 1 else 'were'}" if right else "none was"
            raise DeviceError(f"no quorum: {self.need} independent members have to be right, and {said}")


def _verdicts(answer: Codes, count: int) -> Codes:
    """The answer, if it is one."""
    if answer.dtype != np.uint8 or answer.shape != (count,) or (answer > max(Verdict)).any():
        raise ValueError(f"{count} verdicts were asked for, and the answer is no such thing")
    return answer


def _verdict_faults(verdicts: Codes, truth: Codes) -> list[tuple[str, Flags, bool]]:
    """Each of `VERDICT_FAULTS`, in which rows it is there, and whether it could be in any."""
    said, valid = verdicts == Verdict.VALID, truth == Verdict.VALID
    wrong = (said & ~valid, ~said & valid, ~said & ~valid & (verdicts != truth))
    could = (not valid.all(), bool(valid.any()), not valid.all())
    return list(zip(VERDICT_FAULTS, wrong, could, strict=True))


def with_nonces(header: bytes, nonces: Nonces) -> Bytes2D:
    """One header for each nonce, uint8 of shape (n, 80)."""
    headers = np.tile(np.frombuffer(header, np.uint8), (len(nonces), 1))
    headers[:, 76:] = nonces.astype("<u4").view(np.uint8).reshape(-1, 4)
    return headers
