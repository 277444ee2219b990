"""Counters of energy that chips keep themselves: RAPL for the host's processor, NVML for NVIDIA's GPUs.

A counter counts all that its chip takes, idling and the work of others included.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..kernels.backend import UnavailableError

POWERCAP = Path("/sys/class/powercap")

Meter = Callable[[], float]
"""Joules since some moment in the past."""


def find_meter(hardware: str) -> Meter:
    """The meter of the chip that a `Device` calls its `hardware`.

    Raises `UnavailableError` with the reason where the system does not tell.
    """
    if hardware == "cpu":
        return Rapl()
    if hardware.startswith("pci:"):
        return _nvml(hardware.removeprefix("pci:"))
    raise UnavailableError("no counter of energy is known for this device")


class Rapl:
    """Running average power limit: the sum over the processor's packages, each without its memory.

    Source: Linux, Documentation/power/powercap/powercap.rst. AMD's processors report the same way.
    A counter begins anew after some minutes at full power, so a `Rapl` wants to be called more often.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        """`folder` holds the zones, as in `POWERCAP`. Raises `UnavailableError` with the reason."""
        if not folder.is_dir():
            raise UnavailableError(
                f"there is no {folder} here; virtual machines and systems other than Linux lack it"
            )
        # Of a package's parts, which are zones too, it is the sum; "psys", the whole board, holds it again.
        zones = [z for z in folder.glob("intel-rapl:*") if (z / "name").read_text().startswith("package")]
        if not zones:
            raise UnavailableError(f"there is no intel-rapl zone of a package in {folder}")
        self._files = [zone / "energy_uj" for zone in zones]
        self._ranges = [int((zone / "max_energy_range_uj").read_text()) for zone in zones]
        try:
            self._last = self._read()
        except PermissionError as error:
            raise UnavailableError(
                f"{error.filename} can be read by root only; "
                f"`sudo chmod a+r {folder}/intel-rapl:*/energy_uj` lets everyone, until the next start"
            ) from None
        self._microjoules = 0

    def __call__(self) -> float:
        now = self._read()
        for value, last, span in zip(now, self._last, self._ranges, strict=True):
            self._microjoules += (value - last) % span
        self._last = now
        return self._microjoules / 1e6

    def _read(self) -> list[int]:
        return [int(file.read_text()) for file in self._files]


def _nvml(bus: str) -> Meter:
    """The GPU at this address on the PCI bus. Since Volta they count energy, in millijoules."""
    try:
        nvml = import_module("cuda.bindings.nvml")
    except ImportError:
        raise UnavailableError("reading NVML takes cuda-bindings: pip install 'quorate[cuda]'") from None
    try:
        nvml.init_v2()
        gpu = nvml.device_get_handle_by_pci_bus_id_v2(bus)
        nvml.device_get_total_energy_consumption(gpu)
    except (RuntimeError, nvml.NvmlError) as error:
        raise UnavailableError(f"NVML does not count it: {error}") from None
    return lambda: float(nvml.device_get_total_energy_consumption(gpu)) / 1000
