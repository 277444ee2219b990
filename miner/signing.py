"""Signatures to measure verifiers with. The secrets are known to all: nothing else may be signed like this."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..kernels.signatures import Rules, Scheme, SignatureBatch

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of secp256k1 (SEC 2, section 2.4.1)."""

SEED = 20


@dataclass(frozen=True, slots=True)
class Signed:
    """Valid signatures of one scheme, all different."""

    scheme: Scheme
    keys: Sequence[bytes]
    signatures: Sequence[bytes]
    messages: Sequence[bytes]
    """32 bytes each."""

    def batch(self, count: int, rules: Rules) -> SignatureBatch:
        """The first `count`."""
        return SignatureBatch.of(
            self.scheme, self.keys[:count], self.signatures[:count], self.messages[:count], rules
        )


@dataclass(frozen=True, slots=True)
class _Point:
    secret: int
    x: int
    y: int


def sign(count: int) -> dict[str, Signed]:
    """`count` signatures each: `ecdsa` with compressed keys, `ecdsa-uncompressed`, `schnorr` and `ed25519`."""
    chance = random.Random(SEED)
    points = [_point(chance.randrange(1, N)) for _ in range(count)]
    # Each key's secret is the nonce of the signature before it, which saves half of the multiplications.
    pairs = list(zip(points, [*points[1:], points[0]], strict=True))
    messages = [chance.randbytes(32) for _ in range(count)]
    ecdsa = [_ecdsa(key, nonce, message) for (key, nonce), message in zip(pairs, messages, strict=True)]
    schnorr = [_schnorr(key, nonce, message) for (key, nonce), message in zip(pairs, messages, strict=True)]
    edwards = [ed25519.Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)) for _ in range(count)]
    return {
        "ecdsa": Signed(Scheme.ECDSA, [bytes([2 + p.y % 2]) + _b32(p.x) for p in points], ecdsa, messages),
        "ecdsa-uncompressed": Signed(
            Scheme.ECDSA, [b"\4" + _b32(p.x) + _b32(p.y) for p in points], ecdsa, messages
        ),
        "schnorr": Signed(Scheme.SCHNORR, [_b32(p.x) for p in points], schnorr, messages),
        "ed25519": Signed(
            Scheme.ED25519,
            [key.public_key().public_bytes_raw() for key in edwards],
            [key.sign(message) for key, message in zip(edwards, messages, strict=True)],
            messages,
        ),
    }


def _point(secret: int) -> _Point:
    numbers = ec.derive_private_key(secret, ec.SECP256K1()).public_key().public_numbers()
    return _Point(secret, numbers.x, numbers.y)


def _ecdsa(key: _Point, nonce: _Point, digest: bytes) -> bytes:
    """With the lower s, as wallets sign. SEC 1, section 4.1.3."""
    r = nonce.x % N
    s = pow(nonce.secret, -1, N) * (int.from_bytes(digest) + r * key.secret) % N
    return _b32(r) + _b32(min(s, N - s))


def _schnorr(key: _Point, nonce: _Point, message: bytes) -> bytes:
    """BIP 340, "Default Signing", with a nonce that is given."""
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    e = int.from_bytes(hashlib.sha256(tag + tag + _b32(nonce.x) + _b32(key.x) + message).digest())
    d, k = (p.secret if p.y % 2 == 0 else N - p.secret for p in (key, nonce))
    return _b32(nonce.x) + _b32((k + e * d) % N)


def _b32(number: int) -> bytes:
    return number.to_bytes(32)
