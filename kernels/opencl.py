"""OpenCL: every device of every platform that is installed, through pyopencl."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from . import tuning
from .backend import HEADER_BYTES, NONCES, Bytes2D, Device, DeviceError, Nonces, UsageError
from .c.choices import Choice, alternatives, choose, cpu_features
from .c.host import HEADERS_AT_ONCE, QUEUED, CBackend, Found, source

if TYPE_CHECKING:
    from .opencl_signatures import OpenCLVerifier
    from .signatures import Codes, SignatureBatch

try:
    import pyopencl as cl
except ImportError as error:
    _import_error = str(error)
else:
    _import_error = ""

SIMULATOR = "Oclgrind"
POCL = "Portable Computing Language"
RUSTICL = "rusticl"

_REMEDY = "pip install 'pyopencl[pocl]' brings one for the CPU"


def find() -> list[Device]:
    if _import_error:
        return [_absent(f"pyopencl cannot be imported ({_import_error}); pip install 'pyopencl[pocl]' brings it")]
    try:
        found = cl_devices()
    except cl.Error as error:
        return [_absent(f"the OpenCL loader reports: {error}; {_REMEDY}")]
    if not found:
        return [_absent(f"pyopencl is installed but no OpenCL platform has a device; {_REMEDY}")]
    return [_describe(f"opencl:{index}", device) for index, device in enumerate(found)]


def open_device(device: Device) -> OpenCLBackend:
    """With the choice that a calibration saved for this device, else the one that its driver is known to like.

    Raises `DeviceError` where the driver cannot compile the kernels or has no memory for them.
    """
    saved = tuning.saved(device)
    default, *others = choices(device)
    return _open(device, next((choice for choice in others if choice.name == saved), default))


def calibrate(device: Device) -> dict[str, float]:
    """Compares the choices for this device and saves the fastest at `search`, which `open_device` then takes.

    Returns the median hashes a second of each choice by its name, fastest first. Takes some seconds, and
    more where a driver compiles slowly. Raises `DeviceError` as `open_device` does, and `UsageError` where
    the result cannot be saved.
    """
    return tuning.calibrate(device, {choice.name: _measure(_open(device, choice)) for choice in choices(device)})


def choices(device: Device) -> list[Choice]:
    """The choices for this device, the one that its driver is known to like first."""
    cl_device = _cl_device(device)
    platform = cl_device.platform.name
    return alternatives(platform, choose(platform, gpu=_is_gpu(cl_device), features=cpu_features()))


def _open(device: Device, choice: Choice) -> OpenCLBackend:
    return OpenCLBackend(device, OpenCLLauncher(device.name, _cl_device(device), choice), choice.seconds)


def _measure(backend: CBackend) -> Callable[[], float]:
    """Searches for at least 0.1 s, in a window that it finds in the first call; returns hashes a second."""
    count = 1 << 12

    def measure() -> float:
        nonlocal count
        while True:
            began = time.perf_counter()
            backend.search(bytes(HEADER_BYTES), 0, count, 0)
            seconds = time.perf_counter() - began
            if seconds >= 0.1 or count == NONCES:
                return count / seconds
            count *= 2

    return measure


def cl_devices() -> list[cl.Device]:
    """pyopencl's devices, `opencl:0` first: in the order reported, but the simulator, which claims to be
    a GPU and so comes first, last."""
    platforms = sorted(cl.get_platforms(), key=lambda platform: platform.name == SIMULATOR)
    return [device for platform in platforms for device in platform.get_devices()]


def _cl_device(device: Device) -> cl.Device:
    return cl_devices()[int(device.name.partition(":")[2])]


def _absent(reason: str) -> Device:
    return Device("opencl", "c", "OpenCL", reason=reason)


def _describe(name: str, device: cl.Device) -> Device:
    platform = device.platform
    return Device(
        name=name,
        family="c",
        description=" ".join(f"{device.name} ({platform.version})".split()),
        driver=f"{platform.name} {device.driver_version}",
        hardware=_chip(name, device) if _is_gpu(device) else "cpu",
        reason=_why_not(device),
        simulator=platform.name == SIMULATOR,
        # Ed25519's vectors fail there and ECDSA's signatures of a real block; the cause is not known yet.
        verifies=platform.name != RUSTICL,
        unfit="its driver comes to wrong verdicts" if platform.name == RUSTICL else "",
    )


def _why_not(device: cl.Device) -> str:
    if not device.available or not device.compiler_available:
        return "its driver reports that the device or its compiler is not available"
    if device.platform.name == POCL and shutil.which("ld") is None:
        # Found out by a launch, this would abort the process.
        return "PoCL links its kernels with `ld`, which is not on the PATH; install binutils"
    return ""


def _is_gpu(device: cl.Device) -> bool:
    """The simulator claims to be every type at once, and runs on the CPU."""
    return not device.type & cl.device_type.CPU


def _chip(name: str, device: cl.Device) -> str:
    """The GPU's place on the PCI bus, as every other road to it reports it; else a name of its own."""
    extensions = device.extensions.split()
    if "cl_nv_device_attribute_query" in extensions:
        domain, bus = device.pci_domain_id_nv, device.pci_bus_id_nv
        slot, function = device.pci_slot_id_nv >> 3, device.pci_slot_id_nv & 7
    elif "cl_amd_device_attribute_query" in extensions:
        place = device.topology_amd
        domain, bus, slot, function = 0, place.bus & 0xFF, place.device, place.function
    else:
        return f"gpu at {name}"
    return f"pci:{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


