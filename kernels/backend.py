"""The contract between Quorate and the hardware.

Everything above this file (chain, miner, command line) talks to hardware through `Backend`, and every
implementation below it passes the one conformance suite in `tests/kernels/test_conformance.py`.

Conventions, written once:

- a *header* is Bitcoin's 80-byte block header in wire order; the nonce is its bytes 76 to 79, little-endian;
- a *digest* is SHA-256(SHA-256(header)), 32 bytes in the order in which SHA-256 puts them out; read as a
  little-endian number it is compared with the target, and reversed it is the hash that explorers display;
- a *window* is the nonces `start`, `start + 1`, …, `start + count - 1`; it may end at 2³² but not wrap;
- a *target* is an integer from 0 to 2²⁵⁶ − 1; a nonce whose digest is at most the target is a *hit*.

Errors:

    QuorateError            one sentence for a person: what, where and how to mend it
    ├── UsageError          the caller asked for something that cannot be
    │   └── UnavailableError    … of a device that is not here, with its reason
    └── DeviceError         a device that should work did not
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .signatures import Codes, SignatureBatch

HEADER_BYTES = 80
NONCES = 1 << 32
MAX_TARGET = (1 << 256) - 1

Bytes2D = npt.NDArray[np.uint8]
Nonces = npt.NDArray[np.uint32]


class QuorateError(Exception):
    """Base of every error that Quorate raises on purpose; its text is one sentence for a person."""


class UsageError(QuorateError):
    """The request itself is wrong: a window past 2³², a header of 79 bytes, a name that nothing has."""


class UnavailableError(UsageError):
    """The device asked for cannot be used on this machine; the text says why."""


class DeviceError(QuorateError):
    """A device failed at work that it should have done."""


@dataclass(frozen=True, slots=True)
class Device:
    """What is known about one device before any work is given to it.

    `family`, `driver` and `hardware` say what two devices share when both are wrong. Devices that run
    the same source through the same driver are twins: their agreement counts once.
    """

    name: str
    """`kind` or `kind:index`, as on the command line: `reference`, `cpu`, `cuda:0`, `opencl:1`."""

    family: str
    """Whose source code it runs: `reference`, `python` or `c`."""

    description: str
    """For people: model, driver and what is worth knowing about them."""

    driver: str = ""
    """The compiler or runtime, with its version, that turned the source into machine code."""

    hardware: str = ""
    """The chip: `cpu` for the host's processor, else an identity that every road to it reports alike."""

    reason: str = ""
    """Why it cannot be used, and how to mend that; empty for a device that can be used."""

    simulator: bool = False
    """A program that checks kernels and takes hours for seconds of work: used only when asked for by name."""

    searches: bool = True
    """Whether it hashes headers."""

    verifies: bool = False
    """Whether it verifies signatures."""

    unfit: str = ""
    """Why it verifies none where others of its kind do; goes on from "verifies no signatures, as"."""

    @property
    def no_verdicts(self) -> str:
        """For people: that it verifies no signatures, and why."""
        return f"{self.name} verifies no signatures" + (f", as {self.unfit}" if self.unfit else "")

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def available(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Every hit of a window: complete, ascending, each once."""

    start: int
    count: int
    nonces: Nonces
    """Shape (hits,), uint32."""

    def __post_init__(self) -> None:
        positions = self.nonces.astype(np.int64) - self.start
        if self.nonces.dtype != np.uint32 or self.nonces.ndim != 1:
            raise ValueError(f"hits are a flat uint32 array, not {self.nonces.dtype}{self.nonces.shape}")
        if len(positions) and (positions[0] < 0 or positions[-1] >= self.count or (np.diff(positions) < 1).any()):
            raise ValueError(f"hits of the window {self.start}+{self.count} are not ascending within it")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hits):
            return NotImplemented
        same_window = (self.start, self.count) == (other.start, other.count)
        return same_window and np.array_equal(self.nonces, other.nonces)

    def __len__(self) -> int:
        return len(self.nonces)

    def of(self, start: int, count: int) -> Hits:
        """Itself, as the answer for this window; `DeviceError` where it is the answer for another."""
        if (self.start, self.count) != (start, count):
            asked, given = f"{count} nonces from {start}", f"{self.count} from {self.start}"
            raise DeviceError(f"asked for the hits among {asked}, it answered for {given}")
        return self

    def digest(self) -> bytes:
        """SHA-256 over the window and its hits (little-endian: start u64, count u64, nonces u32), 32 bytes."""
        window = self.start.to_bytes(8, "little") + self.count.to_bytes(8, "little")
        return hashlib.sha256(window + self.nonces.astype("<u4").tobytes()).digest()


class Backend(Protocol):
    """Hardware that hashes, searches and verifies, completely and reproducibly.

    What a device does not do, as its `Device` says, raises `UsageError`. A backend does one job at a time;
    callers stop between windows, so they choose windows as long as they are willing to wait. All methods
    raise `UsageError` for arguments outside the contract and `DeviceError` when the device fails.
    """

    @property
    def device(self) -> Device: ...

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        """Every hit in the window. The nonce inside `header` is ignored."""
        ...

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        """Every hit in the window for the header with each of these versions (version rolling, BIP 320).

        One `Hits` for each version, in their order, equal to what `search` finds for that header. It is
        its own search because headers that differ in nothing but their first 64 bytes share the message
        schedule of their second block: a hash costs less, but the window holds `len(versions)` times as
        many. A version is the uint32 in bytes 0 to 3 of the header, little-endian.
        """
        ...

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        """XOR of the digests of all nonces in the window, 32 bytes; zeros for an empty window.

        XOR has no order, so any parallel reduction gives the same result, and two devices that agree
        on it have both computed *every* digest of the window, not only found the same hits.
        """
        ...

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        """Digests of complete headers: uint8 of shape (n, 80) to uint8 of shape (n, 32)."""
        ...

    def verify(self, batch: SignatureBatch) -> Codes:
        """A `Verdict` for each signature (`kernels/signatures.py`), uint8 of shape (n,), in their order."""
        ...


class SearchesOnly:
    """What a backend inherits that verifies no signatures."""

    device: Device

    def verify(self, batch: SignatureBatch) -> Codes:  # noqa: ARG002
        raise UsageError(self.device.no_verdicts)


def check_window(header: bytes, start: int, count: int, target: int = 0) -> None:
    """Refuse arguments outside the contract. Every backend calls this first."""
    if len(header) != HEADER_BYTES:
        raise UsageError(f"a header has {HEADER_BYTES} bytes, not {len(header)}")
    if start < 0 or count < 0:
        raise UsageError(f"a window starts at 0 or later and has 0 or more nonces, not {count} from {start}")
    if start + count > NONCES:
        raise UsageError(f"the window of {count} nonces from {start} ends past 2^32; at most {NONCES - start} fit")
    if not 0 <= target <= MAX_TARGET:
        raise UsageError("a target is a number from 0 to 2^256 - 1")


def check_versions(versions: Sequence[int]) -> None:
    """Refuse versions that are no uint32. Every backend calls this first."""
    for version in versions:
        if not 0 <= version <= 0xFFFFFFFF:
            raise UsageError(f"a version is a number from 0 to 2^32 - 1, not {version}")


def with_version(header: bytes, version: int) -> bytes:
    """The header with this version, 80 bytes."""
    return version.to_bytes(4, "little") + header[4:]


def check_headers(headers: Bytes2D) -> None:
    """Refuse a batch that is not uint8 of shape (n, 80). Every backend calls this first."""
    if headers.dtype != np.uint8 or headers.ndim != 2 or headers.shape[1] != HEADER_BYTES:
        raise UsageError(f"a batch of headers is uint8 of shape (n, 80), not {headers.dtype} of {headers.shape}")
