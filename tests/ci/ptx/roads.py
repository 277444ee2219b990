"""The two roads to NVIDIA's hardware: how the kernels of each are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest
from cuda_roads import Assembled, by_numba_cuda, by_nvrtc
from ptx.run import Argument, Kernel

from quorate.kernels.py import rolling, search

BLOCKS, THREADS = 3, 32
GRID = BLOCKS * THREADS

Words = npt.NDArray[np.uint32]


class Road(Protocol):
    def ptx(self, kernel: str) -> str:
        """A module with this kernel alone: `scan`, `roll`, `fingerprint` or `hash_headers`."""
        ...

    @property
    def versions(self) -> int:
        """How many `roll` takes."""
        ...

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        """How many nonces have digests with top words of at most `limit`, and at most `capacity` of them."""
        ...

    def roll(
        self,
        kernel: Kernel,
        headers: Sequence[bytes],
        start: int,
        count: int,
        limit: int,
        capacity: int,
        order: str,
    ) -> tuple[int, list[tuple[int, int]]]:
        """The same for headers that differ in their versions: pairs of a header's index and a nonce."""
        ...

    def fingerprint(self, kernel: Kernel, header: bytes, start: int, count: int, order: str) -> bytes: ...

    def hash_headers(self, kernel: Kernel, headers: Words, order: str) -> Words:
        """Headers of shape (n, 20) to digests of shape (n, 8)."""
        ...


class PythonRoad:
    """The Python family by numba-cuda."""

    def __init__(self, architecture: int) -> None:
        self._architecture = architecture

    def _assembled(self, kernel: str) -> Assembled:
        if find_spec("numba_cuda") is None:
            pytest.skip("pip install 'quorate[cuda]' brings numba-cuda")
        return by_numba_cuda(kernel, self._architecture)

    def ptx(self, kernel: str) -> str:
        return self._assembled(kernel).ptx

    @property
    def versions(self) -> int:
        return self._assembled("roll").hashes

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        found, hits = np.zeros(capacity, np.uint32), np.zeros(1, np.uint32)
        job = map(int, search.slots(search.scan_program(), header))
        arrays = *_numba_array(found), *_numba_array(hits)
        kernel.launch(BLOCKS, THREADS, *job, start, count, limit, *arrays, order=order)
        return int(hits[0]), found[: hits[0]].tolist()

    def roll(
        self,
        kernel: Kernel,
        headers: Sequence[bytes],
        start: int,
        count: int,
        limit: int,
        capacity: int,
        order: str,
    ) -> tuple[int, list[tuple[int, int]]]:
        found, hits = np.zeros(capacity, np.uint32), np.zeros(1, np.uint32)
        job = map(int, rolling.versions_slots(tuple(headers)))
        arrays = *_numba_array(found), *_numba_array(hits)
        kernel.launch(BLOCKS, THREADS, *job, start, count, limit, *arrays, order=order)
        return int(hits[0]), _pairs(found[: hits[0]], len(headers), start)

    def fingerprint(self, kernel: Kernel, header: bytes, start: int, count: int, order: str) -> bytes:
        total = np.zeros(8, np.uint32)
        job = map(int, search.slots(search.digest_program(), header))
        kernel.launch(BLOCKS, THREADS, *job, start, count, *_numba_array(total), order=order)
        return total.tobytes()

    def hash_headers(self, kernel: Kernel, headers: Words, order: str) -> Words:
        digests = np.zeros((len(headers), 8), np.uint32)
        arrays = *_numba_array(headers), *_numba_array(digests)
        kernel.launch(BLOCKS, THREADS, *arrays, len(headers), order=order)
        return digests


def _numba_array(array: Words) -> Iterable[Argument]:
    """An array as numba-cuda passes it: two pointers for the host, items, bytes of one, data, shape, strides."""
    return 0, 0, array.size, array.itemsize, array, *array.shape, *array.strides


class CRoad:
    """The C family by NVRTC, under the options that CuPy gives it."""

    def __init__(self, architecture: int) -> None:
        self._architecture = architecture

    def _assembled(self, kernel: str) -> Assembled:
        if find_spec("cupy") is None:
            pytest.skip("pip install 'quorate[cuda]' brings CuPy")
        name = {"scan": "search", "roll": "search_versions"}.get(kernel, kernel)
        return by_nvrtc(name, self._architecture)

    def ptx(self, kernel: str) -> str:
        return self._assembled(kernel).ptx

    @property
    def versions(self) -> int:
        return self._assembled("roll").hashes

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        found = np.zeros(1 + capacity, np.uint32)
        window = start, count, -(-count // GRID)
        kernel.launch(BLOCKS, THREADS, _words(header), *window, limit, found, capacity, order=order)
        return int(found[0]), found[1 : 1 + found[0]].tolist()

    def roll(
        self,
        kernel: Kernel,
        headers: Sequence[bytes],
        start: int,
        count: int,
        limit: int,
        capacity: int,
        order: str,
    ) -> tuple[int, list[tuple[int, int]]]:
        found = np.zeros(1 + capacity, np.uint32)
        versions = np.array([int.from_bytes(header[:4], "little") for header in headers], np.uint32)
        window = start, count, -(-count // GRID)
        arguments = _words(headers[0]), *window, limit, found, capacity, versions
        kernel.launch(BLOCKS, THREADS, *arguments, order=order)
        return int(found[0]), _pairs(found[1 : 1 + found[0]], len(headers), start)

    def fingerprint(self, kernel: Kernel, header: bytes, start: int, count: int, order: str) -> bytes:
        total = np.zeros(8, np.uint32)
        kernel.launch(BLOCKS, THREADS, _words(header), start, count, -(-count // GRID), total, order=order)
        return total.tobytes()

    def hash_headers(self, kernel: Kernel, headers: Words, order: str) -> Words:
        digests = np.zeros((len(headers), 8), np.uint32)
        kernel.launch(-(-len(headers) // THREADS), THREADS, headers, len(headers), digests, order=order)
        return digests


def _pairs(numbers: Words, versions: int, start: int) -> list[tuple[int, int]]:
    """Both families report version v with the nonce `start` + n as number `versions` * n + v."""
    return [(number % versions, start + number // versions) for number in numbers.tolist()]


def _words(header: bytes) -> Words:
    """Read-only, and so is the kernel's view of it."""
    return np.frombuffer(header, np.uint32)
