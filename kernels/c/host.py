"""The host side that OpenCL and CuPy share: windows cut into launches, candidates decided, overflow split."""

from __future__ import annotations

import time
from importlib.resources import files
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..backend import Bytes2D, Device, DeviceError, Hits, Nonces, check_headers, check_window

LARGEST_LAUNCH = 1 << 30
"""In nonces; the kernels count places in a window, rounded up to whole steps, in 32 bits."""

HEADERS_AT_ONCE = 1 << 16
"""Headers of one launch of `hash_headers`: 5 MB in and 2 MB out."""


def source() -> str:
    """The kernels as one text, because not every compiler can be told where headers are."""
    folder = files(__package__)
    return "".join(folder.joinpath(name).read_text() for name in ("dialect.h", "sha256.h", "search.cl"))


class Launcher(Protocol):
    """What a platform has to do: run a kernel of search.cl, wait for it and bring back what it wrote."""

    step: int
    """Nonces that one step of all work items covers."""
    capacity: int
    """Candidates that one launch of `search` can bring back."""

    def search(self, header: bytes, start: int, count: int, top: int) -> tuple[int, Nonces]:
        """How many nonces have digests with 32 top bits of at most `top`, and up to `capacity` of them."""
        ...

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes: ...

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        """Digests of at most `HEADERS_AT_ONCE` headers, at least one, contiguous."""
        ...


class Pace:
    """How many nonces to launch at once, so that a launch takes about as long as it should."""

    def __init__(self, step: int, seconds: float) -> None:
        self._step = step
        self._seconds = seconds
        self._steps = 1

    @property
    def nonces(self) -> int:
        return self._steps * self._step

    def learn(self, nonces: int, seconds: float) -> None:
        """Takes note of a launch. One that was smaller than asked for says little about the others."""
        if nonces == self.nonces:
            factor = min(max(self._seconds / max(seconds, 1e-6), 1 / 4), 4)
            self._steps = min(max(round(self._steps * factor), 1), LARGEST_LAUNCH // self._step)


class CBackend:
    """The C family's kernels on any platform that can launch them."""

    def __init__(self, device: Device, launcher: Launcher, seconds: float) -> None:
        self.device = device
        self._launcher = launcher
        self._search_pace = Pace(launcher.step, seconds)
        self._fingerprint_pace = Pace(launcher.step, seconds)

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        position, end, limit = start, start + count, LARGEST_LAUNCH
        parts: list[Nonces] = []
        while position < end:
            size = min(end - position, self._search_pace.nonces, limit)
            began = time.perf_counter()
            candidates, nonces = self._launcher.search(header, position, size, target >> 224)
            self._search_pace.learn(size, time.perf_counter() - began)
            if candidates > size:
                raise DeviceError(f"{self.device.name} reported {candidates} candidates among {size} nonces")
            if candidates > self._launcher.capacity:
                limit = size // 2
                continue
            parts.append(self._hits_among(nonces, header, target))
            position += size
        nonces = np.concatenate(parts) if parts else np.empty(0, np.uint32)
        try:
            return Hits(start, count, np.sort(nonces))
        except ValueError as error:
            raise DeviceError(f"{self.device.name} reported what cannot be: {error}") from error

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        position, end = start, start + count
        total = np.zeros(32, np.uint8)
        while position < end:
            size = min(end - position, self._fingerprint_pace.nonces)
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

    def _hits_among(self, candidates: Nonces, header: bytes, target: int) -> Nonces:
        headers = np.tile(np.frombuffer(header, np.uint8), (len(candidates), 1))
        headers[:, 76:] = candidates.astype("<u4").view(np.uint8).reshape(-1, 4)
        return candidates[_at_most(self.hash_headers(headers), target)]


def _at_most(digests: Bytes2D, target: int) -> npt.NDArray[np.bool_]:
    """Which digests, as little-endian numbers, are at most the target."""
    words = np.ascontiguousarray(digests).view("<u8")
    at_most = np.ones(len(digests), np.bool_)
    for i in range(4):  # from the least significant word: each later one decides unless it is equal
        limit = np.uint64(target >> 64 * i & 0xFFFFFFFFFFFFFFFF)
        at_most = (words[:, i] < limit) | (words[:, i] == limit) & at_most
    return at_most
