"""Devices that are watched: honest ones work on, and each lie is found, counted and benched."""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from quorate.kernels import faulty
from quorate.kernels.backend import Backend, DeviceError, Hits, UnavailableError
from quorate.kernels.cpu import find, open_device
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.job import Job
from quorate.miner.status import Meter
from quorate.miner.watch import canary, devices, watched
from quorate.miner.watch.canary import HITS_PER_WINDOW
from quorate.miner.watch.devices import State
from quorate.miner.watch.isolated import Isolated
from quorate.miner.watch.luck import hits_to_notice
from quorate.miner.watch.sensors import thermometer
from quorate.miner.watch.watched import Care, Watched

from .liars import Disguised

HEADER = bytes(range(80))
WINDOW = 4096
SCARCE = (1 << 232) - 1
"""A target that one digest in 2²⁴ meets: nearly all that is found is dropped."""

ONGOING = threading.Event()


@pytest.fixture(scope="module")
def fast() -> Backend:
    """The processor where its kernels run, since these are many windows; else the reference."""
    return open_device(find()[0]) if find()[0].available else ReferenceBackend()


def job(number: int, target: int = SCARCE) -> Job:
    return Job(HEADER, target, number * WINDOW, WINDOW)


def work(device: Watched, windows: int) -> int | None:
    """How many windows it did until it failed; None if it did not."""
    for number in range(windows):
        assert device.ready(ONGOING)
        wait_for_canary(device)
        if isinstance(device.backend, Disguised):
            device.backend.has_work = True
        try:
            device.search(job(number))
        except DeviceError:
            return number + 1
    return None


def wait_for_canary(device: Watched) -> None:
    """So small windows leave behind the thread that makes canaries."""
    if device.canaries._next is not None:
        device.canaries._next.result()


def test_an_honest_device_works_on_and_gives_what_meets_the_target(fast: Backend) -> None:
    meter = Meter()
    with closing(Watched(lambda: fast, Care(canaries=0.05), meter)) as device:
        assert device.ready(ONGOING)
        found = []
        for number in range(100):
            found += [hit.nonce for hit in device.search(job(number, (1 << 242) - 1))]
            wait_for_canary(device)
        assert found == fast.search(HEADER, 0, 100 * WINDOW, (1 << 242) - 1).nonces.tolist()
        assert device.tally.hits == len(found) > 5
        assert device.tally.hashes == meter.hashes == 100 * WINDOW
        assert device.luck.expected == 100 * HITS_PER_WINDOW
        assert abs(device.luck.hits - device.luck.expected) < 6 * device.luck.expected**0.5
        assert device.canaries.asked > 0
        assert device.canaries.missed == device.hardware_errors == device.restarts == 0
        assert (device.standing.state, device.tally.error) == (State.WELL, "")


@pytest.mark.parametrize(
    "lie", ["false-hit", "withheld-hit", "late-onset", "intermittent", "flipped-bit", "crash", "slow"]
)
def test_open_liars_get_no_work(lie: str) -> None:
    with closing(Watched(lambda: Faulty(ReferenceBackend(), lie), Care(), Meter())) as device:
        threading.Timer(0.3, (ending := threading.Event()).set).start()
        assert not device.ready(ending)
        assert device.standing.state is State.BENCHED
        assert device.standing.reason.startswith("self-test: ")
        assert device.hardware_errors >= 1
        assert device.tally.windows == 0


DUE = {
    "false-hit": 1.0,
    "crash": 1.0 + faulty.HONEST_WINDOWS,
    "withheld-hit": 1 / (canary.SHARE * (1 - canary.PUBLISHED) * canary.AT_START),
    "late-onset": faulty.HONEST_WINDOWS + 1 / (canary.SHARE * (1 - canary.PUBLISHED) * canary.AT_START),
    "intermittent": 2 / (canary.SHARE * (1 - canary.PUBLISHED) * canary.AT_START),
}
"""Windows on average until each lie is found at the default share of canaries."""


@pytest.mark.parametrize("lie", DUE)
def test_disguised_liars_are_found_when_it_was_said(lie: str, fast: Backend) -> None:
    times = []
    for seed in range(6 if DUE[lie] > 10 else 2):
        with closing(Watched(lambda: Disguised(fast, lie), Care(), Meter())) as device:
            device.canaries = canary.Canaries(rng=random.Random(seed))
            found = work(device, 10_000)
            assert found is not None
            times.append(found)
            assert device.hardware_errors == 1
            assert device.tally.error
            benched = device.standing.state is State.BENCHED
            assert benched == (lie != "crash")
            device.canaries.close()
    mean = sum(times) / len(times)
    assert 0.35 * DUE[lie] <= mean <= 1.8 * DUE[lie]


