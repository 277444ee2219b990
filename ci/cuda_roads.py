"""The two roads to NVIDIA's hardware as far as they go without it: a kernel's PTX and machine code.

Both are walked with the tools and options that the backends use. An architecture is a compute capability
times ten: 75, 80, 90, 120.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from quorate.kernels import cupy
from quorate.kernels.c import host
from quorate.kernels.py import rolling, search


class Assembled(NamedTuple):
    """One kernel for one architecture."""

    ptx: str
    """A module with this kernel alone."""
    cubin: bytes
    """An ELF file that has this kernel among others."""
    entry: str
    """What the kernel is called in both."""
    hashes: int
    """Hashes that a pass of its innermost hashing loop does."""
    registers: int
    """Of a thread."""
    spilled: int
    """Bytes that a thread keeps in memory for want of registers: stored plus loaded."""


class Road(NamedTuple):
    kernels: Sequence[str]
    assemble: Callable[[str, int], Assembled]


@cache
def by_numba_cuda(kernel: str, architecture: int) -> Assembled:
    """numba-cuda's PTX, assembled by nvJitLink, which numba-cuda links with."""
    cuda, linker = import_module("numba.cuda"), import_module("cuda.bindings.nvjitlink")
    kernels = import_module("quorate.kernels.py.cuda_kernels")
    capability = divmod(architecture, 10)
    ptx, _ = cuda.compile_ptx(getattr(kernels, kernel), _signature(kernel), cc=capability)
    code = ptx.encode()
    handle = linker.create(2, [f"-arch=sm_{architecture}", "-verbose"])
    try:
        linker.add_data(handle, linker.InputType.PTX, code, len(code), kernel)
        linker.complete(handle)
        log, cubin = bytearray(linker.get_info_log_size(handle)), bytearray(linker.get_linked_cubin_size(handle))
        linker.get_info_log(handle, log)
        linker.get_linked_cubin(handle, cubin)
    finally:
        linker.destroy(handle)
    [(entry, (registers, spilled))] = resources(log.decode()).items()
    hashes = kernels.VERSIONS if kernel == "roll" else 1
    return Assembled(ptx, bytes(cubin), entry, hashes, registers, spilled)


def _signature(kernel: str) -> Any:
    """The types of a kernel's arguments, which numba-cuda learns from the first launch."""
    types = import_module("numba.cuda").types
    u32, flat, rows = types.uint32, types.uint32[::1], types.uint32[:, ::1]
    kernels = import_module("quorate.kernels.py.cuda_kernels")
    programs = search.scan_program(), rolling.versions_program(kernels.VERSIONS), search.digest_program()
    scan_job, roll_job, digest_job = (types.UniTuple(u32, program.slot_count) for program in programs)
    return {
        "scan": types.void(scan_job, u32, u32, u32, flat, flat),
        "roll": types.void(roll_job, u32, u32, u32, flat, flat),
        "fingerprint": types.void(digest_job, u32, u32, flat),
        "hash_headers": types.void(rows, rows, u32),
    }[kernel]


def by_nvrtc(kernel: str, architecture: int) -> Assembled:
    """The C family's text, compiled and assembled by NVRTC."""
    if rolled := kernel == "search_versions":
        ptx, cubin, resources = _nvrtc(host.source("versions.cl"), cupy.VERSIONS_OPTIONS, architecture)
    else:
        ptx, cubin, resources = _nvrtc(host.source(), cupy.OPTIONS, architecture)
    head, *entries = re.split(r"(?=^\.visible \.entry )", ptx, flags=re.MULTILINE)
    [entry] = [entry for entry in entries if entry.startswith(f".visible .entry {kernel}(")]
    hashes = cupy.FOR_VERSIONS.lanes if rolled else 1
    return Assembled(head + entry, cubin, kernel, hashes, *resources[kernel])


@cache
def _nvrtc(
    source: str, options: tuple[str, ...], architecture: int
) -> tuple[str, bytes, dict[str, tuple[int, int]]]:
    nvrtc = import_module("cupy_backends.cuda.libs.nvrtc")
    program = nvrtc.createProgram(source, "search.cu", (), ())
    # Besides the backend's options, those that CuPy adds to them, and what makes the assembler talk.
    added = f"-arch=sm_{architecture}", "-ftz=true", "--device-as-default-execution-space", "--ptxas-options=-v"
    try:
        nvrtc.compileProgram(program, (*options, *added))
        log = nvrtc.getProgramLog(program)
        # CuPy takes the last byte for the end of a text; in a cubin it belongs to a number, and is 0 too.
        return nvrtc.getPTX(program).decode(), nvrtc.getCUBIN(program) + b"\0", resources(log)
    finally:
        nvrtc.destroyProgram(program)


def resources(log: str) -> dict[str, tuple[int, int]]:
    """Registers and spilled bytes by kernel, from what the assembler says."""
    found = re.findall(
        r"Compiling entry function '(\S+)' for"
        r".*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers",
        log,
        re.DOTALL,
    )
    return {name: (int(registers), int(stored) + int(loaded)) for name, stored, loaded, registers in found}


ROADS = {
    "numba-cuda": Road(("scan", "roll", "fingerprint", "hash_headers"), by_numba_cuda),
    "NVRTC": Road(("search", "search_versions", "fingerprint", "hash_headers"), by_nvrtc),
}
