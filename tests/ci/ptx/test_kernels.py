"""The real CUDA kernels of both families, executed without a GPU, against hashlib; and that bugs would show.

Each check runs launches in several orders of the threads. A planted bug is one change in the text of the PTX; what
passes the same check in spite of it would be a bug that nobody sees.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from ptx.run import FaultError, Kernel, load

from ...kernels import oracle
from ...kernels.test_conformance import REAL_HEADERS
from .module import needs_gcc
from .roads import GRID, CRoad, PythonRoad, Road

pytestmark = needs_gcc

ROADS: dict[str, Road] = {"numba-cuda": PythonRoad(90), "NVRTC": CRoad(90)}
every_road = pytest.mark.parametrize("road", ROADS.values(), ids=ROADS.keys())

# From compute capability 10.0 on, NVVM writes another kind of PTX.
NEWER_ROADS: dict[str, Road] = {"numba-cuda": PythonRoad(120), "NVRTC": CRoad(120)}

ORDERS = ["ascending", "descending", "shuffled", "shuffled otherwise"]

ALL = 2**32 - 1
"""As a limit, it makes every nonce a hit."""

GENESIS, GENESIS_NONCE = bytes.fromhex(REAL_HEADERS[0]), 2083236893


class Window(NamedTuple):
    header: bytes
    start: int
    nonces: int
    limit: int = ALL
    capacity: int = 1024


@cache
def top_words(header: bytes, start: int, count: int) -> list[int]:
    return [oracle.value(header, nonce) >> 224 for nonce in range(start, start + count)]


def hits(window: Window) -> list[int]:
    tops = top_words(window.header, window.start, window.nonces)
    return [window.start + place for place, top in enumerate(tops) if top <= window.limit]


def windows() -> list[Window]:
    some = oracle.random_header(5)
    top = top_words(some, 7, 300)[100]
    return [
        Window(GENESIS, GENESIS_NONCE - 500, 1000, 0),
        Window(some, 7, 300, top),
        Window(some, 7, 300, top - 1),
        Window(oracle.random_header(1), 0, 11 * GRID + 17, 1 << 28),
        Window(oracle.random_header(2), 123_456_789, 10 * GRID, 1 << 30),
        Window(oracle.random_header(3), 4_000_000_000, GRID // 2 + 1),
        Window(oracle.random_header(4), 2**32 - 3 * GRID - 5, 3 * GRID + 5),
        Window(oracle.random_header(6), 1, 200, capacity=64),
        Window(oracle.random_header(7), 2, 64, capacity=64),
        Window(oracle.random_header(8), 0, 1),
    ]


def check_found(number: int, found: list[Any], expected: list[Any], capacity: int) -> None:
    assert number == len(expected)
    assert len(found) == min(number, capacity)
    if number <= capacity:
        assert sorted(found) == expected
    else:
        assert len(set(found)) == capacity
        assert set(found) < set(expected)


def check_scan(road: Road, kernel: Kernel) -> None:
    for window in windows():
        expected = hits(window)
        for order in ORDERS:
            check_found(*road.scan(kernel, *window, order), expected, window.capacity)


def check_roll(road: Road, kernel: Kernel) -> None:
    for header, start, count, limit, capacity in windows():
        chance = random.Random(start)
        headers = [header, *(chance.randbytes(4) + header[4:] for _ in range(road.versions - 1))]
        single = [hits(Window(each, start, count, limit)) for each in headers]
        expected = sorted((index, nonce) for index, nonces in enumerate(single) for nonce in nonces)
        for order in ORDERS:
            number, pairs = road.roll(kernel, headers, start, count, limit, capacity, order)
            check_found(number, pairs, expected, capacity)


def check_fingerprint(road: Road, kernel: Kernel) -> None:
    for header, start, count, *_ in windows():
        expected = oracle.fingerprint(header, start, count)
        for order in ORDERS:
            assert road.fingerprint(kernel, header, start, count, order) == expected


def check_hash_headers(road: Road, kernel: Kernel) -> None:
    for count in (1, GRID - 1, GRID, 5 * GRID + 7):
        single = [random.Random(count + row).randbytes(80) for row in range(count)]
        expected = [oracle.digest(header, int.from_bytes(header[76:], "little")) for header in single]
        headers = np.frombuffer(b"".join(single), np.uint32).reshape(-1, 20)
        for order in ORDERS:
            assert [row.tobytes() for row in road.hash_headers(kernel, headers, order)] == expected


CHECKS = {
    "scan": check_scan,
    "roll": check_roll,
    "fingerprint": check_fingerprint,
    "hash_headers": check_hash_headers,
}


def check(name: str, road: Road, text: str) -> None:
    [kernel] = load(text).values()
    CHECKS[name](road, kernel)


@every_road
@pytest.mark.parametrize("name", CHECKS)
def test_kernels_agree_with_hashlib(name: str, road: Road) -> None:
    check(name, road, road.ptx(name))


@pytest.mark.parametrize("road", NEWER_ROADS.values(), ids=NEWER_ROADS.keys())
def test_the_newer_kind_of_ptx_agrees_with_hashlib(road: Road) -> None:
    check("scan", road, road.ptx("scan"))


def test_the_windows_are_worth_searching() -> None:
    first, *others = [hits(window) for window in windows()]
    assert first == [GENESIS_NONCE]
    assert all(others)


class Bug(NamedTuple):
    """Replaces the match of a pattern that is in the middle of all its matches."""

    kernel: str
    pattern: str
    replacement: str

    def plant(self, text: str) -> str:
        matches = list(re.finditer(self.pattern, text))
        assert matches, f"there is no {self.pattern} where the bug should go"
        match = matches[len(matches) // 2]
        return text[: match.start()] + match.expand(self.replacement) + text[match.end() :]


# SHA-256 rotates and shifts by no amount of 5 or 27, in neither direction.
SHIFT = r"(shf\.[lr]\.wrap\.b32\s+(?:%r\d+, ){3})[^;]+;", r"\g<1>5;"
ADDED = r"atom\.global\.add\.u32\s+(%r\d+), (\[%rd\d+\]), 1;"
XORED = r"atom\.global\.xor\.b32\s+%r\d+, (\[%rd\d+\]), (%r\d+);"
BUGS = {
    "shift": Bug("scan", *SHIFT),
    "sum never written": Bug("scan", r"add\.s32[^;]*;", ""),
    "count not atomic": Bug(
        "scan",
        ADDED,
        r".reg .b32 %next<1>; ld.global.u32 \1, \2; add.u32 %next0, \1, 1; st.global.u32 \2, %next0;",
    ),
    "count not stored": Bug("scan", ADDED, r"ld.global.u32 \1, \2;"),
    "sum not atomic": Bug(
        "fingerprint",
        XORED,
        r".reg .b32 %sum<1>; ld.global.u32 %sum0, \1; xor.b32 %sum0, %sum0, \2; st.global.u32 \1, %sum0;",
    ),
}


@every_road
@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
def test_planted_bugs_are_found(bug: Bug, road: Road) -> None:
    spoilt = bug.plant(road.ptx(bug.kernel))
    with pytest.raises((AssertionError, FaultError)):
        check(bug.kernel, road, spoilt)


COMPARISON = re.compile(r"setp\.\w+\.[usb]32\s+%p\d+, (%r\d+), (%r\d+);")
PARAMETER = re.compile(
    r"ld\.param\.[ub]32\s+(?P<loaded>%r\d+), \[(?P<name>\w+)\];|cvt\.u32\.u64\s+(?P<cut>%r\d+),"
)


def bounds(text: str) -> list[set[str]]:
    """Registers that something is compared with: for each parameter, or array's size cut to 32 bits, a set."""
    compared = {register for comparison in COMPARISON.finditer(text) for register in comparison.groups()}
    registers: dict[str, set[str]] = {}
    for found in PARAMETER.finditer(text):
        register = found["loaded"] or found["cut"]
        registers.setdefault(found["name"] or register, set()).add(register)
    return [among & compared for among in registers.values() if among & compared]


def one_too_high(text: str, bound: set[str]) -> str:
    """From where it is fetched, for a kernel may look at it twice, and cut a window off by more than comparing."""
    fetched = rf"(?:ld\.param\.[ub]32|cvt\.u32\.u64)\s+({'|'.join(map(re.escape, bound))}),[^;]*;"
    return re.sub(fetched, r"\g<0> add.u32 \g<1>, \g<1>, 1;", text)


@every_road
@pytest.mark.parametrize(("name", "expected"), [("scan", 3), ("fingerprint", 1), ("hash_headers", 1)])
def test_every_bound_that_is_one_too_high_is_found(name: str, expected: int, road: Road) -> None:
    text = road.ptx(name)
    assert len(bounds(text)) >= expected, (
        "the window's or batch's end; for scan also the target and the buffer's size"
    )
    for bound in bounds(text):
        with pytest.raises((AssertionError, FaultError)):
            check(name, road, one_too_high(text, bound))
