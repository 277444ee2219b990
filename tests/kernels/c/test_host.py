"""Windows cut into launches, whatever the device answers; a device that cannot be had here is played by Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
import pytest

from quorate.kernels.backend import NONCES, Bytes2D, Device, DeviceError, Nonces, with_version
from quorate.kernels.c.host import LARGEST_LAUNCH, QUEUED, CBackend, Found, Pace, launches, source

HEADER = bytes(range(80))
DEVICE = Device("opencl:0", "c", "a processor in Python")


def value(nonce: int, header: bytes = HEADER) -> int:
    digest = sha256(sha256(header[:76] + nonce.to_bytes(4, "little")).digest()).digest()
    return int.from_bytes(digest, "little")


class PythonLauncher:
    """Keeps a launcher's contract with a buffer of `capacity` candidates, and notes the launches."""

    step = 10
    versions = 4
    versions_step = 20

    def __init__(self, capacity: int = 8) -> None:
        self.capacity = capacity
        self.launches: list[tuple[int, int]] = []

    def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
        candidates = [n for n in range(start, start + count) if value(n, header) >> 224 <= top]
        return self._queue(start, count, candidates)

    def search_versions(
        self, header: bytes, versions: Nonces, start: int, count: int, top: int
    ) -> Callable[[], Found]:
        assert len(versions) == self.versions
        headers = [with_version(header, int(version)) for version in versions]
        values = [value(nonce, rolled) for nonce in range(start, start + count) for rolled in headers]
        return self._queue(start, count, [i for i, v in enumerate(values) if v >> 224 <= top])

    def fingerprint(self, header: bytes, start: int, count: int) -> Callable[[], bytes]:
        raise AssertionError("not asked for")

    def _queue(self, start: int, count: int, candidates: list[int]) -> Callable[[], Found]:
        self.launches.append((start, count))
        found = len(candidates), np.array(candidates[: self.capacity][::-1], np.uint32)
        return lambda: found

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        digests = b"".join(sha256(sha256(h.tobytes()).digest()).digest() for h in headers)
        return np.frombuffer(digests, np.uint8).reshape(-1, 32)


@pytest.mark.parametrize("capacity", [1, 2, 7, 8, 9, 1000])
@pytest.mark.parametrize("target", [(1 << 256) - 1, 1 << 255, 1 << 250, 0])
def test_no_hit_is_lost_to_a_full_buffer(capacity: int, target: int) -> None:
    launcher = PythonLauncher(capacity)
    hits = CBackend(DEVICE, launcher, 0.01).search(HEADER, 1000, 300, target)
    assert hits.nonces.tolist() == [n for n in range(1000, 1300) if value(n) <= target]
    if capacity < 8 and target == (1 << 256) - 1:
        assert max(count for _, count in launcher.launches) > capacity, "the buffer never overflowed"


def hits_of_versions(versions: Sequence[int], start: int, count: int, target: int) -> list[list[int]]:
    headers = [with_version(HEADER, version) for version in versions]
    return [[n for n in range(start, start + count) if value(n, header) <= target] for header in headers]


@pytest.mark.parametrize("capacity", [4, 5, 31, 1000])
@pytest.mark.parametrize("target", [(1 << 256) - 1, 1 << 255, 1 << 250, 0])
def test_no_hit_of_a_version_is_lost_to_a_full_buffer(capacity: int, target: int) -> None:
    launcher = PythonLauncher(capacity)
    versions = [5, 1 << 31, 7, 5]
    found = CBackend(DEVICE, launcher, 0.01).search_versions(HEADER, versions, 1000, 100, target)
    assert [hits.nonces.tolist() for hits in found] == hits_of_versions(versions, 1000, 100, target)
    if capacity < 31 and target == (1 << 256) - 1:
        assert max(4 * count for _, count in launcher.launches) > capacity, "the buffer never overflowed"


@pytest.mark.parametrize("number", range(13))
def test_any_number_of_versions(number: int) -> None:
    versions = [0x20000000 + (i << 13) for i in range(number)]
    found = CBackend(DEVICE, PythonLauncher(1000), 0.01).search_versions(HEADER, versions, 3, 50, 1 << 254)
    assert [hits.nonces.tolist() for hits in found] == hits_of_versions(versions, 3, 50, 1 << 254)


