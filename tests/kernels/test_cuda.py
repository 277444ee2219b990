"""The CUDA backend without a GPU: compiled and assembled for several architectures, and run in the simulator.

What needs a GPU is the conformance suite, `pytest -m gpu`.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from quorate.kernels import catalog, cuda
from quorate.kernels.backend import UnavailableError
from quorate.kernels.py import rolling, search

from . import oracle

needs_numba_cuda = pytest.mark.skipif(find_spec("numba_cuda") is None, reason="numba-cuda is not installed")

ARCHITECTURES = [(7, 5), (9, 0), (12, 0)]
KERNELS = ["scan", "roll", "fingerprint", "hash_headers"]


@cache
def signature(kernel: str) -> Any:
    types = import_module("numba.cuda").types
    u32, flat, rows = types.uint32, types.uint32[::1], types.uint32[:, ::1]
    kernels = import_module("quorate.kernels.py.cuda_kernels")
    programs = search.scan_program(), rolling.versions_program(kernels.VERSIONS), search.digest_program()
    scan_slots, roll_slots, digest_slots = (types.UniTuple(u32, program.slot_count) for program in programs)
    return {
        "scan": types.void(scan_slots, u32, u32, u32, flat, flat),
        "roll": types.void(roll_slots, u32, u32, u32, rows, flat),
        "fingerprint": types.void(digest_slots, u32, u32, flat),
        "hash_headers": types.void(rows, rows, u32),
    }[kernel]


@cache
def ptx(kernel: str, architecture: tuple[int, int]) -> str:
    kernels = import_module("quorate.kernels.py.cuda_kernels")
    text: str
    text, _ = import_module("numba.cuda").compile_ptx(getattr(kernels, kernel), signature(kernel), cc=architecture)
    return text


@cache
def assemble(kernel: str, architecture: tuple[int, int]) -> str:
    """What the assembler says about the kernel: numba-cuda's own linker, which needs no GPU."""
    linker = pytest.importorskip("cuda.bindings.nvjitlink", reason="numba-cuda's linker is not installed")
    code = ptx(kernel, architecture).encode()
    major, minor = architecture
    handle = linker.create(2, [f"-arch=sm_{major}{minor}", "-verbose"])
    linker.add_data(handle, linker.InputType.PTX, code, len(code), kernel)
    linker.complete(handle)
    log = bytearray(linker.get_info_log_size(handle))
    linker.get_info_log(handle, log)
    linker.destroy(handle)
    return log.decode()


@needs_numba_cuda
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_assemble_without_spilling_registers(kernel: str, architecture: tuple[int, int]) -> None:
    log = assemble(kernel, architecture)
    registers = re.search(r"Used (\d+) registers", log)
    assert registers, log
    most = 128 if kernel == "roll" else 64  # a multiprocessor has 65,536: for 512 threads, or for 1,024
    assert int(registers[1]) <= most
    assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in log


@needs_numba_cuda
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_compute_in_32_bits(kernel: str) -> None:
    """Numba widens sums of uint32 and compares mixed integers as floating point, which GPUs do slowly."""
    code = ptx(kernel, (9, 0))
    assert len(re.findall(r"\b(?:add|sub)\.[su]32\b", code)) > 1000
    assert len(re.findall(r"\b(?:add|sub|mul|mad)\S*\.[su]64\b", code)) <= 10, "addresses alone are wide"
    assert ".f64" not in code


