"""Which devices are here, why others are not, and from a name to a backend.

Each kind is one module with `find() -> list[Device]` and `open_device(device) -> Backend`. A module is
imported when its kind is asked for, because the libraries behind it take long to load.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Literal

from .backend import Backend, Device, UnavailableError, UsageError

KINDS = ("reference", "cpu", "cuda", "cupy", "opencl", "libsecp256k1")

VERIFIERS = ("cpu", "opencl", "libsecp256k1", "reference")
"""The kinds that verify signatures, fastest first."""


def devices() -> list[Device]:
    """Every device of every kind; a kind with none of its own is listed once, with the reason."""
    return [device for kind in KINDS for device in _find(kind)]


def usable() -> list[Device]:
    """What searches when no device is named: everything that is here, except simulators."""
    return [device for device in devices() if device.available and device.searches and not device.simulator]


def verifiers() -> list[Device]:
    """What verifies signatures when no device is named, fastest first."""
    found = [device for device in devices() if device.available and device.verifies and not device.simulator]
    return sorted(found, key=lambda device: VERIFIERS.index(device.kind))


def one_per_chip() -> list[Device]:
    """One device for each chip, for mining: two roads to one chip only get in each other's way.

    The order of `KINDS` decides between roads; the reference is slower than any and left out.
    """
    chips: dict[str, Device] = {}
    for device in usable():
        if device.kind != "reference":
            chips.setdefault(device.hardware, device)
    return list(chips.values())


def open_backend(name: str) -> Backend:
    """The backend called `name`.

    That is the name of a device, or `faulty:LIE:NAME` for a device that lies on purpose, or
    `quorum:NAME+NAME…` for several that check each other.

    Raises `UsageError` for a name that nothing has, and `UnavailableError` with the reason for a
    device that is known but cannot be used here.
    """
    return _open(name, None)


def open_searcher(name: str) -> Backend:
    """The backend called `name`, for headers; `UsageError` where it lies about signatures only."""
    return _open(name, "search")


def open_verifier(name: str) -> Backend:
    """The backend called `name`, for signatures; `UsageError` if it verifies none, or lies about headers only."""
    backend = _open(name, "verify")
    if not backend.device.verifies:
        others = ", ".join(device.name for device in verifiers())
        raise UsageError(f"{backend.device.no_verdicts}; of the devices here, these do: {others}")
    return backend


def calibrate(name: str) -> dict[str, float]:
    """Measure the ways in which a device can do its work, save the fastest (`kernels/tuning.py`).

    Returns hashes a second by way, fastest first. Raises what `open_backend` does, and `UsageError` for a
    device that has one way only.
    """
    device = _device(name)
    measure = getattr(_module(device.kind), "calibrate", None)
    if measure is None:
        raise UsageError(f"{name} has one way to do its work, so there is nothing to calibrate")
    rates: dict[str, float] = measure(device)
    return rates


def _open(name: str, purpose: Literal["search", "verify"] | None) -> Backend:
    kind, _, rest = name.partition(":")
    if kind == "faulty":
        from .faulty import IN_SEARCHES, IN_VERDICTS, LIES, Faulty

        lie, _, inner = rest.partition(":")
        lies = {"search": IN_SEARCHES, "verify": IN_VERDICTS}
        if purpose and lie in LIES and lie not in lies[purpose]:
            asked = "signatures are verified" if purpose == "verify" else "headers are hashed"
            raise UsageError(
                f"{name} would pass as honest: {lie} cannot show where {asked}; {', '.join(lies[purpose])} can"
            )
        return Faulty(_open(inner, purpose), lie)
    if kind == "quorum":
        from .quorum import Quorum

        return Quorum([_open(member, purpose) for member in rest.split("+")])
    device = _device(name)
    backend: Backend = _module(device.kind).open_device(device)
    return backend


def _device(name: str) -> Device:
    kind = name.partition(":")[0]
    if not kind:
        raise UsageError("a device's name is missing; names are like cpu, faulty:LIE:NAME or quorum:NAME+NAME")
    if kind not in KINDS:
        raise UsageError(f"there is no device {name!r}; `quorate devices` lists those of this machine")
    found = _find(kind)
    device = next((d for d in found if d.name == name), None)
    if device is None:
        device = next((d for d in found if d.name == kind and not d.available), None)
    if device is None:
        names = ", ".join(d.name for d in found)
        raise UsageError(f"there is no device {name!r}; of that kind there is {names}")
    if not device.available:
        raise UnavailableError(f"{name} cannot be used here: {device.reason}")
    return device


def _find(kind: str) -> list[Device]:
    found: list[Device] = _module(kind).find()
    return found


def _module(kind: str) -> ModuleType:
    return import_module(f"{__package__}.{kind}")
