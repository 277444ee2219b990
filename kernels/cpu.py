"""The host's processor: SIMD kernels of the Python family, compiled by Numba, on every core there is.

Device `cpu`. Numba is imported when the device is opened, so that listing devices stays quick. Searches run by
one chain of lanes, by two in lockstep or by SHA-NI, whichever `tuning` knows to be the fastest here.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import llvmlite.binding as llvm
import numpy as np

from . import tuning
from .backend import (
    HEADER_BYTES,
    Bytes2D,
    Device,
    Hits,
    Nonces,
    check_headers,
    check_versions,
    check_window,
    with_version,
)
from .py import rolling, search
from .py.search import Words
from .py.word import Program

Part = TypeVar("Part")

CHUNK = 1 << 22
"""Hashes that a thread takes at a time: about 0.15 s, so that threads finish together and Ctrl-C is prompt."""

CALIBRATION = 1 << 21
"""Nonces of one measurement, which takes about 0.1 s on a fast processor."""

MIN_CHUNK = 1 << 12
"""Nonces or headers under which handing work to another thread costs more than it gains: about 0.2 ms."""

FOUND = 1 << 14
"""Candidates that a kernel may report before it comes back."""

ONE_CHAIN, TWO_CHAINS, SHA_NI = "one chain of lanes", "two chains of lanes", "SHA-NI"
"""The ways to search. Two chains in lockstep wait less for each other's results, but need twice the registers."""


def find() -> list[Device]:
    llvm_version = ".".join(str(part) for part in llvm.llvm_version_info)
    device = Device(
        name="cpu",
        family="python",
        description=_description(),
        driver=f"Numba {version('numba')}, LLVM {llvm_version}",
        hardware="cpu",
    )
    return [replace(device, description=f"{device.description}, {_way(device)}")]


def open_device(device: Device) -> CpuBackend:
    lanes, _ = simd()
    return CpuBackend(device, lanes, _way(device))


def calibrate(device: Device) -> dict[str, float]:
    """Measures the ways to search on one core and saves the fastest; returns nonces a second, fastest first.

    Backends that are open stay as they are. Raises `UsageError` where the choice cannot be saved.
    """
    lanes, _ = simd()
    found = np.empty(FOUND, np.uint32)

    def rate(way: str) -> float:
        program, scan = _scanner(lanes, way)
        slots = search.slots(program, bytes(HEADER_BYTES))
        began = time.thread_time()
        scan(slots, 0, CALIBRATION, 0, found)
        return CALIBRATION / (time.thread_time() - began)

    return tuning.calibrate(_untuned(device), {way: partial(rate, way) for way in ways()})


def ways() -> list[str]:
    """Those that this processor has."""
    return [ONE_CHAIN, TWO_CHAINS, *([SHA_NI] if "sha" in _features() else [])]


def _way(device: Device) -> str:
    """What was found fastest here; else lanes where AVX-512 makes them wide, with registers for two chains."""
    saved = tuning.saved(_untuned(device))
    if saved in ways():
        return saved
    lanes, _ = simd()
    if lanes == 16:
        return TWO_CHAINS
    return SHA_NI if SHA_NI in ways() else ONE_CHAIN


def _untuned(device: Device) -> Device:
    """The device without the way in its description, which is what ways are saved for."""
    return replace(device, description=_description())


def _description() -> str:
    lanes, extension = simd()
    return f"{_model()}, {lanes} lanes ({extension}), {threads()} threads"


