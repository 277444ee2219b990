"""NVIDIA GPUs by numba-cuda: the kernels of the Python family, one nonce a thread.

Devices `cuda:0`, `cuda:1`, ... as the CUDA driver numbers them. With NUMBA_ENABLE_CUDASIM=1, `cuda:0` is
numba-cuda's simulator, which runs the same kernels as Python.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from .backend import (
    Bytes2D,
    Device,
    DeviceError,
    Hits,
    check_headers,
    check_versions,
    check_window,
    with_version,
)
from .py import rolling, search
from .py.search import Words

THREADS = 256
"""Threads of a block. With 32 to 55 registers a thread, four to eight blocks fill a multiprocessor; with the 95 of
version rolling, two."""

BLOCKS_PER_MULTIPROCESSOR = 8

FOUND = 1 << 16
"""Candidates that one launch can report."""

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


class CudaBackend:
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
            self._scan = cuda.jit(kernels.scan)[grid]
            self._roll = cuda.jit(kernels.roll)[grid]
            self._fingerprint = cuda.jit(kernels.fingerprint)[grid]
            self._hash_headers = cuda.jit(kernels.hash_headers)[grid]
            self._found = cuda.device_array(FOUND, np.uint32)
            self._found_pairs = cuda.device_array((FOUND, 2), np.uint32)
            self._hits = cuda.device_array(1, np.uint32)
            self._total = cuda.device_array(search.DIGEST_WORDS, np.uint32)
            self._headers = cuda.device_array((HEADERS, search.HEADER_WORDS), np.uint32)
            self._digests = cuda.device_array((HEADERS, search.DIGEST_WORDS), np.uint32)
        self._scan_pace = _Pace()
        self._roll_pace = _Pace()
        self._fingerprint_pace = _Pace()

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        slots = search.slots(search.scan_program(), header)
        nonces = self._candidates(self._scan, slots, start, count, target, self._found, self._scan_pace)
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
            pairs = self._candidates(self._roll, slots, start, count, target, self._found_pairs, self._roll_pace)
            for index, rolled in enumerate(group):
                nonces = np.sort(pairs[pairs[:, 0] == index, 1])
                found.append(Hits(start, count, search.confirm(self.hash_headers, rolled, nonces, target)))
        return found + [self.search(rest, start, count, target) for rest in headers[len(found) :]]

    def _candidates(
        self, kernel: Any, slots: Words, start: int, count: int, target: int, found: Any, pace: _Pace
    ) -> Words:
        """Rows of `found`, on the device, from as many launches as it takes; in any order."""
        arguments, limit = tuple(slots), np.uint32(search.highest_top_word(target))
        candidates = [np.empty((0, *found.shape[1:]), np.uint32)]
        position, most = 0, LONGEST_LAUNCH
        with self._at_work():
            while position < count:
                nonces = min(count - position, most, pace.nonces)
                self._hits.copy_to_device(np.zeros(1, np.uint32))
                began = time.perf_counter()
                kernel(arguments, np.uint32(start + position), np.uint32(nonces), limit, found, self._hits)
                hits = int(self._hits.copy_to_host()[0])
                pace.learn(nonces, time.perf_counter() - began)
                if hits > FOUND:
                    most = max(1, nonces * FOUND // (2 * hits))  # again, with a launch that half fills the buffer
                    continue
                if hits:
                    candidates.append(found[:hits].copy_to_host())
                position += nonces
        return np.concatenate(candidates)

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        slots = tuple(search.slots(search.digest_program(), header))
        total = np.zeros(search.DIGEST_WORDS, np.uint32)
        position = 0
        with self._at_work():
            self._total.copy_to_device(total)
            while position < count:
                nonces = min(count - position, self._fingerprint_pace.nonces)
                began = time.perf_counter()
                self._fingerprint(slots, np.uint32(start + position), np.uint32(nonces), self._total)
                total = self._total.copy_to_host()
                self._fingerprint_pace.learn(nonces, time.perf_counter() - began)
                position += nonces
        return bytes(total)

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        words = np.ascontiguousarray(headers).view(np.uint32)
        digests = np.empty((len(headers), search.DIGEST_WORDS), np.uint32)
        with self._at_work():
            for first in range(0, len(headers), HEADERS):
                part = words[first : first + HEADERS]
                self._headers[: len(part)].copy_to_device(part)
                self._hash_headers(self._headers, self._digests, np.uint32(len(part)))
                self._digests[: len(part)].copy_to_host(digests[first : first + HEADERS])
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


class _Pace:
    """How many nonces a launch may have, learnt from how long launches took."""

    def __init__(self) -> None:
        self.nonces = FIRST_LAUNCH

    def learn(self, nonces: int, seconds: float) -> None:
        """Only a launch of as many nonces as allowed tells how many should be."""
        if nonces == self.nonces:
            change = min(4, max(0.5, LAUNCH_SECONDS / seconds))
            self.nonces = min(LONGEST_LAUNCH, int(nonces * change))
