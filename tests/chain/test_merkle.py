from __future__ import annotations

import pytest

from quorate.chain.hashes import hash256
from quorate.chain.merkle import merkle_root

HASHES = [hash256(bytes((n,))) for n in range(12)]


def by_hand(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    filled = hashes + hashes[-1:] * (len(hashes) % 2)
    return by_hand([hash256(filled[i] + filled[i + 1]) for i in range(0, len(filled), 2)])


@pytest.mark.parametrize("count", range(1, 13))
def test_the_root_of_different_hashes(count: int) -> None:
    assert merkle_root(HASHES[:count]) == (by_hand(HASHES[:count]), False)


@pytest.mark.parametrize(
    ("count", "repeated"), [(3, 1), (6, 2), (5, 1), (7, 1), (9, 1), (10, 2), (12, 4), (11, 1)]
)
def test_a_repeated_end_has_the_same_root_and_is_found(count: int, repeated: int) -> None:
    """CVE-2012-2459: what the tree repeats by itself, repeated in the list."""
    honest = HASHES[:count]
    doubled = honest + honest[-repeated:]
    assert merkle_root(doubled).root == merkle_root(honest).root
    assert merkle_root(doubled).mutated


def test_equal_neighbours_anywhere_are_found() -> None:
    assert merkle_root([HASHES[0], HASHES[0], HASHES[1], HASHES[2]]).mutated
    assert not merkle_root([HASHES[0], HASHES[1], HASHES[1], HASHES[2]]).mutated, "no neighbours in the tree"


def test_nothing_has_the_root_zero() -> None:
    assert merkle_root([]) == (bytes(32), False)
