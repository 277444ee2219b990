"""What is peculiar to OpenCL; that its results are right is in test_conformance.py, for each of its devices."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quorate.kernels import catalog, opencl, tuning
from quorate.kernels.backend import Device, DeviceError, UsageError, with_version
from quorate.kernels.c.choices import Choice, choose, cpu_features
from quorate.kernels.c.host import CBackend
from quorate.kernels.signatures import Scheme, SignatureBatch

from . import oracle

REAL = [device for device in opencl.find() if device.available and not device.simulator]

# Others take up to a minute for the kernels of one choice.
QUICK_TO_COMPILE = [device for device in REAL if "Portable Computing Language" in device.driver][:1]

needs_a_device = pytest.mark.skipif(not REAL, reason=f"no OpenCL device: {opencl.find()[0].reason}")
needs_pocl = pytest.mark.skipif(not QUICK_TO_COMPILE, reason="PoCL is not installed; pip install 'pyopencl[pocl]'")
needs_oclgrind = pytest.mark.skipif(
    not any(device.simulator for device in opencl.find()),
    reason="Oclgrind is not installed; pip install 'pyopencl[oclgrind]'",
)


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def cl_device_and_choice(device: Device) -> tuple[Any, Choice]:
    cl_device = opencl.cl_devices()[int(device.name.removeprefix("opencl:"))]
    gpu = device.hardware != "cpu"
    return cl_device, choose(cl_device.platform.name, gpu=gpu, features=cpu_features())


def test_names_count_all_devices_and_the_simulator_is_last() -> None:
    devices = opencl.find()
    if devices[0].name == "opencl":
        pytest.skip(devices[0].reason)
    assert [device.name for device in devices] == [f"opencl:{i}" for i in range(len(devices))]
    assert [device.simulator for device in devices] == sorted(device.simulator for device in devices)
    assert devices == opencl.find()


def test_without_pyopencl_the_reason_says_how_to_get_it() -> None:
    result = run(
        "import sys; sys.modules['pyopencl'] = None\n"
        "from quorate.kernels import opencl\n"
        "[device] = opencl.find()\n"
        "print(device.name, device.available, device.reason)"
    )
    assert result.stdout.startswith("opencl False pyopencl cannot be imported"), result.stderr
    assert "pip install 'pyopencl[pocl]'" in result.stdout


def test_no_device_at_all_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cl = pytest.importorskip("pyopencl")
    monkeypatch.setattr(cl, "get_platforms", list)
    [device] = opencl.find()
    assert (device.name, device.available) == ("opencl", False)
    assert "pip install 'pyopencl[pocl]'" in device.reason


@pytest.mark.skipif(
    not any("Portable Computing Language" in device.driver for device in opencl.find()),
    reason="PoCL is not installed; pip install 'pyopencl[pocl]'",
)
def test_pocl_without_ld_is_unavailable_instead_of_an_abort() -> None:
    result = run(
        "from quorate.kernels import catalog\n"
        "pocl = [d for d in catalog.devices() if 'Portable Computing Language' in d.driver]\n"
        "assert all(not d.available for d in pocl), pocl\n"
        "try: catalog.open_backend(pocl[0].name)\n"
        "except catalog.UnavailableError as error: print(error)",
        PATH="",
    )
    assert result.returncode == 0, result.stderr
    assert "`ld`, which is not on the PATH; install binutils" in result.stdout


@needs_a_device
@pytest.mark.parametrize("device", REAL, ids=lambda device: device.name)
def test_a_full_buffer_loses_no_hit(device: Device) -> None:
    launcher = opencl.OpenCLLauncher(device.name, *cl_device_and_choice(device), capacity=64)
    backend = CBackend(device, launcher, 0.05)
    header = oracle.random_header(20)
    every = backend.search(header, 1, 5000, oracle.MAX_TARGET)
    assert np.array_equal(every.nonces, np.arange(1, 5001, dtype=np.uint32))
    for bits in (255, 251, 249):
        expected = oracle.hits(header, 1, 5000, 1 << bits)
        assert backend.search(header, 1, 5000, 1 << bits).nonces.tolist() == expected


@needs_a_device
@pytest.mark.parametrize("device", REAL, ids=lambda device: device.name)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_versions_that_fill_a_group(device: Device, more: int) -> None:
    """About two groups of the device, in a window of many launches, some of which overflow."""
    launcher = opencl.OpenCLLauncher(device.name, *cl_device_and_choice(device), capacity=64)
    header, start, count = oracle.random_header(21), 77, 300
    versions = [0x20000000 + (i << 13) for i in range(2 * launcher.versions + more)]
    headers = [with_version(header, version) for version in versions]
    for bits in (252, 248):
        found = CBackend(device, launcher, 0.05).search_versions(header, versions, start, count, 1 << bits)
        assert [hits.nonces.tolist() for hits in found] == [
            oracle.hits(rolled, start, count, 1 << bits) for rolled in headers
        ]


@pytest.fixture
def tuning_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "user_cache_path", lambda _: tmp_path)


@needs_pocl
@pytest.mark.usefixtures("tuning_folder")
def test_a_calibration_measures_every_choice_and_saves_the_fastest() -> None:
    [device] = QUICK_TO_COMPILE
    choices = opencl.choices(device)
    rates = opencl.calibrate(device)
    assert set(rates) == {choice.name for choice in choices}
    assert all(rate > 10_000 for rate in rates.values())
    assert tuning.saved(device) == max(rates, key=lambda name: rates[name])


@needs_pocl
@pytest.mark.usefixtures("tuning_folder")
def test_every_choice_that_can_be_saved_is_used_and_right() -> None:
    [device] = QUICK_TO_COMPILE
    header, versions = oracle.random_header(22), range(32)
    expected = [oracle.hits(with_version(header, version), 9, 100, 1 << 252) for version in versions]
    units = opencl.cl_devices()[int(device.name.removeprefix("opencl:"))].max_compute_units
    for choice in opencl.choices(device):
        tuning.calibrate(device, {choice.name: lambda: 1.0})
        backend = opencl.open_device(device)
        assert backend.search(with_version(header, 5), 9, 100, 1 << 252).nonces.tolist() == expected[5]
        found = backend.search_versions(header, versions, 9, 100, 1 << 252)
        assert [hits.nonces.tolist() for hits in found] == expected
        assert backend._launcher.step == units * choice.items_per_unit * choice.lanes


@needs_pocl
@pytest.mark.usefixtures("tuning_folder")
def test_a_saved_choice_that_no_longer_exists_counts_as_none() -> None:
    [device] = QUICK_TO_COMPILE
    tuning.calibrate(device, {"64x8 sideways": lambda: 1.0})
    assert len(opencl.open_device(device).search(oracle.random_header(23), 0, 100, oracle.MAX_TARGET)) == 100


@needs_a_device
def test_a_long_window_of_many_launches() -> None:
    """The hit of a window that takes many launches, of sizes that grow, and its parts' fingerprints."""
    backend = opencl.open_device(REAL[0])
    header = bytes.fromhex(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd"
        "7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
    )
    start, count = 2_083_236_893 - 2_999_999, 3_000_000
    assert backend.search(header, start, count, oracle.target(header)).nonces.tolist() == [2_083_236_893]
    whole, parts = backend.fingerprint(header, start, count), 0
    for first in range(0, count, 777_777):
        part = backend.fingerprint(header, start + first, min(777_777, count - first))
        parts ^= int.from_bytes(part, "little")
    assert parts.to_bytes(32, "little") == whole


