"""The host side that OpenCL and CuPy share: windows cut into launches, candidates decided, overflow split."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ..backend import (
    Bytes2D,
    Device,
    DeviceError,
    Hits,
    Nonces,
    SearchesOnly,
    check_headers,
    check_versions,
    check_window,
    with_version,
)

LARGEST_LAUNCH = 1 << 30
"""In hashes; the kernels count them, rounded up to whole steps, in 32 bits."""

HEADERS_AT_ONCE = 1 << 16
"""Headers of one launch of `hash_headers`: 5 MB in and 2 MB out."""

QUEUED = 2
"""Launches in the queue at a time, so that the device works on one while the other one's result is read."""

SHARING_PAYS = 0.75
"""How full a group of versions has to be so that hashing all of it is cheaper than those versions one by one."""


def source(*kernels: str) -> str:
    """The kernels of these files, by default those of search.cl, with what they need as one text, because not
    every compiler can be told where headers are."""
    folder = files(__package__)
    names = "dialect.h", "sha256.h", "header.h", *(kernels or ("search.cl",))
    return "".join(folder.joinpath(name).read_text() for name in names)


Result = TypeVar("Result")
Found = tuple[int, Nonces]
"""How many candidates there are, and the first of them, as many as the buffer holds."""


class Launcher(Protocol):
    """What a platform has to do: queue a kernel and bring back what it wrote.

    What is queued runs in its order. All but `hash_headers` queue and return a function that waits for the
    result; it is called in the order of the launches, and there are never more than `QUEUED` to be called.
    """

    step: int
    """Hashes that one step of all work items does, each with nonces of its own."""
    versions: int
    """How many versions `search_versions` takes."""
    versions_step: int
    """Hashes that one step of all work items does in `search_versions`; a multiple of `versions`."""
    capacity: int
    """Candidates that one launch can bring back; at least `versions`."""

    def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
        """The nonces that have digests with 32 top bits of at most `top`."""
        ...

    def search_versions(
        self, header: bytes, versions: Nonces, start: int, count: int, top: int
    ) -> Callable[[], Found]:
        """The same for the header with each of these versions.

        Version number v with the nonce `start + n` is reported as `len(versions) * n + v`.
        """
        ...

    def fingerprint(self, header: bytes, start: int, count: int) -> Callable[[], bytes]: ...

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        """Digests of at most `HEADERS_AT_ONCE` headers, at least one, contiguous."""
        ...


