"""A device in its own process: the same answers, and an end to whatever it does."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels.backend import DeviceError, UsageError
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import SignatureBatch
from quorate.miner.watch import isolated
from quorate.miner.watch.isolated import Isolated

HEADER = bytes(range(80))
TARGET = 1 << 248


@pytest.fixture(scope="module")
def device() -> Iterator[Isolated]:
    with closing(Isolated("reference")) as opened:
        yield opened


def test_its_answers_are_those_of_the_device(device: Isolated) -> None:
    here = ReferenceBackend()
    assert device.device == here.device
    assert device.search(HEADER, 5, 3000, TARGET) == here.search(HEADER, 5, 3000, TARGET)
    assert device.search_versions(HEADER, (1, 2), 0, 900, TARGET) == here.search_versions(
        HEADER, (1, 2), 0, 900, TARGET
    )
    assert device.fingerprint(HEADER, 7, 100) == here.fingerprint(HEADER, 7, 100)
    headers = np.frombuffer(HEADER * 3, np.uint8).reshape(3, 80)
    assert np.array_equal(device.hash_headers(headers), here.hash_headers(headers))


def test_its_errors_are_those_of_the_device(device: Isolated) -> None:
    with pytest.raises(UsageError, match="a header has 80 bytes, not 3"):
        device.search(b"abc", 0, 1, 0)
    assert len(device.search(HEADER, 0, 1, (1 << 256) - 1)) == 1


def test_a_device_that_is_not_here_says_why() -> None:
    with pytest.raises(UsageError, match="there is no device 'abacus'"):
        Isolated("abacus")


def test_a_process_that_ended_is_said_so() -> None:
    with closing(Isolated("reference")) as device:
        os.kill(device._process.pid, signal.SIGKILL)
        with pytest.raises(DeviceError, match=r"the process of reference has ended \(signal 9\)"):
            device.search(HEADER, 0, 10, TARGET)
        with pytest.raises(DeviceError, match="has ended"):
            device.search(HEADER, 0, 10, TARGET)


def test_a_stuck_device_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "LEAST_SECONDS", 0.3)
    with closing(Isolated("reference")) as device:
        device.search(HEADER, 0, 100, TARGET)
        stuck = device._process
        os.kill(stuck.pid, signal.SIGSTOP)
        began = time.perf_counter()
        with pytest.raises(DeviceError, match="reference is stuck: it gave no answer within 0 s"):
            device.search(HEADER, 0, 100, TARGET)
        assert time.perf_counter() - began < 2
    assert stuck.returncode == -signal.SIGKILL


def test_patience_grows_with_the_question(device: Isolated) -> None:
    device.search(HEADER, 0, 20_000, TARGET)
    pace = device._paces["search"]
    assert device._patience("search", 10**9) == pytest.approx(isolated.PATIENCE * 10**9 * pace)
    assert device._patience("search", 1) == isolated.LEAST_SECONDS
    assert device._patience("of another kind", 1) == isolated.FIRST_SECONDS


def test_closing_ends_the_process_in_the_middle_of_a_window() -> None:
    device = Isolated("reference")
    pickle.dump(("search", (HEADER, 0, 1 << 32, 0)), device._questions)
    device._questions.flush()
    time.sleep(0.1)
    began = time.perf_counter()
    device.close()
    assert time.perf_counter() - began < isolated.END_SECONDS
    assert device._process.returncode == 0


def test_it_is_as_nice_as_it_was_told_to_be() -> None:
    with closing(Isolated("reference", niceness=3)) as device:
        assert os.getpriority(os.PRIO_PROCESS, device._process.pid) == min(19, os.nice(0) + 3)


def test_no_process_stays_behind_when_the_miner_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from quorate.miner.watch.isolated import Isolated\n"
        "device = Isolated('reference'); print(device._process.pid, flush=True)\n"
        "device.search(bytes(80), 0, 1 << 32, 0)"
    )
    miner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=tmp_path)
    with miner:
        assert miner.stdout is not None
        child = int(miner.stdout.readline())
        time.sleep(0.2)
        miner.kill()
    for _ in range(100):
        if not alive(child):
            return
        time.sleep(0.02)
    pytest.fail("the device's process is still there after 2 s")


def alive(pid: int) -> bool:
    """Whether there is such a process that is not only waiting to be buried."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_it_verifies_no_signatures(device: Isolated) -> None:
    with pytest.raises(UsageError, match="reference verifies no signatures"):
        device.verify(object.__new__(SignatureBatch))
