"""Liars that get through their self-test, and work to lie about."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from time import sleep

from quorate.kernels.backend import Hits
from quorate.kernels.faulty import Faulty
from quorate.miner.work import Answer, Outcome, Solution, Work


class Disguised(Faulty):
    """Lies once it has work."""

    has_work = False

    def _spoil(self, work: Callable[[], list[Hits]]) -> list[Hits]:
        return super()._spoil(work) if self.has_work else work()


class Pool:
    """A source with one work that does not end, of a pool whose shares are easy: one in 2¹⁶ digests is one."""

    name = "pool"

    def __init__(self) -> None:
        self.only = Work(
            id="7",
            version=0x20000000,
            version_mask=0x1FFFE000,
            previous=bytes(32),
            time=1_700_000_000,
            time_last=1_700_000_600,
            bits=0x1D00FFFF,
            target=(1 << 240) - 1,
            coinbase=(b"before", b"after"),
            extranonce_bytes=4,
            branch=(),
        )
        self.solutions: list[Solution] = []

    def work(self, after: Work | None, timeout: float) -> Work | None:
        if after is None:
            return self.only
        sleep(timeout)
        return None

    def submit(self, solution: Solution) -> Future[Answer]:
        """Every other is refused."""
        self.solutions.append(solution)
        answer: Future[Answer] = Future()
        good = len(self.solutions) % 2
        answer.set_result(Answer(Outcome.ACCEPTED) if good else Answer(Outcome.REJECTED, "low-difficulty"))
        return answer

    def close(self) -> None:
        """Nothing to end."""
