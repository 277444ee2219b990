"""Sensors: against folders as Linux shows them, and the real ones where a machine has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import UnavailableError
from quorate.miner.watch.sensors import POWER_SECONDS, Limit, Power, power_meter, thermometer


def chip(folder: Path, place: str, name: str, *millidegrees: int, device: Path | None = None) -> Path:
    made = folder / place
    made.mkdir()
    (made / "name").write_text(f"{name}\n")
    for number, value in enumerate(millidegrees, 1):
        (made / f"temp{number}_input").write_text(f"{value}\n")
    if device:
        device.mkdir(parents=True)
        (made / "device").symlink_to(device)
    return made


def test_a_processor_is_as_hot_as_its_hottest_place(tmp_path: Path) -> None:
    chip(tmp_path, "hwmon0", "nvme", 90_000)
    cores = chip(tmp_path, "hwmon1", "coretemp", 51_000, 67_500, 49_000)
    reading = thermometer("cpu", tmp_path)
    assert reading() == 67.5
    (cores / "temp3_input").write_text("80000\n")
    assert reading() == 80.0


def test_several_processors_count_together(tmp_path: Path) -> None:
    chip(tmp_path, "hwmon0", "k10temp", 41_000)
    chip(tmp_path, "hwmon1", "k10temp", 44_250)
    assert thermometer("cpu", tmp_path)() == 44.25


def test_a_gpu_is_found_by_its_address(tmp_path: Path) -> None:
    hwmon = tmp_path / "hwmon"
    hwmon.mkdir()
    chip(hwmon, "hwmon0", "coretemp", 30_000)
    chip(hwmon, "hwmon1", "amdgpu", 70_000, device=tmp_path / "pci" / "0000:03:00.0")
    chip(hwmon, "hwmon2", "amdgpu", 60_000, device=tmp_path / "pci" / "0000:0A:00.0")
    assert thermometer("pci:0000:03:00.0", hwmon)() == 70
    assert thermometer("pci:0000:0a:00.0", hwmon)() == 60


def test_absent_thermometers_say_why(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no .*nowhere here; virtual machines"):
        thermometer("cpu", tmp_path / "nowhere")
    chip(tmp_path, "hwmon0", "nvme", 90_000)
    with pytest.raises(UnavailableError, match="no thermometer of this chip is in .*, which has nvme"):
        thermometer("cpu", tmp_path)
    with pytest.raises(UnavailableError, match="no thermometer is known for this device"):
        thermometer("an abacus", tmp_path)
    with pytest.raises(UnavailableError, match="NVML"):
        thermometer("pci:ffff:ff:1f.0", tmp_path)


def test_the_processor_of_this_machine() -> None:
    try:
        degrees = thermometer("cpu")()
    except UnavailableError as error:
        pytest.skip(str(error))
    assert 0 < degrees < 120


@pytest.mark.gpu
def test_the_gpus_of_this_machine() -> None:
    gpus = [device for device in catalog.usable() if device.hardware.startswith("pci:")]
    if not gpus:
        pytest.skip("this machine has no GPU")
    for gpu in gpus:
        assert 0 < thermometer(gpu.hardware)() < 120
        assert power_meter(gpu.hardware)() >= 0


def test_power_is_energy_by_time() -> None:
    now, joules = 0.0, 1000.0
    power = Power(lambda: joules, lambda: now)
    now, joules = POWER_SECONDS / 2, 1200.0
    assert power() == 0.0
    now, joules = 4.0, 1300.0
    assert power() == 75.0
    now, joules = 4.1, 5000.0
    assert power() == 75.0
    now, joules = 6.0, 1300.0
    assert power() == 0.0


def test_a_limit_holds_until_well_below_it_and_for_a_while() -> None:
    limit = Limit(80.0, 75.0, hold_seconds=10.0)
    readings = [(79, 0), (80, 1), (81, 2), (60, 3), (60, 11.9), (60, 12), (81, 13), (78, 30), (76, 31), (75, 32)]
    stops = [limit.stops(value, now) for value, now in readings]
    assert stops == [False, False, True, True, True, False, True, True, True, False]