class CpuBackend:
    """Every method splits its work over all cores. Lanes other than the processor's own are for tests."""

    def __init__(self, device: Device, lanes: int, way: str = ONE_CHAIN) -> None:
        from .py import cpu_kernels

        self.device = device
        self.way = way
        self._kernels = cpu_kernels
        self._lanes = lanes
        self._threads = ThreadPoolExecutor(threads(), thread_name_prefix="quorate-cpu")

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        program, scan = _scanner(self._lanes, self.way)
        slots = search.slots(program, header)

        def candidates(first: int, count: int) -> Nonces:
            return _complete(partial(scan, slots), first, count, target, (FOUND,))

        nonces = np.concatenate([np.empty(0, np.uint32), *self._in_chunks(candidates, start, count)])
        return Hits(start, count, search.confirm(self.hash_headers, header, nonces, target))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        """As many versions as there are lanes at a time; those that are left would waste lanes, so one by one."""
        check_window(header, start, count, target)
        check_versions(versions)
        headers = [with_version(header, version) for version in versions]
        found: list[Hits] = []
        for lanes in self._widths():
            while len(headers) - len(found) >= lanes:
                found += self._roll(headers[len(found) : len(found) + lanes], start, count, target)
        return found + [self.search(header, start, count, target) for header in headers[len(found) :]]

    def _widths(self) -> list[int]:
        """How many versions to take at a time, most first.

        SHA-NI takes one: of lanes that share a schedule, those of AVX-512 are faster and narrower ones slower.
        """
        if self.way == ONE_CHAIN:
            return [self._lanes]
        if self.way == TWO_CHAINS or self._lanes == 16:
            return [2 * self._lanes, self._lanes]
        return []

    def _roll(self, headers: list[bytes], start: int, count: int, target: int) -> list[Hits]:
        """The hits of headers that differ in their version, one for each lane."""
        lanes = len(headers)
        common = search.slots(rolling.schedule_program(), headers[0])
        slots = rolling.lane_slots(headers)
        roll = self._kernels.roll(lanes)

        def candidates(first: int, count: int) -> Words:
            return _complete(partial(roll, common, slots), first, count, target, (FOUND, 2))

        pairs = np.concatenate([np.empty((0, 2), np.uint32), *self._in_chunks(candidates, start, count, lanes)])
        hits = []
        for lane, header in enumerate(headers):
            nonces = pairs[pairs[:, 0] == lane, 1]
            hits.append(Hits(start, count, search.confirm(self.hash_headers, header, nonces, target)))
        return hits

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

    def _in_chunks(
        self, work: Callable[[int, int], Part], start: int, count: int, hashes: int = 1
    ) -> Iterator[Part]:
        """What `work(first, count)` returns for the parts of a range, in order; the parts run on all threads.

        `hashes` is how many each number in the range costs. An interrupted caller drops the iterator, and with it
        the parts that have not begun.
        """
        size = min(CHUNK // hashes, max(MIN_CHUNK // hashes, -(-count // (4 * threads()))))
        firsts = range(start, start + count, size)
        counts = [min(size, start + count - first) for first in firsts]
        return self._threads.map(work, firsts, counts)


def _scanner(lanes: int, way: str) -> tuple[Program, Callable[[Words, int, int, int, Words], tuple[int, int]]]:
    """The kernel that searches in this way, and the program whose slots it needs."""
    from .py import cpu_kernels, sha_ni

    if way == SHA_NI:
        return sha_ni.job_program(), cpu_kernels.scan_by_sha_ni()
    return search.scan_program(), cpu_kernels.scan(2 * lanes if way == TWO_CHAINS else lanes)


def _complete(
    kernel: Callable[[int, int, int, Words], tuple[int, int]],
    first: int,
    count: int,
    target: int,
    room: tuple[int, ...],
) -> Words:
    """All candidates of a range: a full buffer interrupts the kernel, and it goes on from there."""
    limit = search.highest_top_word(target)
    parts, position = [], 0
    while position < count:
        found = np.empty(room, np.uint32)
        advanced, hits = kernel(first + position, count - position, limit, found)
        parts.append(found[:hits].copy())
        position += advanced
    return np.concatenate(parts)


def simd() -> tuple[int, str]:
    """How many 32-bit lanes the processor computes side by side, and the extension that does it."""
    features = _features()
    for feature, lanes, extension in (("avx512f", 16, "AVX-512"), ("avx2", 8, "AVX2")):
        if feature in features:
            return lanes, extension
    return 4, "128-bit SIMD"


def _features() -> set[str]:
    """What the processor can, in LLVM's words. Like Numba, obeys NUMBA_CPU_NAME and NUMBA_CPU_FEATURES."""
    if "NUMBA_CPU_FEATURES" in os.environ or os.environ.get("NUMBA_CPU_NAME") == "generic":
        listed = os.environ.get("NUMBA_CPU_FEATURES", "").split(",")
        return {feature.lstrip("+") for feature in listed if feature.startswith("+")}
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


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
