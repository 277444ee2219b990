"""Taproot's commitment (BIP341): an output key is an internal key, tweaked by a tree of scripts."""

from __future__ import annotations

from ..hashes import tagged
from ..serialise import with_size

ANNEX_TAG = 0x50
"""The first byte of a last witness item that is an annex."""

LEAF_MASK = 0xFE
TAPSCRIPT_LEAF = 0xC0
"""The leaf version that BIP342 gives a meaning."""

_KEY = 33
"""Bytes of a control block before its path: leaf version and parity in one, and the internal key."""
_NODE = 32
_MAX_DEPTH = 128

_tap_leaf = tagged("TapLeaf")
_tap_branch = tagged("TapBranch")
_tap_tweak = tagged("TapTweak")


def leaf_hash(version: int, script: bytes) -> bytes:
    return _tap_leaf(version.to_bytes(1) + with_size(script))


def branch_hash(one: bytes, other: bytes) -> bytes:
    """Of two nodes, whichever comes first."""
    return _tap_branch(min(one, other) + max(one, other))


def tweak_hash(internal_key: bytes, root: bytes) -> bytes:
    """The number that, times G, is added to the internal key, 32 bytes. `root` is empty without scripts."""
    return _tap_tweak(internal_key + root)


def is_control_block(control: bytes) -> bool:
    """Whether it has the length of one."""
    path = len(control) - _KEY
    return 0 <= path <= _MAX_DEPTH * _NODE and path % _NODE == 0


def root_of_path(leaf: bytes, control: bytes) -> bytes:
    """The root of the tree in which the control block's path leads to this leaf."""
    node = leaf
    for at in range(_KEY, len(control), _NODE):
        node = branch_hash(node, control[at : at + _NODE])
    return node


def internal_key(control: bytes) -> bytes:
    """32 bytes."""
    return control[1:_KEY]
