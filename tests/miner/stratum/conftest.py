"""A pool, and sources that are closed when a test is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quorate.miner.stratum.address import parse_pools
from quorate.miner.stratum.connection import Timing
from quorate.miner.stratum.pool import PoolSource
from quorate.miner.stratum.protocol import Credentials

from .mining import QUICK, Open
from .server import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


@pytest.fixture
def open_source() -> Iterator[Open]:
    """Opens sources on the pools given, and closes them at the end."""
    sources = []

    def open_source(*pools: Pool | str, timing: Timing = QUICK) -> PoolSource:
        urls = ",".join(pool if isinstance(pool, str) else pool.url for pool in pools)
        sources.append(PoolSource(parse_pools(urls), Credentials("someone.rig", "secret word"), timing))
        return sources[-1]

    yield open_source
    for source in sources:
        source.close()
