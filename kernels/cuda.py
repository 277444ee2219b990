"""NVIDIA GPUs by numba-cuda: the kernels of the Python family, one nonce a thread.

Devices `cuda:0`, `cuda:1`, ... as the CUDA driver numbers them. With NUMBA_ENABLE_CUDASIM=1, `cuda:0` is
numba-cuda's simulator, which runs the same kernels as Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import cycle
from typing import Any, TypeVar

import numpy as np

from .backend import (
    Bytes2D,
    Device,
    DeviceError,
    Hits,
    SearchesOnly,
    check_headers,
    check_versions,
    check_window,
    with_version,
)
from .py import rolling, search
from .py.search import Words

THREADS = 256
"""Threads of a block. With 32 to 55 registers a thread, four to eight blocks fill a multiprocessor; with the 80 to
96 of version rolling, two."""

BLOCKS_PER_MULTIPROCESSOR = 8

FOUND = 1 << 16
"""Candidates that one launch can report."""

QUEUED = 2
"""Launches on their way at a time: the GPU works on one while the other one's result is read."""

SIMULATED_GRID = (2, 4)

HEADERS = 1 << 18
"""Headers of one launch, 20 MiB."""

LAUNCH_SECONDS = 0.1
"""How long a launch should take: long against its overhead of microseconds, short for whoever waits for Ctrl-C."""

FIRST_LAUNCH, LONGEST_LAUNCH = 1 << 22, 1 << 30
"""Nonces; the longest leaves room for the kernels' uint32 positions to step past the window without wrapping."""


def find() -> list[Device]:
    if find_spec("numba_cuda") is None:
        return [_absent("numba-cuda is not installed; pip install 'quorate[cuda]' brings it")]
    try:
        cuda = import_module("numba.cuda")
    except ImportError as error:
        return [_absent(f"numba-cuda is installed but cannot be imported: {_one_line(error)}")]
    if cuda.config.ENABLE_CUDASIM:
        return [_simulator()]
    if not cuda.is_available():
        reason = cuda.cuda_error() or "libNVVM is missing; pip install 'quorate[cuda]' brings it"
        return [_absent(f"no GPU can be used: {_one_line(reason)}")]
    return [_device(index, gpu) for index, gpu in enumerate(cuda.gpus)] or [
        _absent("the CUDA driver lists no GPU")
    ]


def _device(index: int, gpu: Any) -> Device:
    major, minor = gpu.compute_capability
    driver_version = ".".join(map(str, import_module("numba.cuda.cudadrv.driver").driver.get_version()))
    identity = gpu.get_device_identity()
    return Device(
        name=f"cuda:{index}",
        family="python",
        description=f"{gpu.name}, compute capability {major}.{minor}, {gpu.MULTIPROCESSOR_COUNT} multiprocessors",
        driver=f"numba-cuda {version('numba-cuda')}, CUDA driver {driver_version}",
        hardware="pci:{pci_domain_id:04x}:{pci_bus_id:02x}:{pci_device_id:02x}.0".format_map(identity),
    )


def _simulator() -> Device:
    return Device(
        name="cuda:0",
        family="python",
        description="the simulator of numba-cuda: no GPU, about 50 hashes a second",
        driver=f"numba-cuda {version('numba-cuda')}, simulator",
        hardware="cpu",
        simulator=True,
    )


def _absent(reason: str) -> Device:
    return Device("cuda", "python", "NVIDIA GPUs by numba-cuda", reason=reason)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def open_device(device: Device) -> CudaBackend:
    return CudaBackend(device)


