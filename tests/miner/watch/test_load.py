"""The load: a part of the time, whatever a window takes."""

from __future__ import annotations

import threading
import time

import pytest

from quorate.kernels.backend import UsageError
from quorate.miner.watch.load import Load


def test_a_device_works_for_that_part_of_the_time() -> None:
    load, stop = Load(25), threading.Event()
    began, worked = time.perf_counter(), 0.0
    for _ in range(5):
        window = time.perf_counter()
        time.sleep(0.02)
        seconds = time.perf_counter() - window
        worked += seconds
        load.rest(seconds, stop)
    assert worked / (time.perf_counter() - began) == pytest.approx(0.25, rel=0.1)


def test_a_full_load_never_rests() -> None:
    assert Load().rest(1000.0, threading.Event()) == 0.0


def test_a_rest_ends_when_all_ends() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    began = time.perf_counter()
    Load(1).rest(10.0, stop)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_loads_that_cannot_be(percent: float) -> None:
    with pytest.raises(UsageError, match=f"above 0 and at most 100 percent, not {percent}"):
        Load(percent)
