"""Signatures by those who know the secret keys, of all three schemes, with the arithmetic of the oracle."""

from __future__ import annotations

import itertools
from functools import cache

from . import signature_oracle as curve
from .signature_oracle import Affine, G, L, n, q


def big(number: int) -> bytes:
    return number.to_bytes(32, "big")


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


@cache
def multiple(scalar: int) -> Affine:
    point = curve.times(scalar, G)
    assert point is not None
    return point


def compressed(point: Affine) -> bytes:
    return bytes([2 + point[1] % 2]) + big(point[0])


def uncompressed(point: Affine, prefix: int = 4) -> bytes:
    return bytes([prefix]) + big(point[0]) + big(point[1])


def ecdsa(d: int, k: int, z: int) -> bytes:
    """The signature of z (mod n) by the key d with the nonce k."""
    r = multiple(k)[0] % n
    return big(r) + big((z + r * d) * pow(k, -1, n) % n)


def schnorr(d: int, k: int, message: bytes) -> tuple[bytes, bytes]:
    """(key, signature)."""
    d = d if multiple(d)[1] % 2 == 0 else n - d
    k = k if multiple(k)[1] % 2 == 0 else n - k
    key, r = big(multiple(d)[0]), big(multiple(k)[0])
    return key, r + big((k + curve.challenge(r, key, message) * d) % n)


@cache
def edwards_multiple(scalar: int, torsion: int = 0) -> Affine:
    """scalar × B, and so many times the point of order 8."""
    return curve.edwards_add(curve.edwards_times(scalar, curve.B), small_order()[torsion])


@cache
def small_order() -> list[Affine]:
    """The eight points of small order, as multiples of one of order 8."""
    for y in itertools.count(2):
        point = curve.edwards_decode(little(y), "rfc8032")
        if point and curve.edwards_times(4, torsion := curve.edwards_times(L, point)) != (0, 1):
            return [curve.edwards_times(i, torsion) for i in range(8)]
    raise AssertionError


def encodings(point: Affine) -> list[bytes]:
    """The canonical one first, then what ZIP 215 takes for the same point."""
    x, y = point
    signs = [x & 1] + [1] * (x == 0)
    ys = [y] + [y + q] * (y + q < 2**255)
    return [little(y | sign << 255) for y in ys for sign in signs]


def ed25519(a: int, r: int, message: bytes, torsion: tuple[int, int] = (0, 0)) -> tuple[bytes, bytes]:
    """(key, signature), both points moved by points of small order."""
    key = curve.edwards_encode(edwards_multiple(a, torsion[0]))
    R = curve.edwards_encode(edwards_multiple(r, torsion[1]))
    return key, R + little((r + curve.edwards_challenge(R, key, message) * a) % L)