def run(script: str, **variables: str) -> list[Any]:
    """The documents that a script prints in a process of its own, a line each."""
    command = [sys.executable, "-W", "error", "-c", script]
    environment = os.environ | variables
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@needs_numba_cuda
def test_kernels_and_host_code_in_the_simulator() -> None:
    header, first, headers = oracle.random_header(1), 2**32 - 30, random.Random(2).randbytes(80 * 9)
    easy, versions = 1 << 253, [1, 0x20000000, 3, 0x3FFFE000, 5]
    script = f"""
import json
import numpy as np
from quorate.kernels import cuda
cuda.FOUND = 8
[device] = cuda.find()
print(json.dumps([device.name, device.available, device.simulator]))
backend = cuda.open_device(device)
header = bytes.fromhex("{header.hex()}")
print(json.dumps(backend.search(header, {first}, 30, {easy}).nonces.tolist()))
print(json.dumps(backend.search(header, 70, 25, {oracle.MAX_TARGET}).nonces.tolist()))
print(json.dumps(backend.search(header, 70, 0, {oracle.MAX_TARGET}).nonces.tolist()))
rolled = backend.search_versions(header, {versions}, {first}, 12, {4 * easy})
print(json.dumps([hits.nonces.tolist() for hits in rolled]))
every = backend.search_versions(header, {versions}, 5, 6, {oracle.MAX_TARGET})
print(json.dumps([hits.nonces.tolist() for hits in every]))
print(json.dumps(backend.fingerprint(header, {first}, 30).hex()))
headers = np.frombuffer(bytes.fromhex("{headers.hex()}"), np.uint8).reshape(-1, 80)
print(json.dumps(backend.hash_headers(headers).tobytes().hex()))
"""
    device, hits, overflowing, empty, rolled, every, fingerprint, digests = run(script, NUMBA_ENABLE_CUDASIM="1")
    assert device == ["cuda:0", True, True]
    assert hits == oracle.hits(header, first, 30, easy)
    assert 0 < len(hits) < 8
    assert overflowing == list(range(70, 95))
    assert empty == []
    headers_rolled = [version.to_bytes(4, "little") + header[4:] for version in versions]
    assert rolled == [oracle.hits(h, first, 12, 4 * easy) for h in headers_rolled]
    assert all(rolled)
    assert every == [list(range(5, 11))] * len(versions)
    assert fingerprint == oracle.fingerprint(header, first, 30).hex()
    single = [headers[i : i + 80] for i in range(0, len(headers), 80)]
    expected = [oracle.digest(h, int.from_bytes(h[76:], "little")).hex() for h in single]
    assert digests == "".join(expected)


FIND = "import json; from quorate.kernels import cuda; [d] = cuda.find(); print(json.dumps([d.name, d.reason]))"


def test_without_numba_cuda_the_reason_says_how_to_get_it() -> None:
    [[name, reason]] = run("import sys; sys.modules['numba_cuda'] = None; " + FIND)
    assert name == "cuda"
    assert "pip install 'quorate[cuda]'" in reason


@needs_numba_cuda
def test_without_a_driver_the_reason_is_what_numba_cuda_says() -> None:
    [[name, reason]] = run(FIND, NUMBA_DISABLE_CUDA="1")
    assert name == "cuda"
    assert "NUMBA_DISABLE_CUDA" in reason
    assert "\n" not in reason


def test_an_unavailable_device_cannot_be_opened() -> None:
    if cuda.find()[0].available:
        pytest.skip("there is a GPU here, so the device can be opened")
    with pytest.raises(UnavailableError, match=r"cuda:0 cannot be used here: .*(driver|numba-cuda)"):
        catalog.open_backend("cuda:0")


def test_launches_follow_the_time_that_they_took() -> None:
    pace = cuda._Pace()
    assert pace.nonces == cuda.FIRST_LAUNCH
    pace.learn(pace.nonces, 2 * cuda.LAUNCH_SECONDS)
    assert pace.nonces == cuda.FIRST_LAUNCH // 2
    pace.learn(pace.nonces // 2, 1e-6)
    assert pace.nonces == cuda.FIRST_LAUNCH // 2, "a short launch says nothing about long ones"
    pace.learn(pace.nonces, 1e-6)
    assert pace.nonces == 2 * cuda.FIRST_LAUNCH, "at most four times as many"
    pace.learn(pace.nonces, 60)
    assert pace.nonces == cuda.FIRST_LAUNCH, "the first launch compiles, which says little"
    for _ in range(20):
        pace.learn(pace.nonces, 1e-6)
    assert pace.nonces == cuda.LONGEST_LAUNCH
