"""The CPU backend: other widths than this processor's, several threads, and the manners of a device."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels import cpu, tuning
from quorate.kernels.backend import Device, with_version
from quorate.kernels.py import processor
from quorate.kernels.py.cpu_ways import MOST_VERSIONS, ONE_CHAIN, SHA_NI, TWO_CHAINS, ways

from . import oracle
from .test_conformance import *  # noqa: F403  with the fixture below, each of its tests runs in other ways too

DEVICE = cpu.find()[0]
LANES, EXTENSION = processor.simd()
WAYS = [ONE_CHAIN, TWO_CHAINS, SHA_NI]
OTHER_LANES = [lanes for lanes in (1, 4, 8, 16) if lanes != LANES]
"""One lane is no SIMD at all: it runs the scalar code that the CUDA kernels are made of."""


OTHERS = [(lanes, ONE_CHAIN) for lanes in OTHER_LANES] + [(LANES, TWO_CHAINS), (LANES, SHA_NI)]


def of(lanes: int, way: str) -> cpu.CpuBackend:
    if way not in ways():
        pytest.skip(f"this processor has no {way}")
    return _of(lanes, way)


@functools.cache
def _of(lanes: int, way: str) -> cpu.CpuBackend:
    return cpu.CpuBackend(DEVICE, lanes, way, way)


@pytest.fixture(params=OTHERS, ids=[f"{lanes} lanes" if way == ONE_CHAIN else way for lanes, way in OTHERS])
def backend(request: pytest.FixtureRequest) -> cpu.CpuBackend:
    return of(*request.param)


@pytest.mark.parametrize("count", [cpu.MIN_CHUNK - 1, cpu.MIN_CHUNK + 1, 10 * cpu.MIN_CHUNK + 17])
def test_windows_that_are_shared_out_to_threads(count: int) -> None:
    backend, header = cpu.open_device(DEVICE), oracle.random_header(count)
    digests = [oracle.value(header, nonce) for nonce in range(99, 99 + count)]
    target = 1 << 248
    hits = backend.search(header, 99, count, target)
    assert hits.nonces.tolist() == [99 + i for i, value in enumerate(digests) if value <= target]
    total = functools.reduce(int.__xor__, digests)
    assert backend.fingerprint(header, 99, count) == total.to_bytes(32, "little")


def test_batches_that_are_shared_out_to_threads() -> None:
    headers = np.random.default_rng(1).integers(0, 256, (3 * cpu.MIN_CHUNK + 5, 80), np.uint8)
    digests = cpu.open_device(DEVICE).hash_headers(headers)
    nonces = headers[:, 76:].copy().view("<u4")[:, 0]
    expected = [oracle.digest(h.tobytes(), int(n)) for h, n in zip(headers, nonces, strict=True)]
    assert [digest.tobytes() for digest in digests] == expected


@pytest.mark.parametrize("lanes", [4, LANES])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("more", [2, 3])
def test_every_number_of_versions(lanes: int, way: str, more: int) -> None:
    """As many as fill two chains, then as many as fill one, or an even number of them; the rest one by one."""
    header, start, count, target = oracle.random_header(lanes), 77, 2 * LANES + 3, 1 << 252
    versions = [0x20000000 ^ 7 * i for i in range(3 * lanes + more)]
    found = of(lanes, way).search_versions(header, versions, start, count, target)
    headers = [with_version(header, version) for version in versions]
    assert [h.nonces.tolist() for h in found] == [oracle.hits(h, start, count, target) for h in headers]


def test_more_versions_than_sha_ni_takes_together() -> None:
    header, count, target = oracle.random_header(12), 2 * LANES + 3, 1 << 252
    versions = list(range(2 * MOST_VERSIONS + 3))
    found = of(LANES, SHA_NI).search_versions(header, versions, 5, count, target)
    headers = [with_version(header, version) for version in versions]
    assert [h.nonces.tolist() for h in found] == [oracle.hits(h, 5, count, target) for h in headers]


@pytest.mark.parametrize("way", WAYS)
def test_versions_and_windows_that_are_shared_out_to_threads(way: str) -> None:
    """Equal to a search for each version; windows of a chunk and more, and buffers that overflow."""
    backend = of(LANES, way)
    header, versions = oracle.random_header(9), [5 + i for i in range(2 * LANES)]
    headers = [version.to_bytes(4, "little") + header[4:] for version in versions]
    for count, target in [(3 * cpu.MIN_CHUNK + 1, oracle.MAX_TARGET), (cpu.CHUNK // LANES + 17, 1 << 244)]:
        found = backend.search_versions(header, versions, 3, count, target)
        assert found == [backend.search(h, 3, count, target) for h in headers]
        assert all(found)


def test_the_device_describes_this_machine() -> None:
    assert DEVICE.name == "cpu"
    assert (DEVICE.family, DEVICE.hardware, DEVICE.available) == ("python", "cpu", True)
    assert f"{LANES} lanes ({EXTENSION}), {processor.threads()} threads" in DEVICE.description
    assert DEVICE.description.endswith(tuple(ways()))
    assert DEVICE.driver.startswith("Numba ")
    assert ", LLVM " in DEVICE.driver


@pytest.fixture
def no_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing saved by this machine's user counts, and nothing is saved for him."""
    monkeypatch.setattr(tuning, "user_cache_path", lambda _: tmp_path)
    return tmp_path


