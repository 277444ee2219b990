"""Machine code from the disk is used, is never stale, and is never needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import quorate

from .. import oracle

HEADER = oracle.random_header(42)
RIGHT = oracle.fingerprint(HEADER, 7, 100).hex()

SCRIPT = f"""
import json
from quorate.kernels import cpu
from quorate.kernels.py import cpu_kernels, processor

lanes = processor.simd()[0]
backend = cpu.open_device(cpu.find()[0])
fingerprint = backend.fingerprint(bytes.fromhex("{HEADER.hex()}"), 7, 100).hex()
kernel = cpu_kernels.fingerprint(lanes)
from_disk = sum(kernel.stats.cache_hits.values())
print(json.dumps({{"fingerprint": fingerprint, "from_disk": from_disk, "source": cpu.__file__}}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that a test may edit."""
    root = Path(quorate.__file__).parent
    copy = tmp_path / "copy" / "quorate"
    copy.mkdir(parents=True)
    shutil.copy(root / "__init__.py", copy)
    shutil.copytree(root / "kernels", copy / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def start(package: Path, cache: Path) -> dict[str, Any]:
    """What a new process computes with that package, and what it says on stderr."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert Path(result["source"]).is_relative_to(package)
    return result | {"stderr": done.stderr}


def test_an_edit_of_a_helper_is_seen_at_once(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = start(package, cache)
    assert (first["fingerprint"], first["from_disk"], first["stderr"]) == (RIGHT, 0, "")
    second = start(package, cache)
    assert (second["fingerprint"], second["from_disk"]) == (RIGHT, 1)

    sha256 = package / "kernels" / "py" / "sha256.py"
    text = sha256.read_text()
    assert "rotate(13)" in text
    sha256.write_text(text.replace("rotate(13)", "rotate(14)"))
    edited = start(package, cache)
    assert edited["fingerprint"] != RIGHT
    assert edited["from_disk"] == 0

    sha256.write_text(text)
    restored = start(package, cache)
    assert (restored["fingerprint"], restored["from_disk"]) == (RIGHT, 1)


def test_damaged_files_are_replaced(package: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    start(package, cache)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"")
    damaged = start(package, cache)
    assert (damaged["fingerprint"], damaged["from_disk"]) == (RIGHT, 0)
    assert "cannot be read" in damaged["stderr"]
    mended = start(package, cache)
    assert (mended["fingerprint"], mended["from_disk"], mended["stderr"]) == (RIGHT, 1, "")


def test_without_a_place_on_disk_kernels_live_in_memory(package: Path, tmp_path: Path) -> None:
    """The cache's folder cannot be made below a file, not even by root."""
    cache = tmp_path / "cache"
    cache.write_text("a file")
    result = start(package, cache)
    assert (result["fingerprint"], result["from_disk"]) == (RIGHT, 0)
    assert "compiled anew next time" in result["stderr"]
