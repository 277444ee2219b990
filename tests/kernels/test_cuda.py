"""The CUDA backend without a GPU: its host code, and all of it in the simulator.

tests/ci counts the kernels' registers and instructions and executes their PTX. What needs a GPU is the
conformance suite, `pytest -m gpu`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from quorate.kernels import catalog, cuda
from quorate.kernels.backend import UnavailableError

from . import oracle

needs_numba_cuda = pytest.mark.skipif(find_spec("numba_cuda") is None, reason="numba-cuda is not installed")


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


@pytest.mark.parametrize("count", [0, 1, 10, 11, 995])
def test_a_launch_is_on_its_way_before_the_last_one_is_read(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "FIRST_LAUNCH", 10)
    monkeypatch.setattr(cuda, "LONGEST_LAUNCH", 40)
    events: list[tuple[str, int]] = []

    def launch(first: int, nonces: int) -> Callable[[], range | None]:
        events.append(("queued", first))

        def read() -> range | None:
            events.append(("read", first))
            return range(first, first + nonces) if nonces < 8 else None

        return read

    parts = list(cuda.launches(launch, cuda._Pace(), 1000, count))
    assert all(first == part[0] and len(part) < 8 for first, part in parts)
    assert sorted(nonce for _, part in parts for nonce in part) == list(range(1000, 1000 + count))
    queued, read = ([first for what, first in events if what == kind] for kind in ("queued", "read"))
    assert read == queued
    for place in range(1, len(events) + 1):
        on_their_way = sum(1 if what == "queued" else -1 for what, _ in events[:place])
        assert 0 <= on_their_way <= cuda.QUEUED
        if count > 11 and 0 < place < len(events) - cuda.QUEUED:
            assert on_their_way >= cuda.QUEUED - 1, "the GPU had nothing to do"


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
