"""What the tests of the pool do as its miner."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from hashlib import sha256

from quorate.kernels.reference import ReferenceBackend
from quorate.miner.stratum.connection import Timing
from quorate.miner.stratum.jobs import StratumWork
from quorate.miner.stratum.pool import PoolSource
from quorate.miner.work import Solution, Work

QUICK = Timing(connect=2, greet=3, silence=5, answer=5, backoff=0.05, backoff_most=0.3, settled=0, linger=1)

Open = Callable[..., PoolSource]


def next_work(source: PoolSource, after: Work | None = None) -> StratumWork:
    work = source.work(after, 10)
    assert isinstance(work, StratumWork)
    return work


def shares(work: Work, version: int | None = None, seconds: int = 0) -> Iterator[Solution]:
    """Every share there is, one after another, found by hashing."""
    version = work.version if version is None else version
    for extranonce in itertools.count():
        header = work.header(extranonce, version, work.time + seconds)
        for nonce in ReferenceBackend().search(header, 0, 3000, work.target).nonces:
            whole = header[:76] + int(nonce).to_bytes(4, "little")
            digest = sha256(sha256(whole).digest()).digest()
            yield Solution(work, extranonce, version, work.time + seconds, int(nonce), digest)
