"""NVIDIA GPUs through CuPy: the C family's text, compiled by NVRTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import numpy as np

from .backend import Bytes2D, Device, DeviceError, Nonces
from .c.choices import CUDA, Choice
from .c.host import HEADERS_AT_ONCE, QUEUED, CBackend, Found, source

try:
    import cupy as cp
except ImportError as error:
    _import_error = str(error)
else:
    _import_error = ""


def options(choice: Choice) -> tuple[str, ...]:
    """For NVRTC; with the size and number of groups that it has to leave registers for."""
    groups = choice.items_per_unit // choice.local
    return *choice.options, f"-DLOCAL={choice.local}", f"-DRESIDENT={groups}", "--std=c++17"


OPTIONS = options(CUDA)
FOR_VERSIONS = CUDA.for_versions
VERSIONS_OPTIONS = options(FOR_VERSIONS)
"""Of `search_versions`, which is compiled apart from the other kernels."""


def find() -> list[Device]:
    if _import_error:
        return [_absent(f"CuPy cannot be imported ({_import_error}); pip install 'quorate[cuda]' brings it")]
    try:
        count = cp.cuda.runtime.getDeviceCount()
    except cp.cuda.runtime.CUDARuntimeError as error:
        return [_absent(f"CuPy is installed but finds no NVIDIA GPU with a driver: {error}")]
    return [_describe(index) for index in range(count)]


def open_device(device: Device) -> CBackend:
    """Raises `DeviceError` where NVRTC refuses the kernels or the GPU has no memory for them."""
    with _failures_of(device.name):
        launcher = CuPyLauncher(device.name)
    return CBackend(device, launcher, CUDA.seconds)


def _absent(reason: str) -> Device:
    return Device("cupy", "c", "NVIDIA GPUs through CuPy", reason=reason)


def _describe(index: int) -> Device:
    runtime = cp.cuda.runtime
    properties = runtime.getDeviceProperties(index)
    capability = f"{properties['major']}.{properties['minor']}"
    nvrtc_version = ".".join(map(str, cp.cuda.nvrtc.getVersion()))
    return Device(
        name=f"cupy:{index}",
        family="c",
        description=f"{properties['name'].decode()} (compute capability {capability})",
        driver=f"NVRTC {nvrtc_version} by CuPy {cp.__version__}, CUDA driver {runtime.driverGetVersion()}",
        hardware=f"pci:{runtime.deviceGetPCIBusId(index).lower()}",
    )


@contextmanager
def _failures_of(name: str) -> Iterator[None]:
    try:
        yield
    except (
        cp.cuda.runtime.CUDARuntimeError,
        cp.cuda.driver.CUDADriverError,
        cp.cuda.compiler.CompileException,
        cp.cuda.memory.OutOfMemoryError,
    ) as error:
        first_line = str(error).partition("\n")[0]
        raise DeviceError(f"{name} failed: {first_line}") from error


class CuPyLauncher:
    """One GPU's stream, kernels and buffers, made once and used for every launch."""

    def __init__(self, name: str, capacity: int = 1 << 16) -> None:
        self.capacity = capacity
        self._name = name
        self._loaded = b""
        self._device = cp.cuda.Device(int(name.partition(":")[2]))
        units = self._device.attributes["MultiProcessorCount"]
        self._items = units * CUDA.items_per_unit
        self._versions_items = units * FOR_VERSIONS.items_per_unit
        self.step = self._items * CUDA.lanes
        self.versions = FOR_VERSIONS.lanes
        self.versions_step = self._versions_items * self.versions
        with self._device:
            self._stream = cp.cuda.Stream(non_blocking=True)
            self._reading = cp.cuda.Stream(non_blocking=True)  # past the launches that the other one still holds
            with self._stream:
                module = cp.RawModule(code=source(), options=OPTIONS)
                self._search = module.get_function("search")
                versions_module = cp.RawModule(code=source("versions.cl"), options=VERSIONS_OPTIONS)
                self._search_versions = versions_module.get_function("search_versions")
                self._fingerprint = module.get_function("fingerprint")
                self._hash_headers = module.get_function("hash_headers")
                self._header = cp.empty(80, cp.uint8)
                self._versions = cp.empty(self.versions, cp.uint32)
                size = max(8, 1 + capacity)
                self._results = cycle([cp.empty(size, cp.uint32) for _ in range(QUEUED)])
                self._headers = cp.empty((HEADERS_AT_ONCE, 80), cp.uint8)
                self._digests = cp.empty((HEADERS_AT_ONCE, 32), cp.uint8)

    def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
        with self._at_work():
            self._load(header)
            return self._candidates(self._search, self._items, self.step, start, count, top)

    def search_versions(
        self, header: bytes, versions: Nonces, start: int, count: int, top: int
    ) -> Callable[[], Found]:
        with self._at_work():
            self._load(header, versions)
            items = self._versions_items
            return self._candidates(self._search_versions, items, items, start, count, top, self._versions)

    def fingerprint(self, header: bytes, start: int, count: int) -> Callable[[], bytes]:
        with self._at_work():
            self._load(header)
            total = self._cleared(8)
            done = self._launch_steps(self._fingerprint, self._items, self.step, start, count, total)
        return lambda: self._read(total, 8, done).tobytes()

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        count = len(headers)
        with self._at_work():
            self._headers[:count].set(headers)
            self._launch(self._hash_headers, count, self._headers, np.uint32(count), self._digests)
            digests: Bytes2D = self._digests[:count].get()
        return digests

    def _load(self, header: bytes, versions: Nonces | None = None) -> None:
        """Once for all launches of a window, because writing waits for the launches before."""
        wanted = header + (b"" if versions is None else versions.tobytes())
        if wanted != self._loaded:
            self._header.set(np.frombuffer(header, np.uint8))
            if versions is not None:
                self._versions.set(versions)
            self._loaded = wanted

    def _candidates(
        self, kernel: cp.RawKernel, items: int, step: int, start: int, count: int, top: int, *rest: cp.ndarray
    ) -> Callable[[], Found]:
        found, capacity = self._cleared(1), np.uint32(self.capacity)
        done = self._launch_steps(kernel, items, step, start, count, np.uint32(top), found, capacity, *rest)

        def read() -> Found:
            number = int(self._read(found, 1, done)[0])
            return number, self._read(found, 1 + min(number, self.capacity), done)[1:]

        return read

    def _cleared(self, words: int) -> cp.ndarray:
        """One of the buffers for results, whose first words are 0 for what is queued next."""
        buffer = next(self._results)
        buffer[:words] = 0
        return buffer

    def _launch_steps(
        self, kernel: cp.RawKernel, items: int, step: int, start: int, count: int, *rest: cp.ndarray | np.uint32
    ) -> cp.cuda.Event:
        """With `step` the nonces that one step of all items covers."""
        window = np.uint32(start), np.uint32(count), np.uint32(-(-count // step))
        return self._launch(kernel, items, self._header, *window, *rest)

    def _launch(self, kernel: cp.RawKernel, items: int, *arguments: cp.ndarray | np.uint32) -> cp.cuda.Event:
        kernel((-(-items // CUDA.local),), (CUDA.local,), arguments)
        return self._stream.record(cp.cuda.Event(disable_timing=True))

    def _read(self, buffer: cp.ndarray, count: int, done: cp.cuda.Event) -> Nonces:
        with self._at_work():
            done.synchronize()
            words: Nonces = buffer[:count].get(stream=self._reading)
        return words

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Makes the GPU and the stream those of the calling thread."""
        with _failures_of(self._name), self._device, self._stream:
            yield
