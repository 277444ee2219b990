"""secp256k1 in plain integers, for what the tests have to make: keys, Taproot outputs, Schnorr signatures."""

from __future__ import annotations

import hashlib
from functools import cache

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

Point = tuple[int, int] | None
"""None is infinity."""

G: Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def multiply(factor: int, point: Point) -> Point:
    result = None
    for bit in bin(factor % N)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def lift_x(x: int) -> Point:
    """The point with this x and an even y, or None."""
    square = (x**3 + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if x >= P or y * y % P != square:
        return None
    return x, y if y % 2 == 0 else P - y


def tweaked(internal: bytes, tweak: bytes) -> tuple[bytes, int]:
    """x of the internal key plus tweak times G, 32 bytes, and the parity of y (BIP341)."""
    point = add(lift_x(int.from_bytes(internal)), multiply(int.from_bytes(tweak), G))
    assert point
    return point[0].to_bytes(32), point[1] & 1


@cache
def public_key(secret: int) -> bytes:
    """Compressed, 33 bytes."""
    point = multiply(secret, G)
    assert point
    return (2 + (point[1] & 1)).to_bytes(1) + point[0].to_bytes(32)


def ecdsa(secret: int, digest: bytes) -> bytes:
    """A signature in strict DER, without hash type. The nonce is one: tests have no secrets and little time."""
    assert G
    r = G[0] % N
    s = (int.from_bytes(digest) + r * secret) % N
    return der(r, min(s, N - s))


def der(r: int, s: int) -> bytes:
    integers = b""
    for number in (r, s):
        size = number.bit_length() // 8 + 1
        integers += b"\x02" + size.to_bytes(1) + number.to_bytes(size)
    return b"\x30" + len(integers).to_bytes(1) + integers


def schnorr(secret: int, message: bytes) -> bytes:
    """BIP340, with a nonce of one, which is fine for its rules because G has an even y."""
    assert G
    key = public_key(secret)
    d = secret if key[0] == 2 else N - secret
    r = G[0].to_bytes(32)
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    e = int.from_bytes(hashlib.sha256(tag + tag + r + key[1:] + message).digest()) % N
    return r + ((1 + e * d) % N).to_bytes(32)
