"""What to search: one header, one window, one target."""

from __future__ import annotations

from dataclasses import dataclass

from ..kernels.backend import check_window


@dataclass(frozen=True, slots=True)
class Job:
    """A window of nonces of one header. Raises `UsageError` where the contract of a backend would."""

    header: bytes
    """80 bytes in wire order; the nonce inside is ignored."""

    target: int
    start: int
    count: int

    def __post_init__(self) -> None:
        check_window(self.header, self.start, self.count, self.target)

    def header_with(self, nonce: int) -> bytes:
        """The header, 80 bytes, with this nonce in place."""
        return self.header[:76] + nonce.to_bytes(4, "little")
