from __future__ import annotations

import json
from pathlib import Path

import pytest

from quorate.kernels.catalog import KINDS

from .conftest import Quorate


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for this test alone, so that no calibration of the machine is replaced."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_every_kind_is_listed(quorate: Quorate) -> None:
    ran = quorate("devices", "--json")
    assert ran.code == 0
    devices = ran.json["devices"]
    assert {d["kind"] for d in devices} == set(KINDS)
    for device in devices:
        assert device["available"] == (device["reason"] == "")
        assert device["family"] in ("reference", "python", "c", "libsecp256k1")
        assert device["searches"] or device["verifies"]
    assert {d["name"] for d in devices if d["available"]} >= {"reference", "cpu"}


def test_people_see_what_is_there_and_why_something_is_not(quorate: Quorate) -> None:
    listed = quorate("devices", "--json").json["devices"]
    ran = quorate("devices")
    assert ran.code == 0
    for device in listed:
        assert device["name"] in ran.out
        assert " ".join(device["reason"].split()) in " ".join(ran.out.split())


def test_people_see_what_each_can_do(quorate: Quorate) -> None:
    lines = {line.split()[0]: line for line in quorate("devices").out.splitlines() if line}
    for device in quorate("devices", "--json").json["devices"]:
        if device["available"]:
            can = [word for word, its in (("search", "searches"), ("verify", "verifies")) if device[its]]
            assert lines[device["name"]].split()[1 : 1 + len(can)] == ", ".join(can).split()


def test_a_calibration_names_the_ways_and_their_rates(quorate: Quorate, own_cache: Path) -> None:
    ran = quorate("devices", "--calibrate", "cpu", "--json")
    assert ran.code == 0
    assert "cpu: " in ran.err
    assert "H/s" in ran.err
    entries = json.loads((own_cache / "quorate" / "tuning.json").read_text()).values()
    assert len(entries) == 2  # one for nonces and one for versions
    for entry in entries:
        assert entry["choice"] == max(entry["hashes_per_second"], key=entry["hashes_per_second"].get)


def test_what_cannot_be_calibrated(quorate: Quorate) -> None:
    for name, words in (
        ("reference", "one way to do its work"),
        ("gpu", "no device 'gpu'"),
        (",", "name is missing"),
    ):
        ran = quorate("devices", "--calibrate", name)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
