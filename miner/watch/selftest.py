"""Known answers, asked of a device before it gets work and after every restart.

The questions are about real blocks of mainnet, whose nonces are published; complete answers come from the
reference, which has to find the published nonces too. They take a device some milliseconds, besides what it
compiles or loads at its first question.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from ...kernels.backend import NONCES, Backend, DeviceError
from ...kernels.reference import ReferenceBackend
from ..job import rolled_versions
from ..sources.bundled import BUNDLED

Value = TypeVar("Value")

TARGET = (1 << 248) - 1
"""One digest in 256 meets it, and those of all real blocks do."""

WINDOW = 2000
"""Around the published nonce: 8 hits, and no multiple of anything that a kernel counts in."""

VERSIONS = 3

PACE_WINDOW = 1 << 14
SLOW = 4
"""A device is too slow to be well when it takes this many times as long as the reference, one core of hashlib."""


def self_test(backend: Backend) -> None:
    """Raises `DeviceError` with the first wrong answer, or with what the device fails of."""
    judge = ReferenceBackend()
    for block in BUNDLED:
        start = min(max(0, block.nonce - block.nonce % WINDOW), NONCES - WINDOW)
        truth = judge.search(block.header, start, WINDOW, TARGET)
        if block.nonce not in truth.nonces:
            raise DeviceError(f"the reference does not find the nonce of block {block.height}: is hashlib whole?")
        found = _asked("search", lambda b=block, s=start: backend.search(b.header, s, WINDOW, TARGET))  # type: ignore[misc]
        _compare(f"hits around the nonce of block {block.height}", found.nonces.tolist(), truth.nonces.tolist())

    block = BUNDLED[-1]
    last = NONCES - WINDOW
    _compare(
        "hits at the end of the nonces",
        _asked("search", lambda: backend.search(block.header, last, WINDOW, TARGET)).nonces.tolist(),
        judge.search(block.header, last, WINDOW, TARGET).nonces.tolist(),
    )
    versions = rolled_versions(block.header, VERSIONS)
    rolled = _asked("search", lambda: backend.search_versions(block.header, versions, last, WINDOW, TARGET))
    _compare(
        "hits of rolled versions",
        [hits.nonces.tolist() for hits in rolled],
        [hits.nonces.tolist() for hits in judge.search_versions(block.header, versions, last, WINDOW, TARGET)],
    )
    _compare(
        "fingerprint of a window",
        _asked("fingerprint", lambda: backend.fingerprint(block.header, last, WINDOW)).hex(),
        judge.fingerprint(block.header, last, WINDOW).hex(),
    )
    headers = np.frombuffer(b"".join(block.header for block in BUNDLED), np.uint8).reshape(-1, 80)
    _compare(
        "digests of real headers",
        _asked("hash", lambda: backend.hash_headers(headers)).tobytes().hex(),
        judge.hash_headers(headers).tobytes().hex(),
    )
    if not backend.device.simulator:
        _require_pace(backend, judge)


def _asked(what: str, question: Callable[[], Value]) -> Value:
    try:
        return question()
    except Exception as error:
        raise DeviceError(f"self-test: it failed to {what}: {error or type(error).__name__}") from error


def _compare(what: str, given: object, truth: object) -> None:
    if given != truth:
        raise DeviceError(f"self-test: wrong {what}: {given} instead of {truth}")


def _require_pace(backend: Backend, judge: Backend) -> None:
    """The quicker of two tries, since a busy machine holds anybody up once."""
    yardstick, *tries = (_seconds(device) for device in (judge, backend, backend))
    if min(tries) > SLOW * yardstick:
        raise DeviceError(f"self-test: it takes {min(tries) / yardstick:.0f} times as long as the reference")


def _seconds(backend: Backend) -> float:
    began = time.perf_counter()
    backend.search(BUNDLED[0].header, 0, PACE_WINDOW, 0)
    return time.perf_counter() - began
