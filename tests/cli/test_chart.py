"""The chart is what the figures say."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from quorate.cli.chart import LENGTH, chart
from quorate.kernels.backend import Device
from quorate.miner.bench import WORKS
from quorate.miner.rounds import Rates, Sample

SVG = "{http://www.w3.org/2000/svg}"


def rates(name: str, work: str, *hashes: int) -> Rates:
    return Rates(Device(name, "family", ""), work, WORKS[work], [Sample(n, 1.0, 1.0, None, None) for n in hashes])


def test_bars_are_as_long_as_rates_are_high() -> None:
    drawn = ET.fromstring(
        chart(
            [
                rates("reference", "search", 100, 110, 90),
                rates("cpu", "search", 1000, 2000, 500),
                rates("cpu", "search_versions", 1500),
            ]
        )
    )
    bars = [bar for bar in drawn.iter(f"{SVG}rect") if bar.get("class")]
    assert [bar.get("class") for bar in bars] == ["yardstick", "bar", "bar"]
    assert [float(bar.get("width", "")) for bar in bars] == [
        pytest.approx(LENGTH * rate / 2000, abs=0.1) for rate in (100, 1000, 1500)
    ]
    texts = [text.text for text in drawn.iter(f"{SVG}text")][1:]
    assert texts == [
        "nonce scan", "reference", "100 H/s", "cpu", "1 kH/s",
        "version rolling", "cpu", "1.5 kH/s",
    ]  # fmt: skip


def test_everything_lies_inside_the_picture() -> None:
    name = "quorum:opencl:0+opencl:1+opencl:2+cpu+reference"
    drawn = ET.fromstring(chart([rates(name, "search", 1000, 3000, 2000)]))
    width, height = float(drawn.get("width", "")), float(drawn.get("height", ""))
    for bar in drawn.iter(f"{SVG}rect"):
        if bar.get("class"):
            assert float(bar.get("x", "")) + float(bar.get("width", "")) < width
            assert float(bar.get("y", "")) + float(bar.get("height", "")) < height
    for text in drawn.iter(f"{SVG}text"):
        assert 0 < float(text.get("x", "")) < width
        assert 0 < float(text.get("y", "")) < height


def test_names_cannot_break_the_document() -> None:
    drawn = ET.fromstring(chart([rates("<&'\">", "search", 5)]))
    assert "<&'\">" in [text.text for text in drawn.iter(f"{SVG}text")]
