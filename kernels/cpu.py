"""The host's processor: SIMD kernels of the Python family, compiled by Numba, on every core there is.

Device `cpu`. Numba is imported when the device is opened, so that listing devices stays quick.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import llvmlite.binding as llvm
import numpy as np

from .backend import Bytes2D, Device, Hits, Nonces, check_headers, check_window
from .py import search
from .py.search import Words

Part = TypeVar("Part")

CHUNK = 1 << 22
"""Nonces that a thread takes at a time: about 0.15 s, so that threads finish together and Ctrl-C is prompt."""

MIN_CHUNK = 1 << 12
"""Nonces or headers under which handing work to another thread costs more than it gains: about 0.2 ms."""

FOUND = 1 << 14
"""Candidates that a kernel may report before it comes back."""


def find() -> list[Device]:
    llvm_version = ".".join(str(part) for part in llvm.llvm_version_info)
    lanes, extension = simd()
    return [
        Device(
            name="cpu",
            family="python",
            description=f"{_model()}, {lanes} lanes ({extension}), {threads()} threads",
            driver=f"Numba {version('numba')}, LLVM {llvm_version}",
            hardware="cpu",
        )
    ]


def open_device(device: Device) -> CpuBackend:
    return CpuBackend(device)


class CpuBackend:
    """Every method splits its work over all cores. Lanes other than the processor's own are for tests."""

    def __init__(self, device: Device, lanes: int | None = None) -> None:
        from .py import cpu_kernels

        self.device = device
        self._kernels = cpu_kernels
        self._lanes = lanes or simd()[0]
        self._threads = ThreadPoolExecutor(threads(), thread_name_prefix="quorate-cpu")

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        slots = search.slots(search.scan_program(), header)
        limit = search.highest_top_word(target)
        scan = self._kernels.scan(self._lanes)

        def candidates(first: int, count: int) -> Nonces:
            """A full buffer interrupts the kernel, and it goes on from there."""
            parts, position = [], 0
            while position < count:
                found = np.empty(min(count + self._lanes, FOUND), np.uint32)
                advanced, hits = scan(slots, first + position, count - position, limit, found)
                parts.append(found[:hits])
                position += advanced
            return np.concatenate(parts)

        nonces = np.concatenate([np.empty(0, np.uint32), *self._in_chunks(candidates, start, count)])
        return Hits(start, count, search.confirm(self.hash_headers, header, nonces, target))

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        slots = search.slots(search.digest_program(), header)
        kernel = self._kernels.fingerprint(self._lanes)

        def fold(first: int, count: int) -> Words:
            accumulators = np.zeros((search.DIGEST_WORDS, self._lanes), np.uint32)
            kernel(slots, first, count, accumulators)
            return accumulators

        total = np.zeros((search.DIGEST_WORDS, self._lanes), np.uint32)
        for part in self._in_chunks(fold, start, count):
            total ^= part
        return bytes(np.bitwise_xor.reduce(total, axis=1))

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        words = np.ascontiguousarray(headers).view(np.uint32)
        digests = np.empty((len(headers), search.DIGEST_WORDS), np.uint32)
        kernel = self._kernels.hash_headers(self._lanes)

        def hash_rows(first: int, count: int) -> None:
            kernel(words[first : first + count], digests[first : first + count])

        for _ in self._in_chunks(hash_rows, 0, len(headers)):
            pass
        return digests.view(np.uint8)

    def _in_chunks(self, work: Callable[[int, int], Part], start: int, count: int) -> Iterator[Part]:
        """What `work(first, count)` returns for the parts of a range, in order; the parts run on all threads.

        An interrupted caller drops the iterator, and with it the parts that have not begun.
        """
        size = min(CHUNK, max(MIN_CHUNK, -(-count // (4 * threads()))))
        firsts = range(start, start + count, size)
        counts = [min(size, start + count - first) for first in firsts]
        return self._threads.map(work, firsts, counts)


def simd() -> tuple[int, str]:
    """How many 32-bit lanes the processor computes side by side, and the extension that does it.

    Like Numba, obeys NUMBA_CPU_NAME and NUMBA_CPU_FEATURES.
    """
    if "NUMBA_CPU_FEATURES" in os.environ or os.environ.get("NUMBA_CPU_NAME") == "generic":
        features = {
            f.lstrip("+") for f in os.environ.get("NUMBA_CPU_FEATURES", "").split(",") if f.startswith("+")
        }
    else:
        features = {name for name, present in llvm.get_host_cpu_features().items() if present}
    for feature, lanes, extension in (("avx512f", 16, "AVX-512"), ("avx2", 8, "AVX2")):
        if feature in features:
            return lanes, extension
    return 4, "128-bit SIMD"


def threads() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _model() -> str:
    """The processor's name for people."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
