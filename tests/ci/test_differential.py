"""Random, mutated and crafted signatures between two backends: a short run of what CI's tool does at length."""

from __future__ import annotations

import re

import differential
import pytest

from quorate.kernels import catalog
from quorate.kernels.signatures import Scheme

from ..kernels import signature_cases

OTHERS = [
    device.name
    for device in catalog.devices()
    if device.verifies and not device.simulator and device.name != "reference"
]


@pytest.mark.parametrize("name", OTHERS)
def test_backends_differ_nowhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    device = next(device for device in catalog.devices() if device.name == name)
    if not device.available:
        pytest.skip(f"{name}: {device.reason}")
    assert differential.main(["--backends", f"{name},reference", "--cases", "120", "--jobs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    schemes = ["ECDSA", "SCHNORR"] + ["ED25519"] * (name != "libsecp256k1")
    assert [line.split(":")[0] for line in lines] == schemes
    for line in lines:
        assert "120 cases, 0 mismatches" in line
        assert all(verdict in line for verdict in ("VALID", "KEY", "RANGE", "EQUATION"))


def test_a_difference_is_printed_whole_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--schemes", "ecdsa", "--cases", "8", "--jobs", "1", "--seed", "7"]
    assert differential.main(["--backends", "reference,faulty:false-accept:reference", *arguments]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert re.match(
        r"ECDSA seed 7 row \d \(.*\): reference says [A-Z]+, faulty:.* says VALID; key [0-9a-f]{66}", first
    )
    assert re.search(r"signature [0-9a-f]{128} message [0-9a-f]{64} Rules\(", first)
    assert "8 cases, 1 mismatches" in last


def test_every_case_has_its_seed_and_is_made_again_by_it() -> None:
    jobs = differential.jobs(("a", "b"), [Scheme.ECDSA], 4500, 10)
    assert [(job.seed, job.size) for job in jobs] == [(10, 2000), (11, 2000), (12, 500)]
    assert len({job.rules for job in jobs}) == 3
    made = [signature_cases.random_cases(Scheme.ECDSA, 20, 5) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backends", "reference"], "two names"),
        (["--backends", "reference,gpu"], "no device 'gpu'"),
        (["--schemes", "rsa"], "no scheme rsa"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        differential.main(arguments)
    assert message in capsys.readouterr().err
