"""Ctrl-C while block files are imported, in a process of its own."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quorate.chain.block_files import frame
from quorate.chain.params import network

QUORATE = (sys.executable, "-m", "quorate")
BLOCKS = 2016


@pytest.fixture
def source(vectors: Path, tmp_path: Path) -> Path:
    path = tmp_path / "blk00000.dat"
    with (vectors / "blocks" / "alt_mainnet_1_2016.csv").open() as file:
        rows = csv.DictReader(file)
        path.write_bytes(b"".join(frame(bytes.fromhex(row["block"]), network("mainnet")) for row in rows))
    return path


def interrupted(command: list[str], written: Path, size: int) -> tuple[int, str]:
    """Exit code and stderr of a command that gets Ctrl-C once the file has this size."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (written.exists() and written.stat().st_size >= size) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


def test_ctrl_c_keeps_what_was_done(source: Path, tmp_path: Path) -> None:
    where = ["--datadir", str(tmp_path / "chains")]

    def ask(*arguments: str) -> Any:
        ran = subprocess.run(
            [*QUORATE, "chain", *arguments, *where, "--json"], capture_output=True, text=True, check=True
        )
        return json.loads(ran.stdout)

    importing = ("import", str(source), "--network", "mainnet", "--device", "reference")
    written = tmp_path / "chains" / "mainnet" / "blocks" / "blk00000.dat"
    heights = [0]
    for part in (1, 2):
        code, err = interrupted(
            [*QUORATE, "chain", *importing, *where], written, part * source.stat().st_size // 4
        )
        told = re.fullmatch(r"quorate: interrupted at height ([\d,]+); the same command goes on from there\n", err)
        assert told, err
        assert code == 130
        heights.append(int(told[1].replace(",", "")))
        info = ask("info")
        assert (info["height"], info["blocks"]) == (heights[-1], heights[-1] + 1)
    assert 0 < heights[1] < heights[2] < BLOCKS
    checked = ask("verify", "--device", "reference")
    assert (checked["valid"], checked["blocks"]) == (True, heights[-1] + 1)

    done = ask(*importing)
    assert (done["known"], done["accepted"], done["height"]) == (heights[-1], BLOCKS - heights[-1], BLOCKS)
    assert ask("verify", "--device", "reference")["valid"]
