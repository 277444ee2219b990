"""The Merkle root: one hash that commits to a list of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .hashes import hash256


class MerkleRoot(NamedTuple):
    root: bytes
    """32 bytes in wire order."""

    mutated: bool
    """Two equal neighbours were hashed together. A level of odd length repeats its last hash, so a list
    that ends in a repetition has the root of the list without it (CVE-2012-2459): a block with such a
    list is refused, and the block without it is not blamed."""


def merkle_root(hashes: Sequence[bytes]) -> MerkleRoot:
    """The root over digests of 32 bytes in wire order; 32 zero bytes over none, as in Bitcoin Core."""
    level = list(hashes) or [bytes(32)]
    mutated = False
    while len(level) > 1:
        # Before an odd level is filled up: what it repeats then is no mutation.
        mutated = mutated or any(map(bytes.__eq__, level[0:-1:2], level[1::2]))
        if len(level) % 2:
            level.append(level[-1])
        level = [hash256(left + right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return MerkleRoot(level[0], mutated)
