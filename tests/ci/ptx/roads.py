"""The two roads to NVIDIA's hardware: the PTX that each makes of its kernels, and how its kernels are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest
from ptx.run import Argument, Kernel

from quorate.kernels import cupy
from quorate.kernels.c import host
from quorate.kernels.py import search

from ...kernels import test_cuda

BLOCKS, THREADS = 3, 32
GRID = BLOCKS * THREADS

Words = npt.NDArray[np.uint32]


class Road(Protocol):
    def ptx(self, kernel: str) -> str:
        """A module with this kernel alone: `scan`, `fingerprint` or `hash_headers`."""
        ...

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        """How many nonces have digests with top words of at most `limit`, and at most `capacity` of them."""
        ...

    def fingerprint(self, kernel: Kernel, header: bytes, start: int, count: int, order: str) -> bytes: ...

    def hash_headers(self, kernel: Kernel, headers: Words, order: str) -> Words:
        """Headers of shape (n, 20) to digests of shape (n, 8)."""
        ...


class PythonRoad:
    """The Python family by numba-cuda."""

    def __init__(self, architecture: tuple[int, int]) -> None:
        self._architecture = architecture

    def ptx(self, kernel: str) -> str:
        pytest.importorskip("numba_cuda", reason="pip install 'quorate[cuda]' brings numba-cuda")
        return test_cuda.ptx(kernel, self._architecture)

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        found, hits = np.zeros(capacity, np.uint32), np.zeros(1, np.uint32)
        job = map(int, search.slots(search.scan_program(), header))
        arrays = *_numba_array(found), *_numba_array(hits)
        kernel.launch(BLOCKS, THREADS, *job, start, count, limit, *arrays, order=order)
        return int(hits[0]), found[: hits[0]].tolist()

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

    def ptx(self, kernel: str) -> str:
        head, *entries = re.split(r"(?=^\.visible \.entry )", _by_nvrtc(self._architecture), flags=re.MULTILINE)
        name = {"scan": "search"}.get(kernel, kernel)
        [entry] = [entry for entry in entries if entry.startswith(f".visible .entry {name}(")]
        return head + entry

    def scan(
        self, kernel: Kernel, header: bytes, start: int, count: int, limit: int, capacity: int, order: str
    ) -> tuple[int, list[int]]:
        found = np.zeros(1 + capacity, np.uint32)
        window = start, count, -(-count // GRID)
        kernel.launch(BLOCKS, THREADS, _words(header), *window, limit, found, capacity, order=order)
        return int(found[0]), found[1 : 1 + found[0]].tolist()

    def fingerprint(self, kernel: Kernel, header: bytes, start: int, count: int, order: str) -> bytes:
        total = np.zeros(8, np.uint32)
        kernel.launch(BLOCKS, THREADS, _words(header), start, count, -(-count // GRID), total, order=order)
        return total.tobytes()

    def hash_headers(self, kernel: Kernel, headers: Words, order: str) -> Words:
        digests = np.zeros((len(headers), 8), np.uint32)
        kernel.launch(-(-len(headers) // THREADS), THREADS, headers, len(headers), digests, order=order)
        return digests


def _words(header: bytes) -> Words:
    """Read-only, and so is the kernel's view of it."""
    return np.frombuffer(header, np.uint32)


@cache
def _by_nvrtc(architecture: int) -> str:
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason="pip install 'quorate[cuda]' brings CuPy")
    program = nvrtc.createProgram(host.source(), "search.cu", (), ())
    nvrtc.compileProgram(program, (*cupy.OPTIONS, f"-arch=compute_{architecture}"))
    text: str = nvrtc.getPTX(program).decode()
    nvrtc.destroyProgram(program)
    return text
