"""The clock of the host's cores, measured.

What `/proc/cpuinfo` reports is the clock's nominal rate on many virtual machines, and on others a rate of
some other moment. So instructions are timed whose cycles are known: on every x86-64 and ARM64 core an
addition or an exclusive or of two registers is ready for the next one after one cycle.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from functools import cache

from ..kernels.backend import UnavailableError

STEPS = 1 << 20
"""Of a chain: two cycles each, half a millisecond."""

CHAINS = 3
"""The quickest counts: an interrupt in between only ever makes a chain slower."""


def find_clock(hardware: str) -> Callable[[], float]:
    """A function that measures the clock, in cycles a second, of the core that it is called on.

    Raises `UnavailableError` with the reason where the clock cannot be measured.
    """
    if hardware != "cpu":
        raise UnavailableError("only the clock of the host's processor is measured")
    if platform.machine().lower() not in ("x86_64", "amd64", "aarch64", "arm64"):
        raise UnavailableError(f"how many cycles an addition takes on {platform.machine()} is not known here")
    chain = _chain()

    def hertz() -> float:
        nanoseconds = []
        for _ in range(CHAINS):
            # Time of this thread, so that waiting for a core does not count.
            began = time.thread_time_ns()
            chain(1, 3, 5, STEPS)
            nanoseconds.append(time.thread_time_ns() - began)
        return 2 * STEPS / min(nanoseconds) * 1e9

    return hertz


@cache
def _chain() -> Callable[[int, int, int, int], int]:
    """Compiled in half a second, so only where it is used."""
    from numba import njit

    @njit("uint64(uint64, uint64, uint64, uint64)")
    def chain(x: int, a: int, b: int, steps: int) -> int:
        """Every operation waits for the one before, and no compiler knows a shorter way to the result."""
        for _ in range(steps):
            x = (x + a) ^ b
        return x

    compiled: Callable[[int, int, int, int], int] = chain
    return compiled
