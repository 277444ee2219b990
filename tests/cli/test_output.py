"""Where the output goes: a pipe that nobody reads, nowhere, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

QUORATE = (sys.executable, "-m", "quorate")

COMMANDS = [["--help"], ["devices", "--json"], ["chain", "info"]]


@pytest.fixture
def arguments(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    given: list[str] = request.param
    if given[0] != "chain":
        return given
    where = ["--datadir", str(tmp_path)]
    subprocess.run([*QUORATE, "chain", "init", *where], check=True, stdout=subprocess.DEVNULL)
    return [*given, *where]


each = pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join, indirect=True)


@each
def test_a_pipe_that_nobody_reads(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*QUORATE, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


@each
def test_no_output_at_all(arguments: list[str]) -> None:
    """Then the exit code is what is wanted."""
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *QUORATE, *arguments]
    ran = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full, which is Linux's full disk")
@each
def test_a_full_disk(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([*QUORATE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == "quorate: [Errno 28] No space left on device\n"
