"""What a verdict is, said once more for tests: textbook affine arithmetic that shares nothing with a backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256, sha512
from typing import TypeVar

from quorate.kernels.signatures import Rules, Scheme, Verdict

p = 2**256 - 0x1000003D1
n = 2**256 - 0x14551231950B75FC4402DA1732FC9BEBF
G = (
    55066263022277343669578718895168534326250603453777594175500187360389116729240,
    32670510020758816978083085130507043184471273380659243275938904335757337482424,
)
q = 2**255 - 19
L = 2**252 + 0x14DEF9DEA2F79CD65812631A5CF5D3ED
d = (-121665 * pow(121666, -1, q)) % q

Affine = tuple[int, int]
Point = Affine | None
"""None is the point at infinity of secp256k1."""


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % p == 0:
            return None
        slope = 3 * a[0] ** 2 * pow(2 * a[1], -1, p)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
    x = (slope * slope - a[0] - b[0]) % p
    return x, (slope * (a[0] - x) - a[1]) % p


def times(k: int, a: Point) -> Point:
    return _times(k, a, None, add)


def curve_y(x: int) -> int | None:
    """The even y, if there is one."""
    if x >= p:
        return None
    y = pow(x**3 + 7, (p + 1) // 4, p)
    y = y if y % 2 == 0 else p - y
    return y if (y * y - x**3 - 7) % p == 0 else None


def edwards_add(a: Affine, b: Affine) -> Affine:
    t = d * a[0] * b[0] * a[1] * b[1]
    inverse = pow((1 + t) * (1 - t), -1, q)
    x = (a[0] * b[1] + b[0] * a[1]) * (1 - t) * inverse
    y = (a[1] * b[1] + a[0] * b[0]) * (1 + t) * inverse
    return x % q, y % q


def edwards_times(k: int, a: Affine) -> Affine:
    return _times(k, a, (0, 1), edwards_add)


T = TypeVar("T")


def _times(k: int, a: T, zero: T, plus: Callable[[T, T], T]) -> T:
    total = zero
    for bit in bin(k)[2:]:
        total = plus(total, total)
        if bit == "1":
            total = plus(total, a)
    return total


@cache
def edwards_decode(encoded: bytes, rule: str) -> Affine | None:
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1
    sign = encoded[31] >> 7
    if rule == "rfc8032" and y >= q:
        return None
    y %= q
    square = (y * y - 1) * pow(d * y * y + 1, -1, q) % q
    x = pow(square, (q + 3) // 8, q)
    if x * x % q != square:
        x = x * pow(2, (q - 1) // 4, q) % q
    if x * x % q != square or (x == 0 and sign and rule == "rfc8032"):
        return None
    return (x if x & 1 == sign else -x % q), y


def edwards_encode(a: Affine) -> bytes:
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


B = edwards_decode((4 * pow(5, -1, q) % q).to_bytes(32, "little"), "rfc8032") or (0, 0)


def verdict(scheme: Scheme, key: bytes, signature: bytes, message: bytes, rules: Rules) -> Verdict:
    judge = {Scheme.ECDSA: ecdsa, Scheme.SCHNORR: schnorr, Scheme.ED25519: ed25519}[scheme]
    return judge(key, signature, message, rules)


def ecdsa_key(key: bytes, hybrid: bool) -> Point:
    first, x = key[:1], int.from_bytes(key[1:33], "big")
    y = curve_y(x)
    if y is None:
        return None
    if first in (b"\2", b"\3") and len(key) == 33:
        return x, (y if first == b"\2" else p - y)
    if first in ((b"\4", b"\6", b"\7") if hybrid else (b"\4",)) and len(key) == 65:
        given = int.from_bytes(key[33:], "big")
        if given in (y, p - y) and (first == b"\4" or key[0] & 1 == given & 1):
            return x, given
    return None


def ecdsa(key: bytes, signature: bytes, message: bytes, rules: Rules) -> Verdict:
    public = ecdsa_key(key, rules.hybrid_keys)
    if public is None:
        return Verdict.KEY
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r == 0 or s == 0 or r >= n or s >= n:
        return Verdict.RANGE
    if rules.low_s and s > (n - 1) // 2:
        return Verdict.HIGH_S
    z, w = int.from_bytes(message, "big"), pow(s, -1, n)
    point = add(times(z * w % n, G), times(r * w % n, public))
    return Verdict.VALID if point is not None and point[0] % n == r else Verdict.EQUATION


def schnorr(key: bytes, signature: bytes, message: bytes, _: Rules) -> Verdict:
    x = int.from_bytes(key, "big")
    y = curve_y(x)
    if y is None:
        return Verdict.KEY
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= p or s >= n:
        return Verdict.RANGE
    point = add(times(s, G), times(challenge(signature[:32], key, message), (x, p - y)))
    return Verdict.VALID if point is not None and point[1] % 2 == 0 and point[0] == r else Verdict.EQUATION


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    tag = sha256(b"BIP0340/challenge").digest()
    return int.from_bytes(sha256(tag * 2 + r + key + message).digest(), "big") % n


def edwards_challenge(R: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(sha512(R + key + message).digest(), "little") % L


def ed25519(key: bytes, signature: bytes, message: bytes, rules: Rules) -> Verdict:
    public = edwards_decode(key, rules.ed25519)
    if public is None:
        return Verdict.KEY
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return Verdict.RANGE
    k = edwards_challenge(signature[:32], key, message)
    minus = (-public[0] % q, public[1])
    R = edwards_add(edwards_times(s, B), edwards_times(k, minus))
    if rules.ed25519 == "rfc8032":
        return Verdict.VALID if edwards_encode(R) == signature[:32] else Verdict.EQUATION
    given = edwards_decode(signature[:32], "zip215")
    if given is None:
        return Verdict.EQUATION
    return Verdict.VALID if edwards_times(8, R) == edwards_times(8, given) else Verdict.EQUATION
