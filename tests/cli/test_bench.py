from __future__ import annotations

from .conftest import Quorate


def test_rates_of_chosen_devices(quorate: Quorate) -> None:
    ran = quorate("bench", "--devices", "reference,cpu", "--rounds", 1, "--json")
    assert ran.code == 0
    results = {(r["device"], r["work"]): r["median"] for r in ran.json["results"]}
    assert set(results) == {
        (device, work) for device in ("reference", "cpu") for work in ("search", "fingerprint", "hash_headers")
    }
    assert results["cpu", "search"] > results["reference", "search"]


def test_people_see_a_table(quorate: Quorate) -> None:
    ran = quorate("bench", "--devices", "reference", "--rounds", 1)
    assert ran.code == 0
    assert "hash_headers" in ran.out
    assert "H/s" in ran.out
