"""The host's processor: SIMD kernels of the Python family, compiled by Numba, on every core there is.

Device `cpu`. Numba is imported when the device is opened, so that listing devices stays quick. Searches run by
one chain of lanes, by two in lockstep or by SHA-NI, whichever `tuning` knows to be the fastest here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

import llvmlite.binding as llvm
import numpy as np

from . import tuning
from .backend import (
    HEADER_BYTES,
    Bytes2D,
    Device,
    Hits,
    UsageError,
    check_headers,
    check_versions,
    check_window,
    with_version,
)
from .py import multiplier, search
from .py.cpu_ways import ONE_CHAIN, Kernel, default_way, roll, scan, together, ways
from .py.processor import model, simd, threads
from .py.search import Words
from .signatures import Codes, SignatureBatch

if TYPE_CHECKING:
    from .cpu_signatures import Verifier

Part = TypeVar("Part")

CHUNK = 1 << 22
"""Hashes that a thread takes at a time: about 0.15 s, so that threads finish together and Ctrl-C is prompt."""

CALIBRATION = 1 << 21
"""Nonces of one measurement, which takes about 0.1 s on a fast processor."""

MIN_CHUNK = 1 << 12
"""Nonces or headers under which handing work to another thread costs more than it gains: about 0.2 ms."""

FOUND = 1 << 14
"""Candidates that a kernel may report before it comes back."""

NONCES, VERSIONS = "nonces", "versions"
"""What is searched, each in the way that is the fastest for it: by `search` and by `search_versions`."""


def find() -> list[Device]:
    llvm_version = ".".join(str(part) for part in llvm.llvm_version_info)
    device = Device(
        name="cpu",
        family="python",
        description=_description(),
        driver=f"Numba {version('numba')}, LLVM {llvm_version}",
        hardware="cpu",
        verifies=multiplier.lanes() > 0,
        unfit="" if multiplier.lanes() else "this processor has no AVX2 and libraries are faster",
    )
    ways = ", ".join(f"{work} by {_way(device, work)}" for work in (NONCES, VERSIONS))
    return [replace(device, description=f"{device.description}, {ways}")]


def open_device(device: Device) -> CpuBackend:
    lanes, _ = simd()
    return CpuBackend(device, lanes, _way(device, NONCES), _way(device, VERSIONS))


def calibrate(device: Device) -> dict[str, float]:
    """Measures the ways to search on one core and saves the fastest; returns hashes a second, fastest first.

    Nonces come before versions. Backends that are open stay as they are. Raises `UsageError` where the choice
    cannot be saved.
    """
    lanes, _ = simd()
    header = bytes(HEADER_BYTES)

    def measured(kernel: Kernel, hashes: int, room: tuple[int, ...]) -> Callable[[], float]:
        """Takes the rate of a kernel that does so many hashes for a nonce."""
        found = np.empty(room, np.uint32)

        def rate() -> float:
            began = time.thread_time()
            kernel(0, CALIBRATION // hashes, 0, found)
            return CALIBRATION / (time.thread_time() - began)

        return rate

    scans, rolls = {}, {}
    for way in ways():
        versions = together(lanes, way, 2 * lanes)
        headers = [with_version(header, version) for version in range(versions)]
        scans[way] = measured(scan(lanes, way, header), 1, (FOUND,))
        rolls[way] = measured(roll(lanes, way, headers), versions, (FOUND, 2))
    rates = {}
    for work, measures in ((NONCES, scans), (VERSIONS, rolls)):
        for way, rate in tuning.calibrate(_untuned(device), measures, work).items():
            rates[f"{work} by {way}"] = rate
    return rates


def _way(device: Device, work: str) -> str:
    """What was found fastest here, else the default."""
    saved = tuning.saved(_untuned(device), work)
    return saved if saved in ways() else default_way()


def _untuned(device: Device) -> Device:
    """The device without the way in its description, which is what ways are saved for."""
    return replace(device, description=_description())


def _description() -> str:
    lanes, extension = simd()
    return f"{model()}, {lanes} lanes ({extension}), {threads()} threads"


class CpuBackend:
    """Every method splits its work over all cores. Lanes other than the processor's own are for tests."""

    def __init__(self, device: Device, lanes: int, scan_way: str = ONE_CHAIN, roll_way: str = ONE_CHAIN) -> None:
        from .py import cpu_kernels

        self.device = device
        self._kernels = cpu_kernels
        self.scan_way, self.roll_way = scan_way, roll_way
        self._lanes = lanes
        self._threads = ThreadPoolExecutor(threads(), thread_name_prefix="quorate-cpu")

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        candidates = partial(_complete, scan(self._lanes, self.scan_way, header), (FOUND,), target)
        nonces = np.concatenate([np.empty(0, np.uint32), *self._in_chunks(candidates, start, count)])
        return Hits(start, count, search.confirm(self.hash_headers, header, nonces, target))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        check_window(header, start, count, target)
        check_versions(versions)
        headers = [with_version(header, version) for version in versions]
        found: list[Hits] = []
        while len(found) < len(headers):
            size = together(self._lanes, self.roll_way, len(headers) - len(found))
            group = headers[len(found) : len(found) + size]
            if size == 1:
                found.append(self.search(group[0], start, count, target))
            else:
                found += self._roll(group, start, count, target)
        return found

    def _roll(self, headers: list[bytes], start: int, count: int, target: int) -> list[Hits]:
        """The hits of headers that differ in their version, as many as are searched together."""
        candidates = partial(_complete, roll(self._lanes, self.roll_way, headers), (FOUND, 2), target)
        parts = self._in_chunks(candidates, start, count, len(headers))
        pairs = np.concatenate([np.empty((0, 2), np.uint32), *parts])
        rows = np.concatenate([search.as_row(header) for header in headers])[pairs[:, 0]]
        pairs = pairs[search.confirmed(self.hash_headers, rows, pairs[:, 1], target)]
        return [Hits(start, count, pairs[pairs[:, 0] == index, 1]) for index in range(len(headers))]

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

    def verify(self, batch: SignatureBatch) -> Codes:
        if not self.device.verifies:
            raise UsageError(self.device.no_verdicts)
        return self._verifier.verify(batch)

    @cached_property
    def _verifier(self) -> Verifier:
        from .cpu_signatures import Verifier

        return Verifier(multiplier.lanes(), self._threads, threads())

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
        if len(firsts) == 1:  # to hash a few headers takes less time than to hand them to another thread
            return map(work, firsts, counts)
        return self._threads.map(work, firsts, counts)


def _complete(kernel: Kernel, room: tuple[int, ...], target: int, first: int, count: int) -> Words:
    """All candidates of a range: a full buffer interrupts the kernel, and it goes on from there."""
    limit = search.highest_top_word(target)
    parts, position = [], 0
    while position < count:
        found = np.empty(room, np.uint32)
        advanced, hits = kernel(first + position, count - position, limit, found)
        parts.append(found[:hits].copy())
        position += advanced
    return np.concatenate(parts)
