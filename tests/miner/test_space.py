"""Everything in a work's space goes to somebody, and nothing goes to two: shown by recording what is searched."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import islice, product

import pytest

from quorate.kernels.backend import Hits, with_version
from quorate.kernels.reference import ReferenceBackend
from quorate.miner import space as space_module
from quorate.miner.space import ROLLED_VERSIONS, Space, versions
from quorate.miner.work import Work
from quorate.miner.worker import Worker

WORK = Work(
    id="1",
    version=0x20000000 | 1 << 13,
    version_mask=0b110101 << 13 | 1 << 28,  # five bits: 32 versions, two groups
    previous=sha256(b"below").digest(),
    time=1_700_000_000,
    time_last=1_700_000_001,
    bits=0x207FFFFF,
    target=1 << 252,
    coinbase=(b"before", b"behind"),
    extranonce_bytes=1,
    branch=(sha256(b"sibling").digest(),),
)
NONCES = 8

Place = tuple[bytes, int]
"""A header but for its nonce, and a nonce."""


@pytest.fixture
def _few_nonces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A space with all four dimensions that can be searched to its end."""
    monkeypatch.setattr(space_module, "NONCES", NONCES)


class Recorder(ReferenceBackend):
    """Keeps what it searched."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        self.places += [(header[:76], nonce) for nonce in range(start, start + count)]
        return super().search(header, start, count, target)

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        return [self.search(with_version(header, version), start, count, target) for version in versions]


def expected(work: Work, extranonces: int) -> set[Place]:
    times = range(work.time, work.time_last + 1)
    places = set()
    for extranonce, version, time in product(range(extranonces), set(versions(work)), times):
        header = work.header(extranonce, version, time)[:76]
        places |= {(header, nonce) for nonce in range(NONCES)}
    return places


def everything(space: Space, workers: Sequence[tuple[Worker, bool]], seed: int = 1) -> None:
    """Each worker in its thread takes windows of random sizes, and gives some back, until nothing is left."""
    held = threading.Semaphore(0)
    busy = [True] * len(workers)

    def take_all(index: int) -> None:
        worker, rolling = workers[index]
        rng = random.Random(seed + index)
        while True:
            busy[index] = True
            window = space.take(rng.randrange(2 * NONCES * ROLLED_VERSIONS), rolling)
            if window is None:
                busy[index] = False
                if not any(busy):
                    return
                held.acquire(timeout=0.001)
            elif rng.random() < 0.2:
                space.give_back(window)
            else:
                for hit in worker.search(window.job):
                    solution = window.solution(hit)
                    digest = sha256(sha256(solution.header).digest()).digest()
                    assert digest == solution.digest
                    assert int.from_bytes(digest, "little") <= space.work.target
                    solutions.append(solution.header)

    solutions: list[bytes] = []
    threads = [threading.Thread(target=take_all, args=(index,)) for index in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(solutions)) == len(solutions) > 0


@pytest.mark.usefixtures("_few_nonces")
@pytest.mark.parametrize("rolling", [(False, False), (True, True), (True, False), (False, True, True)])
def test_devices_do_everything_and_nothing_twice(rolling: tuple[bool, ...]) -> None:
    recorders = [Recorder() for _ in rolling]
    everything(Space(WORK), [(Worker(r), rolls) for r, rolls in zip(recorders, rolling, strict=True)])
    places = [place for recorder in recorders for place in recorder.places]
    assert len(places) == len(set(places)) == 256 * 32 * 2 * NONCES
    assert set(places) == expected(WORK, 256)


@pytest.mark.usefixtures("_few_nonces")
def test_without_room_there_are_the_nonces_of_one_header() -> None:
    work = replace(WORK, version_mask=0, extranonce_bytes=0, time_last=WORK.time, coinbase=(b"before", b"behind"))
    recorder = Recorder()
    space = Space(work)
    everything(space, [(Worker(recorder), True)])
    assert recorder.places == [(work.header(0, work.version, work.time)[:76], nonce) for nonce in range(NONCES)]
    assert space.take(1, rolling=True) is None


def test_versions_keep_what_may_not_be_rolled() -> None:
    for mask, count in ((0, 1), (1 << 28, 2), (WORK.version_mask, 32), (0x1FFFE000, 65536)):
        work = replace(WORK, version_mask=mask)
        found = list(versions(work))
        assert found[0] == work.version
        assert len(found) == len(set(found)) == count
        assert all((version ^ work.version) & ~mask == 0 for version in found)


def test_a_large_space_is_cut_as_it_is_used() -> None:
    work = replace(WORK, version_mask=0x1FFFE000, extranonce_bytes=8, time_last=WORK.time + 7200)
    space = Space(work)
    window = space.take(1 << 40, rolling=True)
    assert window is not None
    assert window.job.hashes == ROLLED_VERSIONS << 32
    assert window.job.versions == tuple(islice(versions(work), ROLLED_VERSIONS))
    plain = space.take(5000, rolling=False)
    assert plain is not None
    assert (plain.job.versions, plain.job.count, plain.job.start) == ((), 5000, 0)
    assert plain.job.header[:4] not in [version.to_bytes(4, "little") for version in window.job.versions]
