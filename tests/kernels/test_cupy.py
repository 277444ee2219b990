"""The CuPy backend without a GPU: its text and options, compiled and assembled by NVRTC, and its reasons.

What needs a GPU is the conformance suite, `pytest -m gpu`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from typing import NamedTuple

import pytest

from quorate.kernels import catalog, cupy
from quorate.kernels.backend import UnavailableError
from quorate.kernels.c.choices import CUDA
from quorate.kernels.c.host import source

ARCHITECTURES = [75, 90, 120]

REGISTERS = 65536
"""Of a multiprocessor, on every architecture above; CUDA C++ Programming Guide, "Compute Capabilities"."""


class Assembled(NamedTuple):
    registers: int
    spilled: int
    """Bytes."""


@cache
def assemble(architecture: int, file: str, own_options: tuple[str, ...]) -> dict[str, Assembled]:
    """What the assembler inside NVRTC says of each kernel of the file, under the options that CuPy gives it."""
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason="pip install 'quorate[cuda]'")
    options = (*own_options, f"-arch=sm_{architecture}", "-ftz=true", "--device-as-default-execution-space")
    program = nvrtc.createProgram(source(file), "search.cu", (), ())
    try:
        nvrtc.compileProgram(program, (*options, "--ptxas-options=-v"))
    finally:
        log = nvrtc.getProgramLog(program).strip("\0")
        nvrtc.destroyProgram(program)
    assert [line for line in log.splitlines() if not line.startswith("ptxas")] == [], "a warning"
    kernels = re.findall(
        r"Compiling entry function '(\w+)'"
        r".*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers",
        log,
        re.DOTALL,
    )
    return {name: Assembled(int(used), int(stores) + int(loads)) for name, stores, loads, used in kernels}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_kernels_assemble_and_fill_a_multiprocessor(architecture: int) -> None:
    kernels = assemble(architecture, "search.cl", cupy.OPTIONS)
    assert set(kernels) == {"search", "fingerprint", "hash_headers"}
    assert kernels["search"].spilled == 0
    for kernel in kernels.values():
        assert kernel.registers * CUDA.items_per_unit <= REGISTERS
    [(name, kernel)] = assemble(architecture, "versions.cl", cupy.VERSIONS_OPTIONS).items()
    assert name == "search_versions"
    assert kernel.spilled == 0
    assert kernel.registers * CUDA.for_versions.items_per_unit <= REGISTERS


def test_without_cupy_the_reason_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['cupy'] = None\n"
        "from quorate.kernels import cupy\n"
        "[device] = cupy.find()\n"
        "print(device.name, device.available, device.reason)"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stdout.startswith("cupy False CuPy cannot be imported"), result.stderr
    assert "pip install 'quorate[cuda]'" in result.stdout


def test_without_a_gpu_the_reason_names_cudas_error() -> None:
    pytest.importorskip("cupy", reason="pip install 'quorate[cuda]'")
    devices = cupy.find()
    if devices[0].available:
        pytest.skip(f"there is a GPU: {devices[0].description}")
    [device] = devices
    assert re.search(r"finds no NVIDIA GPU with a driver: cudaError\w+", device.reason)
    with pytest.raises(UnavailableError, match="cupy:0 cannot be used here.*cudaError"):
        catalog.open_backend("cupy:0")


@pytest.mark.gpu
def test_a_gpu_is_named_by_its_place_on_the_bus() -> None:
    for device in cupy.find():
        if not device.available:
            pytest.skip(device.reason)
        assert re.fullmatch(r"pci:[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]", device.hardware)
