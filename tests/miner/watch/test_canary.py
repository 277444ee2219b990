"""Canaries: that they look like work, that their hits are hits, and how soon they find each lie."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from quorate.kernels.backend import NONCES, Backend, Bytes2D, DeviceError, Hits
from quorate.kernels.cpu import find, open_device
from quorate.kernels.faulty import HONEST_WINDOWS, Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.job import Job, complete_header, rolled_versions
from quorate.miner.sources.bundled import BUNDLED
from quorate.miner.watch import canary as canary_module
from quorate.miner.watch.canary import HITS_PER_WINDOW, Canaries, Canary, make, watch_target, windows_to_notice

HEADER = bytes(range(80))
WINDOW = 4096
JOB = Job(HEADER, watch_target(0, WINDOW), 7, WINDOW)
ROLLED = Job(HEADER, watch_target(0, 16 * WINDOW), 7, WINDOW, rolled_versions(HEADER, 16))
PUBLISHED = {block.header[:68] for block in BUNDLED}


@pytest.fixture(scope="module")
def fast() -> Backend:
    """The processor where its kernels run, since these are many windows; else the reference."""
    return open_device(find()[0]) if find()[0].available else ReferenceBackend()


def answer(backend: Backend, job: Job) -> list[tuple[int | None, Hits]]:
    if not job.versions:
        return [(None, backend.search(job.header, job.start, job.count, job.target))]
    rolled = backend.search_versions(job.header, job.versions, job.start, job.count, job.target)
    return list(zip(job.versions, rolled, strict=True))


def canaries_like(job: Job, count: int) -> list[Canary]:
    rng = random.Random(1)
    made = [make(job, ReferenceBackend(), rng, threading.Event()) for _ in range(count)]
    return [canary for canary in made if canary is not None]


@pytest.mark.parametrize("job", [JOB, ROLLED], ids=["nonces", "versions"])
def test_a_canary_looks_like_the_work_and_its_hit_is_one(job: Job, fast: Backend) -> None:
    kinds = set()
    for canary in canaries_like(job, 40):
        header = canary.job.header
        kinds.add(header[4:68] in {start[4:] for start in PUBLISHED})
        if header[4:68] not in {start[4:] for start in PUBLISHED}:
            assert (header[:36], header[68:]) == (job.header[:36], job.header[68:])
            assert header[36:68] != job.header[36:68]
            assert canary.job.versions == job.versions
        assert (canary.job.count, canary.job.target) == (job.count, job.target)
        assert len(canary.job.versions) == len(job.versions)
        hit = complete_header(header, canary.nonce, canary.version)
        digest = ReferenceBackend().hash_headers(bytes_as_headers(hit)).tobytes()
        assert int.from_bytes(digest, "little") <= job.target
        assert not canary.missed(answer(fast, canary.job))
    assert kinds == {True, False}


def bytes_as_headers(header: bytes) -> Bytes2D:
    return np.frombuffer(header, np.uint8).reshape(1, 80)


def test_real_blocks_meet_the_bits_of_their_own_header() -> None:
    blocks = [c for c in canaries_like(JOB, 60) if c.job.header[:68] in PUBLISHED]
    assert blocks
    for canary in blocks:
        start = canary.job.start
        assert start <= canary.nonce < start + WINDOW <= NONCES
        assert canary.nonce == int.from_bytes(canary.job.header[76:], "little")


def test_half_of_the_others_begin_with_their_hit(fast: Backend) -> None:
    made = [c for c in canaries_like(JOB, 120) if c.job.header[:68] not in PUBLISHED]
    first = [answer(fast, c.job)[0][1].nonces[0] == c.nonce for c in made]
    assert 0.35 < sum(first) / len(first) < 0.7


def test_an_answer_without_the_hit_is_told_from_one_with_it() -> None:
    for canary in canaries_like(ROLLED, 3):
        full = answer(ReferenceBackend(), canary.job)
        assert not canary.missed(full)
        for version, hits in full:
            nonces = hits.nonces[hits.nonces != canary.nonce]
            if version == canary.version:
                assert canary.missed([(version, Hits(hits.start, hits.count, nonces))])


@pytest.mark.parametrize("hashes", [4096, 3_000_000, 1 << 30, 1 << 36])
def test_a_window_has_some_hits_and_the_reference_finds_one(hashes: int) -> None:
    one_in = (1 << 256) / (watch_target(0, hashes) + 1)
    assert one_in <= 1 << canary_module.SCARCEST
    assert hashes / one_in >= HITS_PER_WINDOW


def test_work_that_is_easier_still_is_asked_as_it_is() -> None:
    easy = (1 << 256) // 2
    assert watch_target(easy, WINDOW) == easy


@pytest.fixture
def rarely() -> Iterator[Canaries]:
    with closing(Canaries(1 / 50, random.Random(5))) as canaries:
        yield canaries


def test_the_share_is_as_stated(rarely: Canaries) -> None:
    asked = 0
    for _ in range(4000):
        if rarely.due(JOB) is not None:
            asked += 1
        else:
            wait_for_maker(rarely)
    assert 50 < asked < 120


def wait_for_maker(canaries: Canaries) -> None:
    """So many windows in no time leave the maker behind, which a device never does."""
    if canaries._next is not None:
        canaries._next.result()


def test_no_share_is_no_canary() -> None:
    with closing(Canaries(0.0)) as canaries:
        assert [canaries.due(JOB) for _ in range(1000)] == [None] * 1000


def test_closing_does_not_wait_for_a_canary_that_nobody_can_make() -> None:
    canaries = Canaries(1.0)
    impossible = Job(HEADER, 0, 0, 1 << 31)
    for _ in range(20):
        canaries.due(impossible)
        time.sleep(0.005)
    began = time.perf_counter()
    canaries.close()
    assert time.perf_counter() - began < 1


def windows_until_missed(lie: str, inner: Backend, seed: int, limit: int = 20_000) -> int | None:
    """How many windows of live work a device with this lie does until a canary finds it."""
    device = Faulty(inner, lie)
    with closing(Canaries(rng=random.Random(seed))) as canaries:
        for window in range(1, limit):
            wait_for_maker(canaries)
            canary = canaries.due(JOB)
            answer(device, JOB)
            if canary is not None:
                try:
                    canaries.check(canary, answer(device, canary.job))
                except DeviceError:
                    assert canaries.missed == 1
                    return window
    return None


@pytest.mark.parametrize(
    ("lie", "caught"),
    [("withheld-hit", 1.0), ("late-onset", 1.0), ("intermittent", 0.5)],
)
def test_lies_are_found_when_it_was_said(lie: str, caught: float, fast: Backend) -> None:
    """A canary that begins with its hit, 7 of 16, finds who keeps the first; so do a few others."""
    begin = (1 - canary_module.PUBLISHED) * canary_module.AT_START
    elsewhere = (1 - begin) / (HITS_PER_WINDOW + 1)
    due = windows_to_notice(caught * (begin + elsewhere)) + (HONEST_WINDOWS if lie == "late-onset" else 0)
    times = [windows_until_missed(lie, fast, seed) for seed in range(8)]
    assert None not in times
    mean = sum(time for time in times if time is not None) / len(times)
    assert 0.4 * due < mean < 1.8 * due


def test_an_honest_device_misses_none(fast: Backend) -> None:
    with closing(Canaries(0.2, random.Random(3))) as canaries:
        for _ in range(400):
            wait_for_maker(canaries)
            if (canary := canaries.due(JOB)) is not None:
                canaries.check(canary, answer(fast, canary.job))
        assert canaries.asked > 40
        assert canaries.missed == 0
