"""The live view: what it tells, on a terminal, in a log, and as a picture."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from quorate.cli import live, show
from quorate.miner.status import SPANS, DeviceStatus, Rate, Status

RATES = {span: Rate(31.4e6 / n, 0.02 * n if n < 3 else None) for n, span in enumerate(SPANS, 1)}


def device(name: str, state: str = "well", reason: str = "", celsius: float | None = None) -> DeviceStatus:
    return DeviceStatus(
        name, "a device", state, reason, RATES, 10**9, 300, 12, 1, {"high-hash": 2}, 3, 40, 1, 5, 990, 1000.0,
        0.4, celsius, None, "",
    )  # fmt: skip


STATUS = Status(
    1.8e9,
    3725.0,
    "stratum+tcp://pool.example:3333",
    "7f",
    (1 << 236) - 1,
    (1 << 200) - 1,
    RATES,
    10**9,
    12,
    1,
    {"high-hash": 2},
    (1 << 214) - 1,
    (device("cpu", celsius=61.0), device("opencl:0", "benched", "missed canary: it did not report the hit 00ff")),
)


def text_of(status: Status) -> str:
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(live.view(status))
    return console.export_text()


def test_the_picture_tells_it_all() -> None:
    text = text_of(STATUS)
    for part in (
        "stratum+tcp://pool.example:3333",
        "1 h 2 min",
        "10 s 31.4 MH/s (2 %)",
        "15 min 10.5 MH/s",
        "12 accepted, 1 stale, 2 high-hash, best difficulty 1.02 k",
        "a block takes",
        "opencl:0 is benched: missed canary: it did not report the hit 00ff",
    ):
        assert part in text
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert rows["device"].split()[-7:] == ["stale", "rejected", "errors", "restarts", "canaries", "hits", "°C"]
    assert rows["cpu"].split()[-4:] == ["39/40", "99.0", "%", "61"]


def test_what_has_not_happened_has_no_column() -> None:
    young = DeviceStatus("cpu", "", "well", "", RATES, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0, 0.0, 1.0, None, None, "")
    text = text_of(Status(1.8e9, 2.0, "a chain", "", 1 << 255, 1 << 255, RATES, 0, 0, 0, {}, None, (young,)))
    for absent in ("stale", "errors", "canaries", "°C", "W", "best difficulty", "work"):
        assert absent not in text
    assert "0 accepted" in text


def test_a_log_has_one_line() -> None:
    line = live.one_line(STATUS)
    assert line.startswith("1 h 2 min: 15.7 MH/s, 12 accepted, 1 stale")
    assert line.endswith("opencl:0 is benched: missed canary: it did not report the hit 00ff")
    assert "\n" not in line


def test_without_a_terminal_there_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOG_SECONDS", 0.0)
    monkeypatch.setattr(show, "err", Console(stderr=True, soft_wrap=True))
    with live.live(lambda: STATUS, quiet=False) as refresh:
        refresh()
    assert capsys.readouterr().err == live.one_line(STATUS) + "\n"
    monkeypatch.setattr(live, "LOG_SECONDS", 60.0)
    with live.live(lambda: STATUS, quiet=False) as refresh:
        refresh()
    with live.live(lambda: STATUS, quiet=True) as refresh:
        refresh()
    assert capsys.readouterr().err == ""


def test_on_a_terminal_lines_are_printed_above_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=140, highlight=False)
    monkeypatch.setattr(live, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(show, "err", terminal)
    monkeypatch.setattr(show, "out", terminal)
    with live.live(lambda: STATUS, quiet=False) as refresh:
        refresh()
        show.line("block 7 found")
        refresh()
    text = screen.getvalue()
    assert text.index("pool.example") < text.index("block 7 found") < text.rindex("pool.example")


def test_the_picture_for_the_readme_is_svg() -> None:
    svg = live.as_svg(STATUS, "quorate mine")
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "quorate mine" in text
    assert "opencl:0" in text
    assert "31.4 MH/s" in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (59.6, "1 min 0 s"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
        (86_400 * 700, "700 d 0 h"),
        (86_400 * 365.25 * 12_345.6, "12,346 years"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert live.duration(seconds) == said


@pytest.mark.parametrize(("value", "said"), [(0.25, "0.25"), (999, "999"), (1250, "1.25 k"), (8.3e13, "83 T")])
def test_numbers(value: float, said: str) -> None:
    assert live.number(value) == said