@pytest.mark.parametrize(("number", "shared"), [(2, 0), (3, 1), (4, 1), (6, 1), (7, 2)])
def test_versions_that_fill_no_group_are_searched_one_by_one(number: int, shared: int) -> None:
    """For one version in a group of four, three hashes of four would be for nothing."""

    class Counting(PythonLauncher):
        groups = 0

        def search_versions(
            self, header: bytes, versions: Nonces, start: int, count: int, top: int
        ) -> Callable[[], Found]:
            self.groups += 1
            return super().search_versions(header, versions, start, count, top)

    launcher = Counting()
    CBackend(DEVICE, launcher, 0.01).search_versions(HEADER, range(number), 0, 1, 0)
    assert launcher.groups == shared


def test_places_that_cannot_be_are_the_devices_fault() -> None:
    class Liar(PythonLauncher):
        def search_versions(
            self, header: bytes, versions: Nonces, start: int, count: int, top: int
        ) -> Callable[[], Found]:
            return lambda: (1, np.array([self.versions * count], np.uint32))

    with pytest.raises(DeviceError, match="opencl:0 reported what cannot be"):
        CBackend(DEVICE, Liar(), 0.01).search_versions(HEADER, range(4), 1000, 5, (1 << 256) - 1)


def test_candidates_are_decided_by_all_256_bits() -> None:
    exact = value(1234)
    for target, expected in ((exact, True), (exact - 1, False), (exact + 1, True)):
        hits = CBackend(DEVICE, PythonLauncher(), 0.01).search(HEADER, 1234, 1, target)
        assert (1234 in hits.nonces) == expected


@pytest.mark.parametrize("lie", [[1000, 1000], [999], [1010], [NONCES - 1]])
def test_nonces_that_cannot_be_are_the_devices_fault(lie: list[int]) -> None:
    class Liar(PythonLauncher):
        def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
            return lambda: (len(lie), np.array(lie, np.uint32))

    with pytest.raises(DeviceError, match="opencl:0 reported what cannot be"):
        CBackend(DEVICE, Liar(), 0.01).search(HEADER, 1000, 10, (1 << 256) - 1)


def test_more_candidates_than_nonces_are_the_devices_fault() -> None:
    class Liar(PythonLauncher):
        def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
            return lambda: (count + 1, np.arange(start, start + self.capacity, dtype=np.uint32))

    with pytest.raises(DeviceError, match="11 candidates among 10 hashes"):
        CBackend(DEVICE, Liar(), 0.01).search(HEADER, 1000, 10, (1 << 256) - 1)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 995])
def test_a_launch_is_queued_before_the_last_one_is_read(count: int) -> None:
    events: list[tuple[str, int]] = []

    def launch(start: int, count: int) -> Callable[[], range]:
        events.append(("queued", start))

        def wait() -> range:
            events.append(("read", start))
            return range(start, start + count)

        return wait

    parts = list(launches(launch, Pace(10, 1e-9), 1, 1000, count, lambda size, _: size < 8))
    assert sorted(nonce for _, part in parts for nonce in part) == list(range(1000, 1000 + count))
    assert all(position == part[0] and len(part) < 8 for position, part in parts)
    queued, read = ([start for what, start in events if what == kind] for kind in ("queued", "read"))
    assert read == queued
    for place, (what, _) in enumerate(events):
        done = events[: place + 1]
        in_flight = sum(1 if kind == "queued" else -1 for kind, _ in done)
        assert 0 <= in_flight <= QUEUED
        if what == "read" and count > 11 and len(done) < len(events) - QUEUED:
            assert in_flight == QUEUED - 1, "the device had nothing to do"


def test_the_pace_comes_to_launches_as_long_as_they_should_be() -> None:
    pace = Pace(step=2048, seconds=0.05)
    rate = 60e6
    for _ in range(20):
        pace.learn(pace.hashes, pace.hashes / rate)
    assert pace.hashes / rate == pytest.approx(0.05, rel=0.1)
    assert pace.hashes % 2048 == 0


def test_the_pace_keeps_within_what_a_launch_can_count() -> None:
    pace = Pace(step=1 << 20, seconds=0.05)
    for _ in range(40):
        pace.learn(pace.hashes, 1e-9)
    assert pace.hashes <= LARGEST_LAUNCH
    for _ in range(40):
        pace.learn(pace.hashes, 1000.0)
    assert pace.hashes == 1 << 20


def test_the_pace_learns_nothing_from_the_rest_of_a_window() -> None:
    pace = Pace(step=100, seconds=1.0)
    pace.learn(99, 1e-9)
    assert pace.hashes == 100


def test_the_text_needs_no_file_beside_it() -> None:
    kernels = {"search.cl": ["search", "fingerprint", "hash_headers"], "versions.cl": ["search_versions"]}
    for file, names in kernels.items():
        assert "#include" not in source(file)
        assert re.findall(r"^KERNEL void (\w+)\(", source(file), re.MULTILINE) == names
    assert source() == source("search.cl")