@needs_a_device
def test_a_failing_driver_is_a_device_error_with_the_devices_name() -> None:
    cl_device, choice = cl_device_and_choice(REAL[0])
    broken = opencl.OpenCLLauncher(REAL[0].name, cl_device, replace(choice, local=1 << 20))
    with pytest.raises(DeviceError, match=rf"^{REAL[0].name} failed: [^\n]*INVALID_WORK_GROUP_SIZE[^\n]*$"):
        broken.hash_headers(np.zeros((1, 80), np.uint8))


@pytest.mark.skipif(len(REAL) < 2, reason="needs two OpenCL devices; see ci/opencl.py")
def test_devices_at_work_side_by_side_do_not_disturb_each_other() -> None:
    backends = [opencl.open_device(device) for device in REAL]
    headers = [oracle.random_header(30 + i) for i in range(len(backends))]
    expected = [oracle.hits(header, 500, 3000, 1 << 251) for header in headers]

    def work(i: int) -> list[list[int]]:
        return [backends[i].search(headers[i], 500, 3000, 1 << 251).nonces.tolist() for _ in range(20)]

    with ThreadPoolExecutor(len(backends)) as pool:
        assert list(pool.map(work, range(len(backends)))) == [[hits] * 20 for hits in expected]


@needs_oclgrind
@pytest.mark.parametrize(("width", "chains"), [(1, 1), (2, 1), (4, 2), (8, 1), (16, 2)])
def test_oclgrind_sees_no_race_and_no_stray_access(width: int, chains: int, tmp_path: Path) -> None:
    """In every shape that a CPU may get, with windows that end inside and at the end of a vector."""
    log = tmp_path / "oclgrind.log"
    result = _simulate(width, chains, log)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "right\n"
    assert log.read_text() == ""