class CudaBackend(SearchesOnly):
    """One GPU; a window is a row of launches, so that no launch keeps it from anybody else for long."""

    def __init__(self, device: Device) -> None:
        from .py import cuda_kernels as kernels

        cuda = kernels.cuda
        self.device = device
        self._gpu = cuda.gpus[int(device.name.partition(":")[2])]
        self._failures = kernels.FAILURES
        self._versions = kernels.VERSIONS
        with self._at_work():
            multiprocessors = 0 if device.simulator else self._gpu.MULTIPROCESSOR_COUNT
            grid = (multiprocessors * BLOCKS_PER_MULTIPROCESSOR, THREADS) if multiprocessors else SIMULATED_GRID
            self._stream, self._reading = cuda.stream(), cuda.stream()
            self._event = cuda.event
            configuration = *grid, self._stream
            self._scan = cuda.jit(kernels.scan)[configuration]
            self._roll = cuda.jit(kernels.roll)[configuration]
            self._fingerprint = cuda.jit(kernels.fingerprint)[configuration]
            self._hash_headers = cuda.jit(kernels.hash_headers)[configuration]
            self._zeros = cuda.to_device(np.zeros(search.DIGEST_WORDS, np.uint32))
            self._found = cycle(
                [(cuda.device_array(FOUND, np.uint32), cuda.device_array(1, np.uint32)) for _ in range(QUEUED)]
            )
            self._totals = cycle([cuda.device_array(search.DIGEST_WORDS, np.uint32) for _ in range(QUEUED)])
            self._headers = cuda.device_array((HEADERS, search.HEADER_WORDS), np.uint32)
            self._digests = cuda.device_array((HEADERS, search.DIGEST_WORDS), np.uint32)
        self._scan_pace = _Pace()
        self._roll_pace = _Pace()
        self._fingerprint_pace = _Pace()

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        slots = search.slots(search.scan_program(), header)
        positions = self._candidates(self._scan_pace, self._scan, slots, start, count, target)
        nonces = np.concatenate([np.empty(0, np.uint32), *(found for _, found in positions)])
        return Hits(start, count, search.confirm(self.hash_headers, header, np.sort(nonces), target))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        """As many versions at a time as a thread takes; the few that are left cost less one by one."""
        check_window(header, start, count, target)
        check_versions(versions)
        headers = [with_version(header, version) for version in versions]
        found: list[Hits] = []
        while len(headers) - len(found) >= self._versions:
            group = tuple(headers[len(found) : len(found) + self._versions])
            slots = rolling.versions_slots(group)
            parts = [np.empty((2, 0), np.uint32)]
            for position, numbers in self._candidates(self._roll_pace, self._roll, slots, start, count, target):
                parts.append(np.stack([numbers % self._versions, position + numbers // self._versions]))
            indices, candidates = np.concatenate(parts, axis=1)
            for index, rolled in enumerate(group):
                nonces = np.sort(candidates[indices == index])
                found.append(Hits(start, count, search.confirm(self.hash_headers, rolled, nonces, target)))
        return found + [self.search(rest, start, count, target) for rest in headers[len(found) :]]

    def _candidates(
        self, pace: _Pace, kernel: Any, slots: Words, start: int, count: int, target: int
    ) -> Iterator[tuple[np.uint32, Words]]:
        """The start of each launch and what it found, in any order."""
        arguments, limit = tuple(slots), np.uint32(search.highest_top_word(target))

        def launch(first: int, nonces: int) -> Callable[[], Words | None]:
            found, hits = next(self._found)
            with self._at_work():
                hits.copy_to_device(self._zeros[:1], self._stream)
                kernel(arguments, np.uint32(first), np.uint32(nonces), limit, found, hits)
                done = self._launched()

            def read() -> Words | None:
                number = int(self._read(hits, 1, done)[0])
                return self._read(found, number, done) if number <= FOUND else None

            return read

        for first, found in launches(launch, pace, start, count):
            yield np.uint32(first), found

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        slots = tuple(search.slots(search.digest_program(), header))

        def launch(first: int, nonces: int) -> Callable[[], Words]:
            total = next(self._totals)
            with self._at_work():
                total.copy_to_device(self._zeros, self._stream)
                self._fingerprint(slots, np.uint32(first), np.uint32(nonces), total)
                done = self._launched()
            return lambda: self._read(total, search.DIGEST_WORDS, done)

        total = np.zeros(search.DIGEST_WORDS, np.uint32)
        for _, part in launches(launch, self._fingerprint_pace, start, count):
            total ^= part
        return bytes(total)

    def _launched(self) -> Any:
        """An event that happens when all that is in the stream is done."""
        done = self._event()
        done.record(self._stream)
        return done

    def _read(self, array: Any, count: int, done: Any) -> Words:
        """In a stream of its own, which passes the launches that the other one still holds."""
        words = np.empty(count, np.uint32)
        with self._at_work():
            done.synchronize()
            if count:
                array[:count].copy_to_host(words, self._reading)
                self._reading.synchronize()
        return words

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        words = np.ascontiguousarray(headers).view(np.uint32)
        digests = np.empty((len(headers), search.DIGEST_WORDS), np.uint32)
        with self._at_work():
            for first in range(0, len(headers), HEADERS):
                part = words[first : first + HEADERS]
                self._headers[: len(part)].copy_to_device(part, self._stream)
                self._hash_headers(self._headers, self._digests, np.uint32(len(part)))
                self._digests[: len(part)].copy_to_host(digests[first : first + HEADERS], self._stream)
                self._stream.synchronize()
        return digests.view(np.uint8)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """This GPU is the current one, and what fails there is named."""
        try:
            with self._gpu:
                yield
        except self._failures as error:
            raise DeviceError(
                f"{self.device.name} ({self.device.description}) failed: {_one_line(error)}"
            ) from error


Result = TypeVar("Result")


def launches(
    launch: Callable[[int, int], Callable[[], Result | None]], pace: _Pace, start: int, count: int
) -> Iterator[tuple[int, Result]]:
    """The start and the result of each launch, for launches that cover the window.

    `launch` takes a start and a count and returns at once, with a function that waits for the result. A launch
    whose result is None found too much and is made again in halves.
    """
    windows, most = [(start, count)] if count else [], LONGEST_LAUNCH
    queued: list[tuple[int, int, Callable[[], Result | None], float]] = []
    ended = 0.0
    while windows or queued:
        if windows and len(queued) < QUEUED:
            first, left = windows.pop()
            nonces = min(left, most, pace.nonces)
            if nonces < left:
                windows.append((first + nonces, left - nonces))
            queued.append((first, nonces, launch(first, nonces), time.perf_counter()))
        else:
            first, nonces, read, began = queued.pop(0)
            result = read()
            began, ended = max(began, ended), time.perf_counter()  # it began when the one before had ended
            pace.learn(nonces, ended - began)
            if result is None:
                most = min(most, nonces // 2)
                windows.append((first, nonces))
            else:
                yield first, result


class _Pace:
    """How many nonces a launch may have, learnt from how long launches took."""

    def __init__(self) -> None:
        self.nonces = FIRST_LAUNCH

    def learn(self, nonces: int, seconds: float) -> None:
        """Only a launch of as many nonces as allowed tells how many should be."""
        if nonces == self.nonces:
            change = min(4, max(0.5, LAUNCH_SECONDS / seconds))
            self.nonces = min(LONGEST_LAUNCH, int(nonces * change))
