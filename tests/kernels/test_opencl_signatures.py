"""What is peculiar to signatures on OpenCL; that verdicts are right is in test_verify_conformance.py."""

from __future__ import annotations

import csv
import logging
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels import catalog, opencl
from quorate.kernels.backend import Device, DeviceError
from quorate.kernels.c.choices import Choice
from quorate.kernels.c.signatures import source
from quorate.kernels.evidence import VERDICT_FAULTS
from quorate.kernels.findings import findings
from quorate.kernels.quorum import Quorum
from quorate.kernels.signatures import Rules, Scheme, SignatureBatch, Verdict

from . import signature_cases
from .test_verify_conformance import block

pytest.importorskip("pyopencl", exc_type=ImportError)
from quorate.kernels.opencl_signatures import OpenCLVerifier

REAL = [device for device in opencl.find() if device.available and device.verifies and not device.simulator]
POCL = [device for device in REAL if "Portable Computing Language" in device.driver]

needs_a_device = pytest.mark.skipif(not REAL, reason=f"no OpenCL device: {opencl.find()[0].reason}")
needs_pocl = pytest.mark.skipif(not POCL, reason="PoCL is not installed; pip install 'pyopencl[pocl]'")
needs_oclgrind = pytest.mark.skipif(
    not any(device.simulator for device in opencl.find()),
    reason="Oclgrind is not installed; pip install 'pyopencl[oclgrind]'",
)


def made(device: Device, choice: Choice | None = None, chunk: int | None = None) -> OpenCLVerifier:
    """A verifier with another choice than its driver's own, or with chunks of another length."""
    cl_device = opencl.cl_devices()[int(device.name.removeprefix("opencl:"))]
    return OpenCLVerifier(device.name, cl_device, choice or opencl.choices(device)[0].for_signatures, chunk)


def mixed(count: int, seed: int) -> tuple[SignatureBatch, list[Verdict]]:
    """So many of each scheme in any order, with the oracle's verdicts."""
    cases = [case for scheme in Scheme for case in signature_cases.random_cases(scheme, count, seed)]
    random.Random(seed).shuffle(cases)
    return signature_cases.batch(cases, Rules()), [case.verdict(Rules()) for case in cases]


@needs_a_device
@pytest.mark.parametrize("device", REAL, ids=lambda device: device.name)
def test_verdicts_of_many_chunks_come_back_in_their_places(device: Device) -> None:
    verifier = made(device, chunk=16)
    batch, expected = mixed(50, seed=1)
    for _ in range(2):
        assert verifier.verify(batch).tolist() == expected


@needs_pocl
@pytest.mark.slow  # compiles each for half a minute
@pytest.mark.parametrize("width", [1, 2, 4])
def test_every_width_that_a_processor_may_get(width: int) -> None:
    choice = replace(opencl.choices(POCL[0])[0].for_signatures, width=width, avx512=False)
    batch, expected = mixed(50, seed=2)
    assert made(POCL[0], choice).verify(batch).tolist() == expected


@needs_pocl
def test_a_curve_is_built_when_it_is_first_used_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    verifier = made(POCL[0])
    for scheme in (Scheme.ECDSA, Scheme.SCHNORR, Scheme.ECDSA):
        case = signature_cases.good(scheme, random.Random(1))
        assert verifier.verify(signature_cases.batch([case], Rules())).tolist() == [Verdict.VALID]
    [record] = caplog.records
    assert f"secp256k1 for {POCL[0].name}" in record.getMessage()


@needs_pocl
def test_a_fault_in_the_kernels_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a driver that loses a carry would make it."""
    right = "columns[2] += columns[1] >> LIMB_BITS;"

    def faulty(curve: str) -> str:
        assert source(curve).count(right) == 1
        return source(curve).replace(right, "")

    monkeypatch.setattr("quorate.kernels.opencl_signatures.source", faulty)
    cases = [signature_cases.good(Scheme.SCHNORR, random.Random(i)) for i in range(64)]
    assert made(POCL[0]).verify(signature_cases.batch(cases, Rules())).tolist() != [Verdict.VALID] * 64


@needs_a_device
def test_a_failing_driver_is_a_device_error_with_the_devices_name() -> None:
    choice = replace(opencl.choices(REAL[0])[0].for_signatures, local=1 << 20)
    case = signature_cases.good(Scheme.ECDSA, random.Random(1))
    with pytest.raises(DeviceError, match=rf"^{REAL[0].name} failed: [^\n]*INVALID_WORK_GROUP_SIZE[^\n]*$"):
        made(REAL[0], choice).verify(signature_cases.batch([case], Rules()))


@needs_pocl
@pytest.mark.slow
def test_a_million_signatures_need_no_more_memory_than_a_few_chunks() -> None:
    """Besides the batch itself, which comes first."""
    result = run(f"""
import resource
import numpy as np
from quorate.kernels import catalog
from quorate.kernels.signatures import Scheme, SignatureBatch

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

n = 1_000_000
backend = catalog.open_backend("{POCL[0].name}")
data = np.random.default_rng(1).integers(0, 256, (n, 65), np.uint8)
batch = SignatureBatch(
    np.zeros(n, np.uint8), data, data[:, 1:], np.zeros(32 * n, np.uint8), np.arange(0, 32 * n + 1, 32)
)
backend.verify(batch.part(0, 100_000))
before = peak()
assert backend.verify(batch).all()
print(peak() - before)
""")
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 100  # MB


@needs_pocl
@pytest.mark.parametrize("lie", VERDICT_FAULTS)
def test_a_liar_among_cpu_opencl_and_reference_is_named_on_a_real_block(lie: str, vectors: Path) -> None:
    with (vectors / "signatures/mainnet_866342.csv").open() as file:
        batch = block([row for _, row in zip(range(300), csv.DictReader(file), strict=False)], "sig")
    liar = f"faulty:{lie}:{POCL[0].name}"
    broken = batch.signatures.copy()
    broken[::7, 40] ^= 1
    batch = SignatureBatch(batch.schemes, batch.keys, broken, batch.messages, batch.offsets)
    quorum = Quorum([catalog.open_backend(name) for name in ("cpu", liar, "reference")], need=2)
    expected = np.where(np.arange(len(batch)) % 7 == 0, Verdict.EQUATION, Verdict.VALID)
    assert quorum.verify(batch).tolist() == expected.tolist()
    assert {finding.device for finding in findings(quorum)} == {liar}


@needs_oclgrind
def test_oclgrind_sees_no_race_and_no_stray_access(tmp_path: Path) -> None:
    log = tmp_path / "oclgrind.log"
    cases = [signature_cases.good(scheme, random.Random(1)) for scheme in Scheme]
    columns = [[int(case.scheme), case.key, case.signature, case.message] for case in cases]
    script = f"""
from quorate.kernels import opencl
from quorate.kernels.opencl_signatures import OpenCLVerifier
from quorate.kernels.signatures import SignatureBatch

device = next(d for d in opencl.find() if d.simulator)
cl_device = opencl.cl_devices()[int(device.name.removeprefix("opencl:"))]
verifier = OpenCLVerifier(device.name, cl_device, opencl.choices(device)[0].for_signatures)
print(verifier.verify(SignatureBatch.of(*zip(*{columns!r}))).tolist())
"""
    # Looking for uninitialised memory too, Oclgrind 21.10 gives up at an instruction that it does not know.
    result = run(script, OCLGRIND_DATA_RACES="1", OCLGRIND_LOG=str(log))
    assert (result.returncode, result.stdout) == (0, "[0, 0, 0]\n"), result.stderr
    assert log.read_text() == ""


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
