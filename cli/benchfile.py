"""The result of a benchmark as plain data: for scripts, and kept in a file to compare a later one with."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..kernels.backend import UsageError
from ..miner.rounds import Benchmark, Rates

FORMAT = "quorate bench 1"

Key = tuple[str, str]
"""Name of the device, and work."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a later result is compared with."""

    median: float
    """Hashes a second."""

    machine: str
    """Description and driver of the device."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier result."""

    rows: dict[Key, Row]
    noisy: bool


def document(result: Benchmark, rounds: int, earlier: Earlier | None) -> dict[str, Any]:
    """The JSON document; a figure that cannot be had is null, and `unavailable` says why."""
    hashlib = yardstick(result.rates)

    def entry(r: Rates) -> dict[str, Any]:
        its = {
            "device": r.device.name,
            "work": r.work,
            "median": r.median,
            "lowest": min(r.rates),
            "highest": max(r.rates),
            "rounds": len(r.samples),
            "times_reference": r.times(hashlib[r.work]) if r.work in hashlib else None,
            "per_core": r.per_core,
            "cycles_per_hash": r.cycles_each,
            "joules_per_hash": r.joules_each,
            "machine": _machine(r),
        }
        if earlier is not None:
            then = earlier.rows.get((r.device.name, r.work))
            its["times_earlier"] = None if then is None else r.median / then.median
        return its

    return {
        "format": FORMAT,
        "rounds": rounds,
        "unit": "hashes per second",
        "results": [entry(r) for r in result.rates],
        "unavailable": result.unavailable,
        "noise": result.noise,
        "left": result.left,
    }


def read(path: Path) -> Earlier:
    """The document in a file. Raises `UsageError` for one that cannot be read or is none of ours."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"--against cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{path} is no result of `quorate bench`; --against takes a file that --save wrote")
    try:
        rows = {(entry["device"], entry["work"]): _row(entry) for entry in found["results"]}
        return Earlier(rows, noisy=bool(found["noise"]))
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{path} is a damaged result of `quorate bench`: measure it anew with --save") from None


def doubts(result: Benchmark, earlier: Earlier) -> Iterator[str]:
    """Why a ratio may say little: the machine was too noisy then, or a device is not what it was."""
    if earlier.noisy:
        yield "the machine was too noisy to judge when the earlier result was measured"
    told = set()
    for r in result.rates:
        then = earlier.rows.get((r.device.name, r.work))
        if then is not None and then.machine != _machine(r) and r.device.name not in told:
            told.add(r.device.name)
            yield f"{r.device.name} was another then: {then.machine}; now: {_machine(r)}"


def yardstick(rates: Sequence[Rates]) -> dict[str, Rates]:
    """What the reference did, by work; empty where it was not measured."""
    return {r.work: r for r in rates if r.device.name == "reference"}


def _row(entry: dict[str, Any]) -> Row:
    median = entry["median"]
    if not isinstance(median, float) or not 0 < median < math.inf:
        raise ValueError("a rate is a positive number")
    return Row(median, str(entry["machine"]))


def _machine(r: Rates) -> str:
    return f"{r.device.description}, {r.device.driver}"
