"""From names to backends, and sentences where there is none."""

from __future__ import annotations

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import UnavailableError, UsageError
from quorate.kernels.faulty import IN_SEARCHES, IN_VERDICTS, LIES, Faulty
from quorate.kernels.quorum import Quorum


def test_every_kind_is_listed_with_its_devices_or_a_reason() -> None:
    devices = catalog.devices()
    assert {d.kind for d in devices} == set(catalog.KINDS)
    assert len({d.name for d in devices}) == len(devices)
    assert all(d.available or len(d.reason) > 20 for d in devices)


def test_the_processor_is_always_usable() -> None:
    assert {"reference", "cpu"} <= {d.name for d in catalog.usable()}


def test_mining_uses_each_chip_once_and_never_the_reference() -> None:
    devices = catalog.one_per_chip()
    assert len({d.hardware for d in devices}) == len(devices)
    assert "reference" not in [d.name for d in devices]
    assert "cpu" in [d.name for d in devices]


def test_liars_and_quorums_are_built_from_names() -> None:
    liar = catalog.open_backend("faulty:slow:reference")
    assert isinstance(liar, Faulty)
    assert liar.device.name == "faulty:slow:reference"
    quorum = catalog.open_backend("quorum:reference+cpu")
    assert isinstance(quorum, Quorum)
    assert quorum.device.name == "quorum:reference+cpu"


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_that_cannot_show_is_not_told(lie: str) -> None:
    """Or a liar would pass as honest, alone and in a quorum."""
    names = [
        f"faulty:{lie}:reference",
        f"quorum:reference+faulty:{lie}:cpu",
        f"faulty:crash:faulty:{lie}:reference",
    ]
    for name in names:
        assert catalog.open_backend(name).device.name == name
        for opened, lies in ((catalog.open_searcher, IN_SEARCHES), (catalog.open_verifier, IN_VERDICTS)):
            if lie in lies:
                assert opened(name).device.name == name
            else:
                with pytest.raises(UsageError, match=f"faulty:{lie}:.*{lie} cannot show.* {', '.join(lies)} can"):
                    opened(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "no device 'gpu'.*quorate devices"),
        ("", "name is missing"),
        ("cpu:7", "no device 'cpu:7'; of that kind there is cpu"),
        ("faulty:slow:gpu", "no device 'gpu'"),
        ("faulty:slow", "name is missing"),
        ("quorum:", "name is missing"),
        ("quorum:cpu", "quorum of 2"),
    ],
)
def test_names_that_nothing_has(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        catalog.open_backend(name)


def test_a_device_that_is_not_here_says_why() -> None:
    absent = [d for d in catalog.devices() if not d.available]
    if not absent:
        pytest.skip("every kind of device is available on this machine")
    for device in absent:
        with pytest.raises(UnavailableError, match="cannot be used here"):
            catalog.open_backend(device.name)
