"""The ways in which the host's processor can search: which there are, and the kernel of each with its job.

Numba is imported with the kernels, so that listing devices stays quick, and of these only what a way needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from . import processor, rolling, search
from .search import Words

ONE_CHAIN, TWO_CHAINS, SHA_NI = "one chain of lanes", "two chains of lanes", "SHA-NI"
"""Two chains in lockstep wait less for each other's results, but need twice the registers."""

MOST_VERSIONS = 64
"""Versions that SHA-NI searches for together: their jobs take 3 KiB of the cache, and more would save nothing."""

Kernel: TypeAlias = Callable[[int, int, int, Words], tuple[int, int]]
"""A kernel with its job: from first, count, limit and found to the nonces looked at and the candidates found."""


def ways() -> list[str]:
    """Those that this processor has."""
    return [ONE_CHAIN, TWO_CHAINS, *([SHA_NI] if "sha" in processor.features() else [])]


def default_way() -> str:
    """Lanes where AVX-512 makes them wide, with registers for two chains, unless it takes two turns for them."""
    lanes, _ = processor.simd()
    if lanes == 16 and processor.name() != "znver4":
        return TWO_CHAINS
    if SHA_NI in ways():
        return SHA_NI
    return TWO_CHAINS if lanes == 16 else ONE_CHAIN


def scan(lanes: int, way: str, header: bytes) -> Kernel:
    """Looks for candidates of a header; what it finds are nonces."""
    if way == SHA_NI:
        from . import sha_ni, sha_ni_kernels

        return partial(sha_ni_kernels.scan(), search.slots(sha_ni.job_program(), header))
    from . import cpu_kernels

    kernel = cpu_kernels.scan(2 * lanes if way == TWO_CHAINS else lanes)
    return partial(kernel, search.slots(search.scan_program(), header))


def together(lanes: int, way: str, versions: int) -> int:
    """How many of so many versions to search together: pairs for SHA-NI, else what fills the lanes, or 1."""
    if way == SHA_NI:
        return max(1, min(versions // 2 * 2, MOST_VERSIONS))
    widths = [2 * lanes, lanes] if way == TWO_CHAINS else [lanes]
    return next((width for width in widths if width <= versions), 1)


def roll(lanes: int, way: str, headers: Sequence[bytes]) -> Kernel:
    """Looks for candidates of headers that differ in their version; what it finds are pairs of header and nonce.

    There are as many headers as `together` said.
    """
    if way == SHA_NI:
        from . import sha_ni, sha_ni_kernels

        common = search.slots(rolling.whole_schedule_program(), headers[0])
        jobs = np.array([search.slots(sha_ni.job_program(), header) for header in headers])
        return partial(sha_ni_kernels.roll(lanes), common, jobs)
    from . import cpu_kernels

    common = search.slots(rolling.schedule_program(), headers[0])
    return partial(cpu_kernels.roll(len(headers)), common, rolling.lane_slots(headers))
