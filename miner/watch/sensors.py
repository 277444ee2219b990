"""Temperature and power, where the system tells them, and limits on them.

Temperatures come from hwmon for the host's processor and AMD's GPUs, and from NVML for NVIDIA's; power comes from
the counters of energy of `miner/energy.py`. Source of hwmon's names and units: Linux,
Documentation/hwmon/sysfs-interface.rst.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ...kernels.backend import UnavailableError
from ..energy import Meter, find_meter

HWMON = Path("/sys/class/hwmon")

PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal")
"""What Linux's drivers call the thermometers of processors: Intel's, AMD's, and those on ARM boards."""

POWER_SECONDS = 0.5
"""At least so long is power averaged over: a counter of energy moves in steps."""

Reading = Callable[[], float]
"""Degrees Celsius or watts, now."""


def thermometer(hardware: str, folder: Path = HWMON) -> Reading:
    """The hottest place of the chip that a `Device` calls its `hardware`.

    Raises `UnavailableError` with the reason where the system does not tell.
    """
    if hardware == "cpu":
        return _hwmon(folder, lambda chip: (chip / "name").read_text().strip() in PROCESSORS)
    if not hardware.startswith("pci:"):
        raise UnavailableError("no thermometer is known for this device")
    bus = hardware.removeprefix("pci:").lower()
    try:
        return _hwmon(folder, lambda chip: (chip / "device").resolve().name.lower() == bus)
    except UnavailableError:  # NVIDIA's driver tells it nowhere but through its own library
        return _nvml(bus)


def power_meter(hardware: str) -> Reading:
    """Watts that the chip took since the reading before. Raises `UnavailableError` with the reason."""
    return Power(find_meter(hardware))


class Power:
    """Watts from a counter of joules."""

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._then = (clock(), meter())
        self._watts = 0.0

    def __call__(self) -> float:
        """The mean since the last reading; 0 until `POWER_SECONDS` have passed."""
        now = self._clock()
        seconds = now - self._then[0]
        if seconds >= POWER_SECONDS:
            joules = self._meter()
            self._watts = (joules - self._then[1]) / seconds
            self._then = (now, joules)
        return self._watts


class Limit:
    """A stop above some value that holds until well below it, and for a while.

    Without the while a limit on power would let a device go at once, since power falls when it stops.
    """

    def __init__(self, above: float, below: float, hold_seconds: float = 30.0) -> None:
        self.above = above
        self._below = below
        self._hold = hold_seconds
        self._until: float | None = None

    def stops(self, value: float, now: float) -> bool:
        """Whether to rest, for this reading at this time in seconds."""
        if value > self.above:
            self._until = now + self._hold
        elif self._until is not None and now >= self._until and value <= self._below:
            self._until = None
        return self._until is not None


def _hwmon(folder: Path, mine: Callable[[Path], bool]) -> Reading:
    if not folder.is_dir():
        raise UnavailableError(f"there is no {folder} here; virtual machines and systems other than Linux lack it")
    files = [file for chip in sorted(folder.iterdir()) if mine(chip) for file in sorted(chip.glob("temp*_input"))]
    if not files:
        names = ", ".join((chip / "name").read_text().strip() for chip in sorted(folder.iterdir())) or "nothing"
        raise UnavailableError(f"no thermometer of this chip is in {folder}, which has {names}")
    return lambda: max(int(file.read_text()) for file in files) / 1000


def _nvml(bus: str) -> Reading:
    try:
        nvml = import_module("cuda.bindings.nvml")
    except ImportError:
        raise UnavailableError("reading NVML takes cuda-bindings: pip install 'quorate[cuda]'") from None
    try:
        nvml.init_v2()
        gpu = nvml.device_get_handle_by_pci_bus_id_v2(bus)
        chip = int(nvml.TemperatureSensors.GPU)
        nvml.device_get_temperature_v(gpu, chip)
    except (RuntimeError, nvml.NvmlError) as error:
        raise UnavailableError(f"NVML does not tell it: {error}") from None
    return lambda: float(nvml.device_get_temperature_v(gpu, chip))
