"""Counters of energy: the format of RAPL's files, and the real counters where a machine has them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import UnavailableError
from quorate.miner.energy import Rapl, find_meter


@pytest.fixture
def powercap() -> Iterator[Path]:
    """A folder as Linux shows it on a machine with two packages; anybody may look into it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        zone(folder, "intel-rapl:0", "package-0", 900)
        zone(folder, "intel-rapl:0:0", "core", 10)
        zone(folder, "intel-rapl:1", "package-1", 0)
        zone(folder, "intel-rapl:2", "psys", 0)
        (folder / "intel-rapl").mkdir()
        yield folder


def zone(folder: Path, place: str, name: str, microjoules: int) -> None:
    (folder / place).mkdir()
    (folder / place / "name").write_text(f"{name}\n")
    (folder / place / "max_energy_range_uj").write_text("1000\n")
    count(folder, place, microjoules)


def count(folder: Path, place: str, microjoules: int) -> None:
    (folder / place / "energy_uj").write_text(f"{microjoules}\n")


def test_packages_are_added_and_their_parts_are_not(powercap: Path) -> None:
    meter = Rapl(powercap)
    began = meter()
    for place in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl:2"):
        count(powercap, place, 950)
    assert meter() - began == pytest.approx((50 + 950) / 1e6)
    assert meter() - began == pytest.approx((50 + 950) / 1e6)


def test_a_counter_that_began_anew(powercap: Path) -> None:
    meter = Rapl(powercap)
    began = meter()
    for value in (990, 20, 40):
        count(powercap, "intel-rapl:0", value)
        last = meter()
    assert last - began == pytest.approx(140 / 1e6)


def test_counters_that_only_root_may_read(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(UnavailableError, match="read by root only; `sudo chmod"):
            Rapl(powercap)
    finally:
        os.seteuid(user)


def test_a_system_without_counters(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no .*nowhere"):
        Rapl(tmp_path / "nowhere")
    with pytest.raises(UnavailableError, match="no intel-rapl zone"):
        Rapl(tmp_path)


def test_the_processor_of_this_machine() -> None:
    try:
        meter = find_meter("cpu")
    except UnavailableError as error:
        pytest.skip(f"no counter of energy here: {error}")
    began, until = meter(), time.perf_counter() + 0.3
    while time.perf_counter() < until:
        pass
    # between a telephone and a large server
    assert 0.01 < meter() - began < 600


def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(UnavailableError, match="NVML"):
        find_meter("pci:0000:00:00.0")


def test_a_device_that_nobody_meters() -> None:
    with pytest.raises(UnavailableError, match="no counter"):
        find_meter("cpu+pci:0000:01:00.0")


@pytest.mark.gpu
def test_the_gpus_of_this_machine() -> None:
    gpus = [d for d in catalog.usable() if d.kind in ("cuda", "cupy")]
    if not gpus:
        pytest.skip("no NVIDIA GPU can be used here: quorate devices says why")
    for device in gpus:
        meter, backend = find_meter(device.hardware), catalog.open_backend(device.name)
        began = meter()
        until = time.perf_counter() + 1
        while time.perf_counter() < until:
            backend.search(bytes(80), 0, 1 << 24, 0)
        assert 1 < meter() - began < 2000
