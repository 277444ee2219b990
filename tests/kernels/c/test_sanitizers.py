"""The kernels' text built for the host under AddressSanitizer and UndefinedBehaviorSanitizer, against hashlib."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from quorate.kernels.backend import NONCES, with_version
from quorate.kernels.c.host import source

from .. import oracle

COMPILER = shutil.which("gcc") or shutil.which("clang")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="neither gcc nor clang is on the PATH")

# Without optimisation the sanitizers see everything that is written, and it compiles in a fraction of the time.
OPTIONS = "-std=c11", "-O0", "-g", "-Wall", "-Werror", "-DHOST", "-DWIDTH=1"
SANITIZERS = "-fsanitize=address,undefined", "-fno-sanitize-recover=all"
ALL = 2**32 - 1
"""As `top`, it makes every hash a candidate."""

Words = npt.NDArray[np.uint32]
Build = Callable[..., Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("host")

    @cache
    def compiled(chains: int, right: str = "", wrong: str = "") -> Path:
        """The program launch.c for so many chains, with `wrong` in place of `right` where it is given."""
        text = source("search.cl", "versions.cl")
        if right:
            assert right in text
            text = text.replace(right, wrong)
        code, program = folder / f"{chains}{len(wrong)}.c", folder / f"{chains}{len(wrong)}"
        code.write_text(text + Path(__file__).with_name("launch.c").read_text())
        result = subprocess.run(
            [str(COMPILER), *OPTIONS, f"-DCHAINS={chains}", *SANITIZERS, "-o", str(program), str(code)],
            capture_output=True,
            text=True,
            check=False,
        )
        if "cannot find" in result.stderr:
            pytest.skip(f"{COMPILER} comes without the libraries of its sanitizers: {result.stderr}")
        assert result.returncode == 0, result.stderr
        return program

    return compiled


def run(program: Path, kernel: str, *numbers: int, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(program), kernel, *map(str, numbers)], input=data, capture_output=True, timeout=60, check=False
    )


def launch(program: Path, kernel: str, *numbers: int, data: bytes) -> Words:
    result = run(program, kernel, *numbers, data=data)
    assert (result.returncode, result.stderr) == (0, b"")
    return np.frombuffer(result.stdout, np.uint32)


def candidates(header: bytes, start: int, count: int, top: int) -> list[int]:
    return [n for n in range(start, start + count) if oracle.value(header, n) >> 224 <= top]


@pytest.mark.parametrize("chains", [1, 2])
@pytest.mark.parametrize(("start", "count", "steps"), [(0, 1, 1), (7, 103, 9), (NONCES - 101, 101, 40)])
@pytest.mark.parametrize(("top", "capacity"), [(0, 4), (1 << 30, 100), (ALL, 103), (ALL, 4)])
def test_search(build: Build, chains: int, start: int, count: int, steps: int, top: int, capacity: int) -> None:
    header = oracle.random_header(count)
    items = -(-count // (steps * chains)) + 1
    found = launch(build(chains), "search", items, start, count, steps, top, capacity, capacity, data=header)
    expected = candidates(header, start, count, top)
    assert found[0] == len(expected)
    reported = found[1 : 1 + found[0]].tolist()
    assert len(set(reported)) == min(len(expected), capacity)
    assert set(reported) <= set(expected)


@pytest.mark.parametrize("chains", [1, 2])
@pytest.mark.parametrize(("start", "count", "steps"), [(0, 1, 1), (7, 53, 9), (NONCES - 51, 51, 40)])
@pytest.mark.parametrize("top", [1 << 30, ALL])
def test_search_versions(build: Build, chains: int, start: int, count: int, steps: int, top: int) -> None:
    header, capacity = oracle.random_header(count), count * chains
    versions = [random.Random(chains).getrandbits(32) for _ in range(chains)]
    numbers = -(-count // steps) + 1, start, count, steps, top, capacity, capacity
    data = header + np.array(versions, np.uint32).tobytes()
    found = launch(build(chains), "search_versions", *numbers, data=data)
    places = found[1 : 1 + found[0]]
    for i, version in enumerate(versions):
        nonces = sorted(start + int(place) // chains for place in places if place % chains == i)
        assert nonces == candidates(with_version(header, version), start, count, top)


@pytest.mark.parametrize("chains", [1, 2])
@pytest.mark.parametrize(("start", "count", "steps"), [(0, 1, 1), (7, 103, 9), (NONCES - 101, 101, 40)])
def test_fingerprint(build: Build, chains: int, start: int, count: int, steps: int) -> None:
    header = oracle.random_header(count)
    items = -(-count // (steps * chains)) + 1
    total = launch(build(chains), "fingerprint", items, start, count, steps, data=header)
    assert total.tobytes() == oracle.fingerprint(header, start, count)


@pytest.mark.parametrize("chains", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_hash_headers(build: Build, chains: int, count: int) -> None:
    headers = [random.Random(count + i).randbytes(80) for i in range(count)]
    digests = launch(build(chains), "hash_headers", -(-count // chains) + 1, count, data=b"".join(headers))
    expected = [oracle.digest(header, int.from_bytes(header[76:], "little")) for header in headers]
    assert [digest.tobytes() for digest in digests.reshape(-1, 8)] == expected


def test_a_step_outside_a_buffer_would_be_seen(build: Build) -> None:
    """With one candidate less of room than promised."""
    result = run(build(1), "search", 1, 0, 8, 8, ALL, 8, 7, data=bytes(80))
    assert result.returncode != 0
    assert b"heap-buffer-overflow" in result.stderr


def test_undefined_arithmetic_would_be_seen(build: Build) -> None:
    program = build(1, "(x) << (32 - (n))", "(x) << (32 - (n) + 2 * (x & 1))")
    result = run(program, "fingerprint", 1, 0, 1, 1, data=bytes(80))
    assert result.returncode != 0
    assert b"shift exponent 32 is too large" in result.stderr
