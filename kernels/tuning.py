"""Which of several kernels is fastest on a device: measured once, saved for this machine.

A backend that has more than one way to do its work has a default for every device. `calibrate` measures
the ways side by side and saves the best, and the backend asks `saved` when it is opened. The file is
`tuning.json` in the user's cache folder; without it the defaults hold.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from .backend import Device, UsageError

ROUNDS = 5
"""Measurements of each way, in turn, so that a machine that is busy for a moment is so for all."""


def saved(device: Device, work: str = "") -> str | None:
    """The name of the way that was fastest here for this work, or None where nobody has measured.

    Only devices with ways of their own for several works have to name the work.
    """
    choice = _read().get(_key(device, work), {}).get("choice")
    return None if choice is None else str(choice)


def calibrate(device: Device, ways: Mapping[str, Callable[[], float]], work: str = "") -> dict[str, float]:
    """Median hashes a second of each way to do the work, fastest first; the fastest is saved.

    Each way is a function that works for about 0.1 s and returns the hashes a second it reached. Its
    first call, which may compile, is not counted. Raises `UsageError` where the file cannot be written.
    """
    for measure in ways.values():
        measure()
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, measure in ways.items():
            samples[name].append(measure())
    rates = {name: statistics.median(values) for name, values in samples.items()}
    rates = dict(sorted(rates.items(), key=lambda item: -item[1]))
    entries = _read()
    entries[_key(device, work)] = {"choice": next(iter(rates)), "hashes_per_second": rates}
    try:
        _write(entries)
    except OSError as error:
        measured = ", ".join(f"{name} {rate:.4g} hashes/s" for name, rate in rates.items())
        raise UsageError(f"the calibration ({measured}) cannot be saved in {file()}: {error.strerror}") from error
    return rates


def file() -> Path:
    return user_cache_path("quorate") / "tuning.json"


def _key(device: Device, work: str) -> str:
    """A new driver or another chip has to be measured anew; the number in a name may change any day."""
    return " | ".join((device.kind, device.description, device.driver, *([work] if work else [])))


def _read() -> dict[str, Any]:
    """The saved choices; a file that is damaged or cannot be read costs a calibration and nothing else."""
    try:
        entries = json.loads(file().read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {key: entry for key, entry in entries.items() if isinstance(entry, dict)}


def _write(entries: dict[str, Any]) -> None:
    """Whole or not at all."""
    file().parent.mkdir(parents=True, exist_ok=True)
    draft = file().with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(entries, indent=2) + "\n")
    draft.replace(file())
