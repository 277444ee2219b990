"""The kernel of every way, called as it is: what it finds is complete and in order."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.kernels.backend import with_version
from quorate.kernels.py import processor
from quorate.kernels.py.cpu_ways import MOST_VERSIONS, ONE_CHAIN, SHA_NI, TWO_CHAINS, roll, scan, together, ways

from .. import oracle

LANES, _ = processor.simd()


@pytest.mark.parametrize(
    ("way", "versions", "expected"),
    [
        (ONE_CHAIN, 7, 1),
        (ONE_CHAIN, 8, 8),
        (ONE_CHAIN, 40, 8),
        (TWO_CHAINS, 15, 8),
        (TWO_CHAINS, 16, 16),
        (TWO_CHAINS, 7, 1),
        (SHA_NI, 1, 1),
        (SHA_NI, 3, 2),
        (SHA_NI, 21, 20),
        (SHA_NI, 1000, MOST_VERSIONS),
    ],
)
def test_versions_that_are_searched_together(way: str, versions: int, expected: int) -> None:
    assert together(8, way, versions) == expected


@pytest.mark.parametrize("way", ways())
def test_a_full_buffer_interrupts_the_kernel_and_loses_nothing(way: str) -> None:
    header = oracle.random_header(3)
    kernel = scan(LANES, way, header)
    limit, count = 1 << 30, 20 * LANES + 1
    expected = [n for n in range(5, 5 + count) if oracle.value(header, n) >> 224 <= limit]
    collected, position, calls = [], 0, 0
    while position < count:
        found = np.full(2 * LANES + 1, 0xDEADBEEF, np.uint32)
        advanced, hits = kernel(5 + position, count - position, limit, found)
        assert 0 < advanced <= count - position
        collected += found[:hits].tolist()
        position, calls = position + advanced, calls + 1
    assert collected == expected
    assert calls > 1


@pytest.mark.parametrize("way", ways())
def test_a_full_buffer_interrupts_the_kernel_of_versions_and_loses_nothing(way: str) -> None:
    versions = range(together(LANES, way, 2 * LANES))
    headers = [with_version(oracle.random_header(3), version) for version in versions]
    kernel = roll(LANES, way, headers)
    limit, count = 1 << 30, 20 * LANES + 1
    window = range(5, 5 + count)
    expected = [(v, n) for n in window for v in versions if oracle.value(headers[v], n) >> 224 <= limit]
    collected, position, calls = [], 0, 0
    while position < count:
        found = np.full((len(versions) * max(len(versions), LANES) + 1, 2), 0xDEADBEEF, np.uint32)
        advanced, hits = kernel(5 + position, count - position, limit, found)
        assert 0 < advanced <= count - position
        collected += [tuple(pair) for pair in found[:hits].tolist()]
        position, calls = position + advanced, calls + 1
    assert collected == expected
    assert calls > 1
