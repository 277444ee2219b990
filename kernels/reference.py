"""The oracle: OpenSSL's SHA-256 through hashlib and Python's integers. Slow, obvious, and the adjudicator.

How it verifies signatures stands in `kernels/reference_signatures.py`.
"""

from __future__ import annotations

import platform
import ssl
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from . import reference_signatures
from .backend import Bytes2D, Device, Hits, check_headers, check_versions, check_window, with_version
from .signatures import Codes, SignatureBatch


def find() -> list[Device]:
    return [
        Device(
            name="reference",
            family="reference",
            description=f"hashlib and cryptography, one item at a time on one core ({platform.machine()})",
            driver=f"{ssl.OPENSSL_VERSION}; for signatures {reference_signatures.OPENSSL}",
            hardware="cpu",
            verifies=True,
        )
    ]


class ReferenceBackend:
    def __init__(self, device: Device | None = None) -> None:
        self.device = device or find()[0]

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        check_window(header, start, count, target)
        nonces = [n for n in range(start, start + count) if int.from_bytes(_digest(header, n), "little") <= target]
        return Hits(start, count, np.array(nonces, np.uint32))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        check_window(header, start, count, target)
        check_versions(versions)
        return [self.search(with_version(header, version), start, count, target) for version in versions]

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        check_window(header, start, count)
        total = 0
        for nonce in range(start, start + count):
            total ^= int.from_bytes(_digest(header, nonce), "little")
        return total.to_bytes(32, "little")

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        check_headers(headers)
        digests = b"".join(_hash256(header.tobytes()) for header in headers)
        return np.frombuffer(digests, np.uint8).reshape(-1, 32).copy()

    def verify(self, batch: SignatureBatch) -> Codes:
        return reference_signatures.verify(batch)


def _hash256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _digest(header: bytes, nonce: int) -> bytes:
    return _hash256(header[:76] + nonce.to_bytes(4, "little"))


def open_device(device: Device) -> ReferenceBackend:
    return ReferenceBackend(device)