@pytest.mark.usefixtures("no_tuning")
@pytest.mark.parametrize(
    ("name", "features", "way"),
    [
        ("znver4", "+avx2,+avx512f,+sha", SHA_NI),
        ("znver4", "+avx2,+avx512f,-sha", TWO_CHAINS),
        ("znver5", "+avx2,+avx512f,+sha", TWO_CHAINS),
        ("znver3", "+avx2,+sha", SHA_NI),
        ("haswell", "+avx2,-sha", ONE_CHAIN),
        ("generic", "", ONE_CHAIN),
    ],
)
def test_the_way_to_search_where_nobody_has_measured(
    monkeypatch: pytest.MonkeyPatch, name: str, features: str, way: str
) -> None:
    monkeypatch.setenv("NUMBA_CPU_NAME", name)
    monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    assert cpu.find()[0].description.endswith(f"nonces by {way}, versions by {way}")


@pytest.mark.usefixtures("no_tuning")
def test_a_calibration_decides_how_to_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "CALIBRATION", 1 << 16)
    rates = cpu.calibrate(cpu.find()[0])
    assert sorted(rates) == sorted(f"{work} by {way}" for work in (cpu.NONCES, cpu.VERSIONS) for way in ways())
    assert all(rate > 1e5 for rate in rates.values())
    for_nonces, for_versions = (
        next(name for name in rates if name.startswith(work)) for work in (cpu.NONCES, cpu.VERSIONS)
    )
    [device] = cpu.find()
    assert device.description.endswith(f", {for_nonces}, {for_versions}")
    backend = cpu.open_device(device)
    assert for_nonces.endswith(backend.scan_way)
    assert for_versions.endswith(backend.roll_way)


@pytest.mark.parametrize("way", ways())
def test_a_saved_way_is_used_and_shown(no_tuning: Path, way: str) -> None:
    """Of one work; the other keeps its own."""
    before = cpu.open_device(cpu.find()[0])
    tuning.calibrate(cpu._untuned(cpu.find()[0]), {way: lambda: 1.0}, cpu.VERSIONS)
    assert tuning.file().parent == no_tuning
    [device] = cpu.find()
    assert device.description.endswith(f"nonces by {before.scan_way}, versions by {way}")
    backend = cpu.open_device(device)
    assert (backend.scan_way, backend.roll_way) == (before.scan_way, way)


@pytest.mark.usefixtures("no_tuning")
def test_a_saved_way_that_is_no_more_counts_as_none() -> None:
    before = cpu.find()
    tuning.calibrate(cpu._untuned(before[0]), {"a way of last year": lambda: 1.0}, cpu.NONCES)
    assert cpu.find() == before


def run(script: str, **variables: str) -> str:
    environment = os.environ | variables
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_processor_without_simd_extensions() -> None:
    """Numba's two variables together take every extension away from what it compiles."""
    header, target = oracle.random_header(5), 1 << 250
    script = f"""
import numpy as np
from quorate.kernels import cpu
header = bytes.fromhex("{header.hex()}")
device = cpu.find()[0]
assert "4 lanes" in device.description, device
backend = cpu.open_device(device)
print(backend.search(header, 1000, 2001, {target}).nonces.tolist())
print(backend.fingerprint(header, 1000, 2001).hex())
print(backend.hash_headers(np.frombuffer(header * 5, np.uint8).reshape(5, 80)).tobytes().hex())
"""
    hits, fingerprint, digests = run(script, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="").splitlines()
    assert hits == str(oracle.hits(header, 1000, 2001, target))
    assert fingerprint == oracle.fingerprint(header, 1000, 2001).hex()
    nonce = int.from_bytes(header[76:], "little")
    assert digests == (oracle.digest(header, nonce) * 5).hex()


def test_listing_devices_does_not_import_numba() -> None:
    script = "import sys; from quorate.kernels import cpu; cpu.find(); print('numba' in sys.modules)"
    assert run(script).strip() == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGINT to one process")
def test_an_interrupted_search_stops_at_once() -> None:
    """A window of minutes, queued to all threads, must not be finished before the process ends."""
    script = """
from quorate.kernels import cpu
backend = cpu.open_device(cpu.find()[0])
backend.search(bytes(80), 0, 1, 0)
print("ready", flush=True)
backend.search(bytes(80), 0, 1 << 32, 0)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert b"KeyboardInterrupt" in stderr


def test_a_device_can_be_opened_twice() -> None:
    first, second = cpu.open_device(DEVICE), cpu.open_device(DEVICE)
    header = oracle.random_header(6)
    assert first.search(header, 0, 500, 1 << 250) == second.search(header, 0, 500, 1 << 250)
    assert isinstance(first.device, Device)
