from __future__ import annotations

import platform
import time

import pytest

from quorate.kernels.backend import UnavailableError
from quorate.miner.clock import STEPS, _chain, find_clock


def test_the_clock_is_one_that_a_processor_has() -> None:
    hertz = find_clock("cpu")
    # the slowest 64-bit processors and the fastest that were ever overclocked
    assert all(3e8 < hertz() < 1e10 for _ in range(5))


def test_the_chain_is_walked_step_by_step() -> None:
    x = 1
    for _ in range(1000):
        x = ((x + 3) ^ 5) & 0xFFFFFFFFFFFFFFFF
    assert _chain()(1, 3, 5, 1000) == x


def test_the_compiler_found_no_shortcut() -> None:
    """Four times the steps take four times as long."""

    def quickest(steps: int) -> int:
        times = []
        for _ in range(9):
            began = time.thread_time_ns()
            _chain()(1, 3, 5, steps)
            times.append(time.thread_time_ns() - began)
        return min(times)

    assert 3 < quickest(4 * STEPS) / quickest(STEPS) < 5


def test_only_the_hosts_clock_is_measured() -> None:
    with pytest.raises(UnavailableError, match="host's processor"):
        find_clock("pci:0000:01:00.0")


def test_on_an_unknown_processor_the_clock_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UnavailableError, match="riscv64"):
        find_clock("cpu")
