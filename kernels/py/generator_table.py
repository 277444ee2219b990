"""Odd multiples of the generator of secp256k1 at every window of a multiplier: computed once, and kept on disk.

With it the generator's part of a verification is a sum of `WINDOWS` points, without doublings.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cache import folder
from .curve_secp256k1 import G
from .field_secp256k1 import P
from .lanes import scratch

WIDTH = 13
WINDOWS = 20
"""That many digits of that many bits hold any multiplier below 2^260."""

ENTRIES = 1 << (WIDTH - 1)
"""Points of a window; the i-th is (2i + 1)·2^(WIDTH·window)·G."""

WORDS = 8
"""64-bit words of a point: x and then y, each from the lowest."""

Table = npt.NDArray[np.uint64]

log = logging.getLogger(__name__)


@cache
def table() -> Table:
    """The points of all windows, shape (WINDOWS · ENTRIES, WORDS), aligned for `lanes.gather`."""
    path = folder() / f"generator_secp256k1_{WIDTH}_{WINDOWS}.table"
    points = _load(path)
    if points is None:
        points = _compute()
        _save(path, points)
    aligned = scratch(WINDOWS * ENTRIES, WORDS)
    aligned[:] = points
    return aligned


def _load(path: Path) -> Table | None:
    """What `_save` wrote, or None where that is missing or damaged."""
    try:
        stored = np.fromfile(path, np.uint64)
    except OSError:
        return None
    if stored.size != (WINDOWS * ENTRIES + 1) * WORDS:
        return None
    stored = stored.reshape(-1, WORDS)
    points: Table = stored[:-1]
    return points if np.array_equal(stored[-1], _digest(points)) else None


def _save(path: Path, points: Table) -> None:
    """Writes the points and their digest, all or nothing; other processes may do the same."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as beside:  # nothing half written stays
            written = Path(beside, path.name)
            written.write_bytes(np.vstack([points, _digest(points)]).tobytes())
            written.replace(path)
    except OSError as error:
        log.warning("the generator's table will be computed anew next time, as it cannot be kept: %s", error)


def _digest(points: Table) -> Table:
    digest = hashlib.sha512(np.ascontiguousarray(points).tobytes()).digest()
    return np.frombuffer(digest, np.uint64)[:WORDS]


Affine = tuple[int, int]


def _compute() -> Table:
    rows = bytearray()
    base = G
    for _ in range(WINDOWS):
        points = [base]
        step = _doubled(base)
        while len(points) < ENTRIES:  # the step is always 2 · len(points) · base
            points += _all_plus(points, step)
            step = _doubled(step)
        rows += b"".join([x.to_bytes(32, "little") + y.to_bytes(32, "little") for x, y in points])
        base = step
    return np.frombuffer(rows, np.uint64).reshape(-1, WORDS)


def _doubled(point: Affine) -> Affine:
    x, y = point
    return _third(point, x, 3 * x * x * pow(2 * y, -1, P) % P)


def _all_plus(points: list[Affine], step: Affine) -> list[Affine]:
    """Every point plus the same one, unequal to them, at the price of one inversion (Montgomery's trick)."""
    runs = [step[0] - x for x, _ in points]
    products = [1]
    for run in runs:
        products.append(products[-1] * run % P)
    inverse = pow(products.pop(), -1, P)
    sums = []
    for point, run, product in zip(reversed(points), reversed(runs), reversed(products), strict=True):
        sums.append(_third(point, step[0], (step[1] - point[1]) * inverse * product % P))
        inverse = inverse * run % P
    return sums[::-1]


def _third(point: Affine, other_x: int, slope: int) -> Affine:
    """The negative of the third point on a line."""
    x = (slope * slope - point[0] - other_x) % P
    return x, (slope * (point[0] - x) - point[1]) % P
