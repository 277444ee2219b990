"""`backend` and `verifier`: a fixture parameter for each device, so that every backend passes the same tests."""

from __future__ import annotations

import functools

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import Backend, Device

DEVICES = {device.name: device for device in catalog.devices()}

MARKS = {"cuda": [pytest.mark.gpu], "cupy": [pytest.mark.gpu]}

QUORUM = "quorum:reference+libsecp256k1"


def _parameters(devices: list[Device]) -> list[object]:
    return [pytest.param(d.name, marks=MARKS.get(d.kind, [])) for d in devices]


@functools.cache
def _open(name: str) -> Backend:
    return catalog.open_backend(name)


def _backend(name: str, needed: list[str]) -> Backend:
    for device in (DEVICES[part] for part in needed):
        if not device.available:
            pytest.skip(f"{device.name}: {device.reason}")
    return _open(name)


@pytest.fixture(params=_parameters([d for d in DEVICES.values() if d.searches]))
def backend(request: pytest.FixtureRequest) -> Backend:
    return _backend(request.param, [request.param])


@pytest.fixture(params=[*_parameters([d for d in DEVICES.values() if d.verifies and not d.simulator]), QUORUM])
def verifier(request: pytest.FixtureRequest) -> Backend:
    """A backend that verifies signatures, or two that check each other."""
    return _backend(request.param, request.param.removeprefix("quorum:").split("+"))
