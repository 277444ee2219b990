"""`backend`: one fixture parameter for each device, so that every backend passes the same tests."""

from __future__ import annotations

import functools

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import Backend


def _parameters() -> list[object]:
    marks = {"cuda": [pytest.mark.gpu], "cupy": [pytest.mark.gpu]}
    return [pytest.param(d.name, marks=marks.get(d.kind, [])) for d in catalog.devices()]


@functools.cache
def _open(name: str) -> Backend:
    return catalog.open_backend(name)


@pytest.fixture(params=_parameters())
def backend(request: pytest.FixtureRequest) -> Backend:
    device = next(d for d in catalog.devices() if d.name == request.param)
    if not device.available:
        pytest.skip(f"{device.name}: {device.reason}")
    return _open(device.name)
