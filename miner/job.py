"""What to search: one header, one window, one target."""

from __future__ import annotations

from dataclasses import dataclass

from ..kernels.backend import UsageError, check_versions, check_window, with_version

ROLLED_BITS = 16
ROLLED_SHIFT = 13
"""The bits of a version that miners may choose freely: 13 to 28 (BIP 320)."""

ROLLED_MASK = ((1 << ROLLED_BITS) - 1) << ROLLED_SHIFT


@dataclass(frozen=True, slots=True)
class Job:
    """A window of nonces of one header. Raises `UsageError` where the contract of a backend would."""

    header: bytes
    """80 bytes in wire order; the nonce inside is ignored."""

    target: int
    start: int
    count: int

    versions: tuple[int, ...] = ()
    """Version rolling (BIP 320): the window is searched for each of these; none is a plain nonce scan."""

    def __post_init__(self) -> None:
        check_window(self.header, self.start, self.count, self.target)
        check_versions(self.versions)

    @property
    def rolls(self) -> int:
        """Hashes for each nonce."""
        return len(self.versions) or 1

    @property
    def hashes(self) -> int:
        """How many the whole job takes."""
        return self.count * self.rolls


def rolled_versions(header: bytes, count: int) -> tuple[int, ...]:
    """`count` versions of a header, its own first, that differ in the bits of BIP 320."""
    if not 1 <= count <= 1 << ROLLED_BITS:
        raise UsageError(f"a header has 1 to {1 << ROLLED_BITS} versions to roll (BIP 320), not {count}")
    own = int.from_bytes(header[:4], "little")
    return tuple(own ^ i << ROLLED_SHIFT for i in range(count))


def complete_header(header: bytes, nonce: int, version: int | None) -> bytes:
    """The header, 80 bytes, with a nonce and, where one is given, a version in place."""
    rolled = header if version is None else with_version(header, version)
    return rolled[:76] + nonce.to_bytes(4, "little")
