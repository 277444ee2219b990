"""A calibration finds the fastest way, and is remembered for the device it was made on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.kernels import tuning
from quorate.kernels.backend import Device

DEVICE = Device("opencl:0", "c", "a chip", driver="driver 1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tuning, "user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path / "cache"


def rates(*values: float) -> Callable[[], float]:
    given = iter(values)
    return lambda: next(given)


def test_the_fastest_way_is_saved_for_the_device() -> None:
    assert tuning.saved(DEVICE) is None
    ways = {"slow": rates(1, 1, 1, 1, 1, 1), "fast": rates(0, 3, 2, 3, 9, 3)}
    assert tuning.calibrate(DEVICE, ways) == {"fast": 3, "slow": 1}
    assert list(tuning.calibrate(DEVICE, {"slow": lambda: 1.0, "fast": lambda: 3.0})) == ["fast", "slow"]
    assert tuning.saved(DEVICE) == "fast"


def test_another_number_is_the_same_device_but_another_driver_is_not() -> None:
    tuning.calibrate(DEVICE, {"way": lambda: 1.0})
    assert tuning.saved(dataclasses.replace(DEVICE, name="opencl:3")) == "way"
    assert tuning.saved(dataclasses.replace(DEVICE, driver="driver 2")) is None
    assert tuning.saved(dataclasses.replace(DEVICE, description="another chip")) is None


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00", '{"opencl | a chip | driver 1": 5}'])
def test_a_damaged_file_counts_as_none(cache: Path, content: str) -> None:
    cache.mkdir()
    (cache / "tuning.json").write_text(content)
    assert tuning.saved(DEVICE) is None
    tuning.calibrate(DEVICE, {"way": lambda: 1.0})
    assert tuning.saved(DEVICE) == "way"
    assert [p.name for p in cache.iterdir()] == ["tuning.json"]


def test_calibrations_of_several_devices_live_side_by_side() -> None:
    other = dataclasses.replace(DEVICE, description="another chip")
    tuning.calibrate(DEVICE, {"a": lambda: 1.0})
    tuning.calibrate(other, {"b": lambda: 1.0})
    assert (tuning.saved(DEVICE), tuning.saved(other)) == ("a", "b")


def test_a_device_may_have_ways_of_their_own_for_several_works() -> None:
    tuning.calibrate(DEVICE, {"a": lambda: 1.0}, "nonces")
    tuning.calibrate(DEVICE, {"b": lambda: 1.0}, "versions")
    assert (tuning.saved(DEVICE, "nonces"), tuning.saved(DEVICE, "versions")) == ("a", "b")
    assert tuning.saved(DEVICE) is None
