"""Block files as Bitcoin Core writes them, `blk00000.dat` and so on: magic, length (u32, little-endian), block.

Blocks stand in the order in which they came, on whatever branch. Bitcoin Core makes room in advance, so a file
may end in zeros; a crash may have cut off the last block; and since version 28 the bytes are XORed with a key of
eight bytes from `xor.dat` in the same folder, counted from the file's start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..kernels.backend import HEADER_BYTES, UsageError
from .params import Network

FILE_BYTES = 1 << 27
"""A new file is begun rather than made larger than this."""

_KEY_BYTES = 8
_HEAD_BYTES = 8


class Stored(NamedTuple):
    """Where a block stands in a file."""

    offset: int
    """Of its first byte."""

    size: int


class BlockFile:
    """A file that somebody wrote."""

    def __init__(self, path: Path, network: Network) -> None:
        """`UsageError` for a key that is none."""
        self.path = path
        self._network = network
        self._key = _read_key(path.parent / "xor.dat")
        self.skipped = 0
        """Bytes that `blocks` passed over because they belong to no whole block, zeros at the end left out."""

    def blocks(self) -> Iterator[tuple[Stored, bytes]]:
        """Every whole block with its place, unparsed, in their order.

        What is damaged is passed over up to the next magic. Raises `UsageError` for a file that cannot be read,
        or that holds something else.
        """
        data = self._read_all()
        magic = self._network.magic
        at = data.find(magic)
        if not data.strip(b"\0"):
            return
        if at < 0:
            raise UsageError(
                f"{self.path} has no block of {self._network.name} in it; was the right --network given, and does "
                "xor.dat stand beside it if Bitcoin Core wrote it?"
            )
        self.skipped += at
        while at >= 0:
            start = at + _HEAD_BYTES
            size = int.from_bytes(data[at + len(magic) : start], "little")
            end = start + size
            if size > HEADER_BYTES and end <= len(data):
                yield Stored(start, size), data[start:end]
                following = end
            else:
                following = at + len(magic)
                self.skipped += len(magic)
            at = data.find(magic, following)
            self.skipped += len(data[following : at if at >= 0 else len(data)].rstrip(b"\0"))

    def read(self, place: Stored) -> bytes:
        """The block at a place that `blocks` gave."""
        try:
            with self.path.open("rb") as file:
                file.seek(place.offset)
                data = file.read(place.size)
        except OSError as error:
            raise UsageError(f"cannot read the block file {self.path}: {error.strerror}") from error
        return _unmask(data, self._key, place.offset)

    def _read_all(self) -> bytes:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read the block file {self.path}: {error.strerror}") from error
        return _unmask(data, self._key, 0)


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return bytes(_KEY_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise UsageError(f"{path} has {len(key)} bytes; the key of block files has {_KEY_BYTES}")
    return key


def _unmask(data: bytes, key: bytes, offset: int) -> bytes:
    if not any(key):
        return data
    shift = offset % _KEY_BYTES
    mask = np.resize(np.frombuffer(key[shift:] + key[:shift], np.uint8), len(data))
    return (np.frombuffer(data, np.uint8) ^ mask).tobytes()


def frame(block: bytes, network: Network) -> bytes:
    """A block as it stands in a file."""
    return network.magic + len(block).to_bytes(4, "little") + block
