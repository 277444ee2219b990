"""A machine that others use is told from a quiet one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.kernels.reference import ReferenceBackend
from quorate.miner import noise
from quorate.miner.bench import bench
from quorate.miner.noise import Load, complaints, middle_half


def test_a_quiet_machine_gives_no_cause() -> None:
    assert complaints({"cpu search": [100, 101, 99, 100, 100]}, others=0.01) == []
    assert complaints({"cpu search": [100, 101, 99, 100, 100]}, others=None) == []


def test_one_disturbed_round_does_not_count() -> None:
    assert complaints({"cpu search": [100, 101, 40, 100, 100]}, others=0.0) == []


def test_unsteady_rates() -> None:
    rates = {"cpu search": [100.0, 120.0, 90.0, 100.0, 80.0], "cpu fingerprint": [100.0, 120.0, 70.0, 100.0, 60.0]}
    [sentence] = complaints(rates | {"reference search": [100.0] * 5}, others=0.0)
    assert sentence == (
        "2 of 3 rates are unsteady, cpu fingerprint most: the middle half of its rounds spans 30 % of their median"
    )


def test_the_middle_half() -> None:
    assert middle_half([5.0]) == 0
    assert middle_half([1, 2, 3, 4, 5]) == pytest.approx(2 / 3)
    assert middle_half([5, 3, 1, 2, 4]) == pytest.approx(2 / 3)


def test_others_who_use_the_processors_are_noticed() -> None:
    if not noise.STAT.exists():
        pytest.skip(f"this system has no {noise.STAT}, so nobody tells what others do")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        result = bench([ReferenceBackend()], rounds=1)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert any("other programs kept" in sentence for sentence in result.noise)


def test_work_of_this_process_is_none_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(noise, "STAT", stat)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    stat.write_text("cpu  1000 0 0 5000 7 0 0 0 0 0\ncpu0 1 2 3\n")
    load, began = Load(), time.process_time()
    while (own := time.process_time() - began) < 0.3:
        pass
    ticks = round(own / tick)
    # 25 ticks more than our own: 10 of programs, 5 of the kernel, 10 that a hypervisor took; 25 idle
    stat.write_text(f"cpu  {1010 + ticks} 0 3 {5020} {12} 1 1 10 0 0\n")
    assert load.of_others() == pytest.approx(25 / (50 + ticks), abs=0.03)


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(noise, "STAT", tmp_path / "stat")
    assert Load().of_others() is None
    (tmp_path / "stat").write_text("cpu  0 0 0 0 0 0 0 0 0 0\n")
    assert Load().of_others() is None
