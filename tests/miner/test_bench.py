"""Rates are measured, for every kind of work."""

from __future__ import annotations

from quorate.kernels.reference import ReferenceBackend
from quorate.miner.bench import bench


def test_rates_of_two_devices_side_by_side() -> None:
    done: list[int] = []
    rates = bench([ReferenceBackend(), ReferenceBackend()], rounds=2, progress=done.append)
    assert [r.work for r in rates] == ["search", "fingerprint", "hash_headers"] * 2
    assert all(len(r.samples) == 2 for r in rates)
    # hashlib does between ten thousand and a hundred million double hashes a second on any machine
    assert all(1e4 < r.median < 1e8 for r in rates)
    assert all(r.spread >= 0 for r in rates)
    assert done == list(range(1, 13))