def test_a_lazy_device_has_too_few_hits(fast: Backend) -> None:
    """It says it did a window and leaves out every fourth nonce; no canary is asked."""

    class Lazy(ReferenceBackend):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            hits = fast.search(header, start, count, target)
            return hits if count < WINDOW else Hits(start, count, hits.nonces[hits.nonces % 4 != 0])

    with closing(Watched(Lazy, Care(canaries=0.0), Meter())) as device:
        found = work(device, 1000)
        assert found is not None
        assert 0.4 < found * HITS_PER_WINDOW / hits_to_notice(1 / 4) < 2
        assert device.standing.reason.startswith("too few hits: ")
        assert device.standing.state is State.BENCHED


def test_a_device_that_crashes_is_opened_anew_and_benched_in_the_end(
    fast: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    opened = []

    def open_one() -> Backend:
        opened.append(Disguised(fast, "crash"))
        return opened[-1]

    caplog.set_level(logging.INFO)
    with closing(Watched(open_one, Care(), Meter())) as device:
        for restart in range(devices.RESTARTS):
            assert work(device, 100) is not None
            assert device.standing.state is State.RESTARTING
            assert device.restarts == restart
        assert work(device, 100) is not None
        assert device.standing.state is State.BENCHED
        assert len(opened) == devices.RESTARTS + 1
        assert "passed its self-test and is back at work" in caplog.text
        assert "is benched for 60 s: " in caplog.text


def test_a_benched_device_gets_another_chance(fast: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "FIRST_BENCH", 0.2)
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.01)
    answers = iter([Faulty(fast, "false-hit"), fast])
    with closing(Watched(lambda: next(answers), Care(), Meter())) as device:
        began = time.perf_counter()
        assert device.ready(ONGOING)
        assert time.perf_counter() - began >= 0.2
        assert (device.standing.state, device.standing.reason, device.tally.error) == (State.WELL, "", "")
        assert (device.hardware_errors, device.restarts) == (1, 1)


def test_a_device_that_cannot_be_opened_anew_is_benched(fast: Backend) -> None:
    answers = iter([Faulty(fast, "crash")])

    def open_one() -> Backend:
        try:
            return next(answers)
        except StopIteration:
            raise DeviceError("the device has fallen off the bus") from None

    with closing(Watched(open_one, Care(), Meter())) as device:
        device.standing.failed("it crashed", wrong=False)
        threading.Timer(0.3, (ending := threading.Event()).set).start()
        assert not device.ready(ending)
        assert device.standing.state is State.BENCHED
        assert device.standing.reason == "the device has fallen off the bus"


def test_a_load_is_kept(fast: Backend) -> None:
    with closing(Watched(lambda: fast, Care(canaries=0.0, load=25), Meter())) as device:
        assert device.ready(ONGOING)
        began = time.perf_counter()
        for number in range(20):
            device.search(Job(HEADER, SCARCE, number << 20, 1 << 20))
            device.ready(ONGOING)
        assert device.tally.seconds / (time.perf_counter() - began) == pytest.approx(0.25, rel=0.15)


@pytest.fixture
def coretemp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thermometer as Linux shows it."""
    chip = tmp_path / "hwmon0"
    chip.mkdir()
    (chip / "name").write_text("coretemp\n")
    (chip / "temp1_input").write_text("50000\n")
    monkeypatch.setattr(watched, "thermometer", partial(thermometer, folder=tmp_path))
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.01)
    return chip / "temp1_input"


def test_a_device_that_is_too_hot_rests(coretemp: Path, fast: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with closing(Watched(lambda: fast, Care(hottest=80.0), Meter())) as device:
        assert device._heat is not None
        device._heat._hold = 0.1
        assert device.ready(ONGOING)
        assert device.celsius == 50.0
        coretemp.write_text("80500\n")
        time.sleep(0.02)
        threading.Timer(0.2, (ending := threading.Event()).set).start()
        assert not device.ready(ending)
        assert (device.standing.state, device.celsius) == (State.RESTING, 80.5)
        assert device.standing.reason == "it is at 80 °C, and the limit is 80"
        coretemp.write_text("70000\n")
        assert device.ready(ONGOING)
        assert device.standing.state is State.WELL
        assert device.hardware_errors == 0
        assert f"{fast.device.name} works again" in caplog.text


def test_a_limit_on_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "thermometer", partial(thermometer, folder=tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match="the temperature of reference cannot be read: there is no "):
        Watched(ReferenceBackend, Care(hottest=80.0), Meter())
    with closing(Watched(ReferenceBackend, Care(), Meter())) as device:
        assert device.sensors.startswith("temperature: there is no ")


def test_a_killed_process_is_a_crash() -> None:
    with closing(Watched(lambda: Isolated("reference"), Care(), Meter())) as device:
        assert device.ready(ONGOING)
        isolated = device.backend
        assert isinstance(isolated, Isolated)
        isolated._process.kill()
        with pytest.raises(DeviceError, match="the process of reference has ended"):
            device.search(job(0))
        assert device.ready(ONGOING)
        assert device.search(job(0)) == []
        assert device.restarts == 1