@needs_oclgrind
def test_oclgrinds_log_would_show_a_stray_access(tmp_path: Path) -> None:
    """With room for the number of candidates alone, whatever else is written is one, and the log says so."""
    log = tmp_path / "oclgrind.log"
    small = "cl.Buffer(launcher._queue.context, cl.mem_flags.COPY_HOST_PTR, hostbuf=np.zeros(1, np.uint32))"
    _simulate(1, 1, log, f"launcher._cleared = lambda _: {small}")
    assert "Invalid" in log.read_text()


def _simulate(width: int, chains: int, log: Path, sabotage: str = "") -> subprocess.CompletedProcess[str]:
    script = f"""
import numpy as np
import pyopencl as cl
from dataclasses import replace
from quorate.kernels import opencl, reference
from quorate.kernels.c.choices import OCLGRIND
from quorate.kernels.c.host import CBackend

device = next(d for d in opencl.find() if d.simulator)
choice = replace(OCLGRIND, width={width}, chains={chains}, versions=2, items_per_unit=6)
cl_device = opencl.cl_devices()[int(device.name.removeprefix("opencl:"))]
launcher = opencl.OpenCLLauncher(device.name, cl_device, choice, capacity=max(8, choice.for_versions.lanes))
{sabotage}
backend, oracle = CBackend(device, launcher, 0.05), reference.ReferenceBackend()
header, target = bytes(range(80)), 1 << 254
for start, count in ((7, 1), (7, choice.lanes + 1), ((1 << 32) - 70, 70)):
    assert backend.search(header, start, count, target) == oracle.search(header, start, count, target)
    assert backend.fingerprint(header, start, count) == oracle.fingerprint(header, start, count)
for count in (1, 7):
    versions = range(launcher.versions)
    assert backend.search_versions(header, versions, 7, count, target) == oracle.search_versions(
        header, versions, 7, count, target
    )
headers = np.arange(80 * (choice.lanes + 1)).astype(np.uint8).reshape(-1, 80)
assert np.array_equal(backend.hash_headers(headers), oracle.hash_headers(headers))
print("right")
"""
    # Looking for uninitialised memory too, Oclgrind 21.10 crashes where vectors are compared.
    uninitialised = str(int(width == 1))
    return run(script, OCLGRIND_DATA_RACES="1", OCLGRIND_UNINITIALIZED=uninitialised, OCLGRIND_LOG=str(log))


def test_rusticl_offers_no_verdicts_and_says_why() -> None:
    of_rusticl = [device for device in opencl.find() if device.driver.startswith("rusticl")]
    if not of_rusticl:
        pytest.skip("no rusticl here; Debian has it as mesa-opencl-icd")
    [name] = {device.name for device in of_rusticl}
    with pytest.raises(
        UsageError, match=f"^{name} verifies no signatures, as its driver comes to wrong verdicts$"
    ):
        opencl.open_device(of_rusticl[0]).verify(SignatureBatch.of(Scheme.ECDSA, [], [], []))
    with pytest.raises(
        UsageError, match=r"as its driver comes to wrong verdicts; of the devices here, these do: "
    ):
        catalog.open_verifier(name)
