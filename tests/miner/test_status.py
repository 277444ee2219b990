"""Rates against work of a known pace, and what a picture of the miner tells."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from quorate.miner.status import SPANS, DeviceStatus, Meter, Rate, Status, difficulty

RATES = dict.fromkeys(SPANS, Rate(2e6, 0.1))


def device(name: str = "cpu", errors: int = 0) -> DeviceStatus:
    return DeviceStatus(
        name, "a processor", "well", "", RATES, 10**9, 300, 2, 1, {"high-hash": 1}, errors, 9, 0, 0, 31, 32.5,
        0.44, 61.0, None, "no counter of energy",
    )  # fmt: skip


def status(*devices: DeviceStatus, rates: dict[str, Rate] | None = None) -> Status:
    return Status(
        1.8e9, 500.0, "regtest chain", "work-7", (1 << 240) - 1, (1 << 236) - 1, rates or RATES, 10**9, 2, 1,
        {"high-hash": 1}, 1 << 230, devices,
    )  # fmt: skip


def test_a_steady_pace_has_that_rate_and_no_spread() -> None:
    meter = Meter(100.0)
    for i in range(10_000):
        meter.add(100 + 0.1 * i, 100 + 0.1 * (i + 1), 1000)
    for rate in meter.rates(1100.05).values():
        assert rate.hashes_per_second == pytest.approx(10_000, rel=1e-6)
        assert rate.spread == pytest.approx(0.0, abs=1e-6)


def test_windows_longer_than_a_second_count_while_they_last() -> None:
    meter = Meter(0.0)
    for i in range(10):
        meter.add(3.7 * i, 3.7 * (i + 1), 3700)
    assert meter.rates(37.0)["10 s"].hashes_per_second == pytest.approx(1000)


def test_each_span_has_its_own_rate() -> None:
    meter = Meter(0.0)
    for second in range(1000):
        meter.add(second, second + 1, 100 if second < 970 else 400)
    rates = meter.rates(1000.0)
    assert rates["10 s"].hashes_per_second == pytest.approx(400)
    assert rates["1 min"].hashes_per_second == pytest.approx((30 * 100 + 30 * 400) / 60)
    assert rates["1 min"].spread == pytest.approx(300 / 250)
    assert rates["15 min"].hashes_per_second == pytest.approx((870 * 100 + 30 * 400) / 900)


def test_a_device_that_stopped_has_a_rate_that_falls() -> None:
    meter = Meter(0.0)
    meter.add(0.0, 60.0, 60_000)
    rates = meter.rates(70.0)
    assert rates["10 s"] == Rate(0.0, None)
    assert rates["1 min"].hashes_per_second == pytest.approx(1000 * 50 / 60)


def test_young_miners_have_rates_without_spread() -> None:
    meter = Meter(0.0)
    meter.add(0.0, 0.5, 500)
    assert meter.rates(0.5)["10 s"] == Rate(1000.0, None)
    meter.add(0.5, 4.0, 3500)
    rate = meter.rates(4.2)["15 min"]
    assert rate.hashes_per_second == pytest.approx(1000.0)
    assert rate.spread is None
    assert Meter(0.0).rates(0.0)["1 min"] == Rate(0.0, None)


def test_devices_that_share_a_meter_add_up_and_it_stays_small() -> None:
    meter, rng = Meter(0.0), random.Random(1)
    windows = []
    for _ in range(3):
        now = 0.0
        while now < 2000:
            seconds = rng.uniform(0.05, 2.5)
            windows.append((now + seconds, now, seconds))
            now += seconds
    for ended, began, seconds in sorted(windows):
        if ended > 1998:
            break
        meter.add(began, ended, round(1e6 * seconds))
    assert meter.rates(1995.0)["15 min"].hashes_per_second == pytest.approx(3e6, rel=3e-3)
    assert len(meter._seconds) < 910
    assert [second for second, _ in meter._seconds] == sorted({second for second, _ in meter._seconds})


def test_time_to_a_block_and_difficulty() -> None:
    picture = status(device())
    assert picture.seconds_to_block == pytest.approx(2**20 / 2e6)
    assert difficulty(0xFFFF << 208) == 1.0
    assert picture.best_difficulty == difficulty(1 << 230)
    assert replace(picture, best_digest=None).best_difficulty == 0
    assert replace(picture, block_target=0).seconds_to_block is None
    assert status(rates=dict.fromkeys(SPANS, Rate(0.0, None))).seconds_to_block is None


def test_it_is_json() -> None:
    document = json.loads(json.dumps(status(device("cpu", 2), device("opencl:0", 1)).to_json()))
    assert document["target"] == f"{(1 << 240) - 1:064x}"
    assert document["hardware_errors"] == 3
    assert document["rates"]["1 min"] == {"hashes_per_second": 2e6, "spread": 0.1}
    assert [d["name"] for d in document["devices"]] == ["cpu", "opencl:0"]
    assert document["devices"][0]["rejected"] == {"high-hash": 1}
    assert document["devices"][0]["watts"] is None
