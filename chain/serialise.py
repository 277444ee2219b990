"""Reading and writing Bitcoin's wire format. All integers are little-endian.

Slices of Python never fail, they come out short; so everything is read through `Reader`, which knows
where the data ends.
"""

from __future__ import annotations

from ..kernels.backend import UsageError

MAX_SIZE = 0x02000000
"""The largest length or count that is read (Bitcoin Core's `MAX_SIZE`)."""

_WIDTHS = {0xFD: (2, 0xFD), 0xFE: (4, 1 << 16), 0xFF: (8, 1 << 32)}
"""By the first byte of a CompactSize: how many bytes follow, and the least number that needs them."""


class MalformedError(UsageError):
    """Bytes that are not what they should be: cut off, too long, or encoded as nobody may."""


def compact_size(number: int) -> bytes:
    """A length or count in 1, 3, 5 or 9 bytes, as few as it needs."""
    if number < 0xFD:
        return number.to_bytes(1)
    if number < 1 << 16:
        return b"\xfd" + number.to_bytes(2, "little")
    if number < 1 << 32:
        return b"\xfe" + number.to_bytes(4, "little")
    return b"\xff" + number.to_bytes(8, "little")


def with_size(data: bytes) -> bytes:
    """The bytes after their number."""
    return compact_size(len(data)) + data


class Reader:
    """Bytes read from front to back, and never past the end: that is a `MalformedError`."""

    __slots__ = ("_name", "at", "data", "end")

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.at = 0
        """How many bytes have been read."""
        self.end = len(data)
        self._name = name

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start = self.at
        end = start + size
        if end > self.end:
            raise self.malformed(f"ends early: {size} bytes expected at byte {start}, {self.end - start} found")
        self.at = end
        return self.data[start:end]

    def uint8(self) -> int:
        return self.take(1)[0]

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def int64(self) -> int:
        return int.from_bytes(self.take(8), "little", signed=True)

    def compact_size(self) -> int:
        """A length or count: in as few bytes as it needs, and at most `MAX_SIZE`."""
        start = self.at
        first = self.uint8()
        if first < 0xFD:
            return first
        width, least = _WIDTHS[first]
        number = int.from_bytes(self.take(width), "little")
        if number < least:
            raise self.malformed(f"has the number {number} in {width} bytes at byte {start}, more than it needs")
        if number > MAX_SIZE:
            raise self.malformed(f"has a length of {number} at byte {start}; the most is {MAX_SIZE}")
        return number

    def sized(self) -> bytes:
        """Bytes after their number."""
        start = self.at + 1
        if start <= self.end:
            # Nearly always one byte that counts bytes that are there: half of a block's reading time.
            end = start + self.data[start - 1]
            if end < start + 0xFD and end <= self.end:
                self.at = end
                return self.data[start:end]
        return self.take(self.compact_size())

    def finish(self) -> None:
        """Refuse bytes that are left over."""
        if self.at != self.end:
            raise self.malformed(f"goes on after its end: {self.end - self.at} bytes are left at byte {self.at}")

    def malformed(self, fault: str) -> MalformedError:
        """The refusal to raise: the thing that is read, and what is wrong with it."""
        return MalformedError(f"the {self._name} {fault}")