@contextmanager
def failures_of(name: str) -> Iterator[None]:
    """What the driver reports, as the failure of the device of this name."""
    try:
        yield
    except cl.Error as error:
        first_line = str(error).partition("\n")[0]
        raise DeviceError(f"{name} failed: {first_line}") from error


def build(context: cl.Context, text: str, choice: Choice) -> cl.Program:
    """The text compiled for the context's device."""
    with warnings.catch_warnings():
        # Intel's compiler has something to say about every success, if only that it is one.
        warnings.simplefilter("ignore", cl.CompilerWarning)
        program: cl.Program = cl.Program(context, text).build(choice.options)
    return program


class OpenCLBackend(CBackend):
    """Besides what the C family does anywhere, verifies signatures; the kernels for that are built when needed."""

    _verifier: OpenCLVerifier | None = None

    def verify(self, batch: SignatureBatch) -> Codes:
        if not self.device.verifies:
            raise UsageError(self.device.no_verdicts)
        if self._verifier is None:
            from .opencl_signatures import OpenCLVerifier

            choice = choices(self.device)[0].for_signatures
            self._verifier = OpenCLVerifier(self.device.name, _cl_device(self.device), choice)
        return self._verifier.verify(batch)


class OpenCLLauncher:
    """One device's queue, kernels and buffers, made once and used for every launch."""

    def __init__(self, name: str, device: cl.Device, choice: Choice, capacity: int = 1 << 16) -> None:
        self.capacity = capacity
        self._name = name
        self._choice = choice
        self._loaded = b""
        for_versions = choice.for_versions
        self._items = device.max_compute_units * choice.items_per_unit
        self._versions_items = device.max_compute_units * for_versions.items_per_unit
        self.step = self._items * choice.lanes
        self.versions = for_versions.lanes
        self.versions_step = self._versions_items * self.versions
        with failures_of(name):
            context = cl.Context([device])
            program = build(context, source(), choice)
            versions_program = build(context, source("versions.cl"), for_versions)
            self._queue = cl.CommandQueue(context)
            self._reading = cl.CommandQueue(context)  # past the launches that the other queue still holds
            self._search = cl.Kernel(program, "search")
            self._search_versions = cl.Kernel(versions_program, "search_versions")
            self._fingerprint = cl.Kernel(program, "fingerprint")
            self._hash_headers = cl.Kernel(program, "hash_headers")
            flags = cl.mem_flags
            self._header = cl.Buffer(context, flags.READ_ONLY, 80)
            self._versions = cl.Buffer(context, flags.READ_ONLY, 4 * self.versions)
            zeros = np.zeros(8, np.uint32)
            self._zeros = cl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=zeros)
            size = max(32, 4 * (1 + capacity))
            self._results = cycle([cl.Buffer(context, flags.READ_WRITE, size) for _ in range(QUEUED)])
            self._headers = cl.Buffer(context, flags.READ_ONLY, 80 * HEADERS_AT_ONCE)
            self._digests = cl.Buffer(context, flags.WRITE_ONLY, 32 * HEADERS_AT_ONCE)

    def search(self, header: bytes, start: int, count: int, top: int) -> Callable[[], Found]:
        with failures_of(self._name):
            self._load(header)
            return self._candidates(self._search, self._items, self.step, start, count, top)

    def search_versions(
        self, header: bytes, versions: Nonces, start: int, count: int, top: int
    ) -> Callable[[], Found]:
        with failures_of(self._name):
            self._load(header, versions)
            items = self._versions_items
            return self._candidates(self._search_versions, items, items, start, count, top, self._versions)

    def fingerprint(self, header: bytes, start: int, count: int) -> Callable[[], bytes]:
        with failures_of(self._name):
            self._load(header)
            total = self._cleared(32)
            done = self._launch_steps(self._fingerprint, self._items, self.step, start, count, total)
        return lambda: self._read(total, 8, done).tobytes()

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        digests = np.empty((len(headers), 32), np.uint8)
        with failures_of(self._name):
            cl.enqueue_copy(self._queue, self._headers, headers)
            items = -(-len(headers) // self._choice.lanes)
            self._launch(self._hash_headers, items, self._headers, np.uint32(len(headers)), self._digests)
            cl.enqueue_copy(self._queue, digests, self._digests)
        return digests

    def _load(self, header: bytes, versions: Nonces | None = None) -> None:
        """Once for all launches of a window, because writing waits for the launches before."""
        wanted = header + (b"" if versions is None else versions.tobytes())
        if wanted != self._loaded:
            cl.enqueue_copy(self._queue, self._header, np.frombuffer(header, np.uint8))
            if versions is not None:
                cl.enqueue_copy(self._queue, self._versions, versions)
            self._loaded = wanted

    def _candidates(
        self, kernel: cl.Kernel, items: int, step: int, start: int, count: int, top: int, *rest: cl.Buffer
    ) -> Callable[[], Found]:
        found, capacity = self._cleared(4), np.uint32(self.capacity)
        done = self._launch_steps(kernel, items, step, start, count, np.uint32(top), found, capacity, *rest)

        def read() -> Found:
            number = int(self._read(found, 1, done)[0])
            return number, self._read(found, 1 + min(number, self.capacity), done)[1:]

        return read

    def _cleared(self, size: int) -> cl.Buffer:
        """One of the buffers for results, whose first bytes are 0 for what is queued next."""
        buffer = next(self._results)
        cl.enqueue_copy(self._queue, buffer, self._zeros, byte_count=size)
        return buffer

    def _launch_steps(
        self, kernel: cl.Kernel, items: int, step: int, start: int, count: int, *rest: cl.Buffer | np.uint32
    ) -> cl.Event:
        """With `step` the nonces that one step of all items covers."""
        window = np.uint32(start), np.uint32(count), np.uint32(-(-count // step))
        return self._launch(kernel, items, self._header, *window, *rest)

    def _launch(self, kernel: cl.Kernel, items: int, *arguments: cl.Buffer | np.uint32) -> cl.Event:
        local = self._choice.local
        done = kernel(self._queue, (-(-items // local) * local,), (local,), *arguments)
        self._queue.flush()
        return done

    def _read(self, buffer: cl.Buffer, count: int, done: cl.Event) -> Nonces:
        words = np.empty(count, np.uint32)
        with failures_of(self._name):
            cl.enqueue_copy(self._reading, words, buffer, wait_for=[done])
        return words