class Pace:
    """How many hashes to launch at once, so that a launch takes about as long as it should."""

    def __init__(self, step: int, seconds: float) -> None:
        self._step = step
        self._seconds = seconds
        self._steps = 1

    @property
    def hashes(self) -> int:
        return self._steps * self._step

    def learn(self, hashes: int, seconds: float) -> None:
        """Takes note of a launch. One that was smaller than asked for says little about the others."""
        if hashes == self.hashes:
            factor = min(max(self._seconds / max(seconds, 1e-6), 1 / 4), 4)
            self._steps = min(max(round(self._steps * factor), 1), LARGEST_LAUNCH // self._step)


def launches(
    launch: Callable[[int, int], Callable[[], Result]],
    pace: Pace,
    versions: int,
    start: int,
    count: int,
    complete: Callable[[int, Result], bool] = lambda *_: True,
) -> Iterator[tuple[int, Result]]:
    """The start and the result of each launch, for launches that cover the window.

    `launch` takes a start and a count of nonces, each of which is `versions` hashes. A result that is not
    `complete`, given its launch's count, is dropped and its launch made again in halves.
    """
    limit = LARGEST_LAUNCH
    windows = [(start, count)] if count else []
    queued: deque[tuple[int, int, Callable[[], Result], float]] = deque()
    before = 0.0
    while windows or queued:
        if windows and len(queued) < QUEUED:
            position, left = windows.pop()
            size = min(left, pace.hashes // versions, limit)
            if size < left:
                windows.append((position + size, left - size))
            queued.append((position, size, launch(position, size), time.perf_counter()))
            continue
        position, size, wait, since = queued.popleft()
        result = wait()
        now = time.perf_counter()
        pace.learn(versions * size, now - max(since, before))  # the device began when the one before ended
        before = now
        if complete(size, result):
            yield position, result
        else:
            limit = min(limit, size // 2)
            windows.append((position, size))


class CBackend(SearchesOnly):
    """The C family's kernels on any platform that can launch them."""

    def __init__(self, device: Device, launcher: Launcher, seconds: float) -> None:
        self.device = device
        self._launcher = launcher
        self._search_pace = Pace(launcher.step, seconds)
        self._versions_pace = Pace(launcher.versions_step, seconds)
        self._fingerprint_pace = Pace(launcher.step, seconds)

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        launch = partial(self._launcher.search, header, top=target >> 224)
        parts = [np.empty(0, np.uint32)]
        for _, nonces in self._candidates(launch, self._search_pace, 1, start, count):
            parts.append(nonces[_at_most(self._hash(header, nonces), target)])
        return self._hits(start, count, np.concatenate(parts))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        check_window(header, start, count, target)
        check_versions(versions)
        most = self._launcher.versions
        groups = [versions[first : first + most] for first in range(0, len(versions), most)]
        return [hits for group in groups for hits in self._search_group(header, group, start, count, target)]

    def _search_group(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        """For at most as many versions as the launcher takes; for less, one of them fills the other places."""
        lanes = self._launcher.versions
        if len(versions) < SHARING_PAYS * lanes:
            return [self.search(with_version(header, version), start, count, target) for version in versions]
        group = np.pad(np.array(versions, np.uint32), (0, lanes - len(versions)), mode="edge")
        launch = partial(self._launcher.search_versions, header, group, top=target >> 224)
        parts: list[list[Nonces]] = [[np.empty(0, np.uint32)] for _ in versions]
        for position, candidates in self._candidates(launch, self._versions_pace, lanes, start, count):
            numbers, nonces = candidates % lanes, position + candidates // lanes
            hits = _at_most(self._hash(header, nonces, group[numbers]), target)
            for number, part in enumerate(parts):
                part.append(nonces[hits & (numbers == number)])
        return [self._hits(start, count, np.concatenate(part)) for part in parts]

    def _candidates(
        self, launch: Callable[[int, int], Callable[[], Found]], pace: Pace, versions: int, start: int, count: int
    ) -> Iterator[tuple[int, Nonces]]:
        """The start of each launch and its candidates."""

        def fits(size: int, found: Found) -> bool:
            if found[0] > versions * size:
                raise DeviceError(
                    f"{self.device.name} reported {found[0]} candidates among {versions * size} hashes"
                )
            return found[0] <= self._launcher.capacity

        for position, (_, candidates) in launches(launch, pace, versions, start, count, fits):
            yield position, candidates

    def _hits(self, start: int, count: int, nonces: Nonces) -> Hits:
        try:
            return Hits(start, count, np.sort(nonces))
        except ValueError as error:
            raise DeviceError(f"{self.device.name} reported what cannot be: {error}") from error

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        launch = partial(self._launcher.fingerprint, header)
        total = np.zeros(32, np.uint8)
        for _, part in launches(launch, self._fingerprint_pace, 1, start, count):
            total ^= np.frombuffer(part, np.uint8)
        return total.tobytes()

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        digests = np.empty((len(headers), 32), np.uint8)
        for first in range(0, len(headers), HEADERS_AT_ONCE):
            batch = np.ascontiguousarray(headers[first : first + HEADERS_AT_ONCE])
            digests[first : first + len(batch)] = self._launcher.hash_headers(batch)
        return digests

    def _hash(self, header: bytes, nonces: Nonces, versions: Nonces | None = None) -> Bytes2D:
        """Digests of the header with each of these nonces, and with each of these versions if there are any."""
        headers = np.tile(np.frombuffer(header, np.uint8), (len(nonces), 1))
        headers[:, 76:] = nonces.astype("<u4").view(np.uint8).reshape(-1, 4)
        if versions is not None:
            headers[:, :4] = versions.astype("<u4").view(np.uint8).reshape(-1, 4)
        return self.hash_headers(headers)


def _at_most(digests: Bytes2D, target: int) -> npt.NDArray[np.bool_]:
    """Which digests, as little-endian numbers, are at most the target."""
    words = np.ascontiguousarray(digests).view("<u8")
    at_most = np.ones(len(digests), np.bool_)
    for i in range(4):  # from the least significant word: each later one decides unless it is equal
        limit = np.uint64(target >> 64 * i & 0xFFFFFFFFFFFFFFFF)
        at_most = (words[:, i] < limit) | (words[:, i] == limit) & at_most
    return at_most
