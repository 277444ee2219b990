"""The host side that OpenCL and CuPy share: windows cut into launches, candidates decided, overflow split."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..backend import (
    Bytes2D,
    Device,
    DeviceError,
    Hits,
    Nonces,
    check_headers,
    check_versions,
    check_window,
    with_version,
)

LARGEST_LAUNCH = 1 << 30
"""In hashes; the kernels count them, rounded up to whole steps, in 32 bits."""

HEADERS_AT_ONCE = 1 << 16
"""Headers of one launch of `hash_headers`: 5 MB in and 2 MB out."""

SHARING_PAYS = 0.75
"""How full a group of versions has to be so that hashing all of it is cheaper than those versions one by one."""


def source(*kernels: str) -> str:
    """The kernels of these files, by default those of search.cl, with what they need as one text, because not
    every compiler can be told where headers are."""
    folder = files(__package__)
    names = "dialect.h", "sha256.h", "header.h", *(kernels or ("search.cl",))
    return "".join(folder.joinpath(name).read_text() for name in names)


class Launcher(Protocol):
    """What a platform has to do: run a kernel of search.cl, wait for it and bring back what it wrote."""

    step: int
    """Hashes that one step of all work items does, each with nonces of its own."""
    versions: int
    """How many versions `search_versions` takes."""
    versions_step: int
    """Hashes that one step of all work items does in `search_versions`; a multiple of `versions`."""
    capacity: int
    """Candidates that one launch can bring back; at least `versions`."""

    def search(self, header: bytes, start: int, count: int, top: int) -> tuple[int, Nonces]:
        """How many nonces have digests with 32 top bits of at most `top`, and up to `capacity` of them."""
        ...

    def search_versions(
        self, header: bytes, versions: Nonces, start: int, count: int, top: int
    ) -> tuple[int, Nonces]:
        """The same for the header with each of these versions.

        Version number v with the nonce `start + n` is reported as `len(versions) * n + v`.
        """
        ...

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes: ...

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


class CBackend:
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
        for _, nonces in self._launches(launch, self._search_pace, 1, start, count):
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
        for position, candidates in self._launches(launch, self._versions_pace, lanes, start, count):
            numbers, nonces = candidates % lanes, position + candidates // lanes
            hits = _at_most(self._hash(header, nonces, group[numbers]), target)
            for number, part in enumerate(parts):
                part.append(nonces[hits & (numbers == number)])
        return [self._hits(start, count, np.concatenate(part)) for part in parts]

    def _launches(
        self, launch: Callable[..., tuple[int, Nonces]], pace: Pace, versions: int, start: int, count: int
    ) -> Iterator[tuple[int, Nonces]]:
        """The start of each launch and its candidates. A launch that overflows the buffer is made in halves."""
        position, end, limit = start, start + count, LARGEST_LAUNCH
        while position < end:
            size = min(end - position, pace.hashes // versions, limit)
            hashes = versions * size
            began = time.perf_counter()
            number, candidates = launch(start=position, count=size)
            pace.learn(hashes, time.perf_counter() - began)
            if number > hashes:
                raise DeviceError(f"{self.device.name} reported {number} candidates among {hashes} hashes")
            if number > self._launcher.capacity:
                limit = size // 2
                continue
            yield position, candidates
            position += size

    def _hits(self, start: int, count: int, nonces: Nonces) -> Hits:
        try:
            return Hits(start, count, np.sort(nonces))
        except ValueError as error:
            raise DeviceError(f"{self.device.name} reported what cannot be: {error}") from error

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        position, end = start, start + count
        total = np.zeros(32, np.uint8)
        while position < end:
            size = min(end - position, self._fingerprint_pace.hashes)
            began = time.perf_counter()
            total ^= np.frombuffer(self._launcher.fingerprint(header, position, size), np.uint8)
            self._fingerprint_pace.learn(size, time.perf_counter() - began)
            position += size
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
