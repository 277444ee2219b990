from __future__ import annotations

from quorate.kernels.catalog import KINDS

from .conftest import Quorate


def test_every_kind_is_listed(quorate: Quorate) -> None:
    ran = quorate("devices", "--json")
    assert ran.code == 0
    devices = ran.json["devices"]
    assert {d["kind"] for d in devices} == set(KINDS)
    for device in devices:
        assert device["available"] == (device["reason"] == "")
        assert device["family"] in ("reference", "python", "c")
    assert {d["name"] for d in devices if d["available"]} >= {"reference", "cpu"}


def test_people_see_what_is_there_and_why_something_is_not(quorate: Quorate) -> None:
    listed = quorate("devices", "--json").json["devices"]
    ran = quorate("devices")
    assert ran.code == 0
    for device in listed:
        assert device["name"] in ran.out
        assert " ".join(device["reason"].split()) in " ".join(ran.out.split())
