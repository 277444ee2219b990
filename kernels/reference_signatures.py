"""Verdicts on signatures, one at a time: OpenSSL and Python's integers. Slow, obvious, and the adjudicator.

ECDSA is OpenSSL's through `cryptography`. BIP 340, which OpenSSL does not have, is written in plain integers from
the BIP. Ed25519 is OpenSSL's where the equation as RFC 8032 has it suffices; what the rules say about encodings,
and the equation with the cofactor, are plain integers again. Points are in projective coordinates, which spares an
inversion for every sum; nothing else here is done for speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Generic, TypeVar

import numpy as np
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend as openssl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from .backend import DeviceError
from .signatures import KEY_LENGTHS, Codes, Ed25519Rule, Rules, Scheme, SignatureBatch, Verdict

OPENSSL = openssl.openssl_version_text()
"""The OpenSSL inside `cryptography`, which need not be the one of `hashlib`."""


def verify(batch: SignatureBatch) -> Codes:
    """A `Verdict` for each signature. Raises `DeviceError` where OpenSSL was built without a curve."""
    verdicts = np.empty(len(batch), np.uint8)
    try:
        for row, scheme in enumerate(batch.schemes.tolist()):
            judge = _JUDGES[Scheme(scheme)]
            key, signature = batch.keys[row].tobytes(), batch.signatures[row].tobytes()
            verdicts[row] = judge(key, signature, batch.message(row), batch.rules)
    except UnsupportedAlgorithm as error:
        raise DeviceError(
            f"cryptography's {OPENSSL} was built without a curve that the reference needs ({error}); "
            "`pip install --force-reinstall --only-binary :all: cryptography` brings one that has them all"
        ) from error
    return verdicts


Point = TypeVar("Point")


@dataclass(frozen=True, slots=True)
class Group(Generic[Point]):
    zero: Point
    double: Callable[[Point], Point]
    add: Callable[[Point, Point], Point]

    def combination(self, a: int, one: Point, b: int, other: Point) -> Point:
        """a × one + b × other for 0 <= a, b < 2^256, two bits of both at a time (Straus)."""
        double, add = self.double, self.add
        ones = (self.zero, one, double(one), add(double(one), one))
        others = (self.zero, other, double(other), add(double(other), other))
        sums = [[add(first, second) for second in others] for first in ones]
        total = self.zero
        for shift in range(254, -2, -2):
            total = add(double(double(total)), sums[a >> shift & 3][b >> shift & 3])
        return total


# secp256k1 (SEC 2, section 2.4.1): y² = x³ + 7 over the integers mod P; G has order N.

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    1,
)


def _ecdsa(key: bytes, signature: bytes, digest: bytes, rules: Rules) -> Verdict:
    encoded = _without_hybrid(key[: KEY_LENGTHS.get(key[0], 0)], rules)
    if encoded is None:
        return Verdict.KEY
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), encoded)
    except ValueError:  # a coordinate of P or more, or no point of the curve
        return Verdict.KEY
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if not (0 < r < N and 0 < s < N):
        return Verdict.RANGE
    if rules.low_s and s > N // 2:
        return Verdict.HIGH_S
    try:
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return Verdict.EQUATION
    return Verdict.VALID


def _without_hybrid(key: bytes, rules: Rules) -> bytes | None:
    """The key with prefix 02, 03 or 04, or None where its prefix is forbidden or at odds with its y."""
    if key[:1] not in (b"\x06", b"\x07"):
        return key or None
    if rules.hybrid_keys and key[0] & 1 == key[-1] & 1:
        return b"\x04" + key[1:]
    return None


def _schnorr(key: bytes, signature: bytes, message: bytes, _: Rules) -> Verdict:
    """BIP 340, section "Verification"."""
    public = _lift_x(int.from_bytes(key[:32]))
    if public is None:
        return Verdict.KEY
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if r >= P or s >= N:
        return Verdict.RANGE
    tag = sha256(b"BIP0340/challenge").digest()
    e = int.from_bytes(sha256(tag + tag + signature[:32] + key[:32] + message).digest()) % N
    X, Y, Z = _SECP256K1.combination(s, G, N - e, public)
    if Z == 0:
        return Verdict.EQUATION
    inverse = pow(Z, -1, P)
    x, y = X * inverse**2 % P, Y * inverse**3 % P
    return Verdict.VALID if y % 2 == 0 and x == r else Verdict.EQUATION


def _lift_x(x: int) -> Jacobian | None:
    """The point with this x and an even y."""
    if x >= P:
        return None
    c = (x**3 + 7) % P
    y = pow(c, (P + 1) // 4, P)
    if y * y % P != c:
        return None
    return x, y if y % 2 == 0 else P - y, 1


Jacobian = tuple[int, int, int]
"""(X, Y, Z) is the point (X / Z², Y / Z³), or infinity where Z is 0."""


def _secp256k1_double(point: Jacobian) -> Jacobian:
    X, Y, Z = point
    slope = 3 * X * X  # over 2YZ; no point has Y = 0, because the order is odd
    YY = Y * Y % P
    XYY4 = 4 * X * YY
    x = (slope * slope - 2 * XYY4) % P
    return x, (slope * (XYY4 - x) - 8 * YY * YY) % P, 2 * Y * Z % P


def _secp256k1_add(one: Jacobian, other: Jacobian) -> Jacobian:
    X1, Y1, Z1 = one
    X2, Y2, Z2 = other
    if Z1 == 0:
        return other
    if Z2 == 0:
        return one
    ZZ1, ZZ2 = Z1 * Z1 % P, Z2 * Z2 % P
    U1, U2 = X1 * ZZ2 % P, X2 * ZZ1 % P
    S1, S2 = Y1 * ZZ2 * Z2 % P, Y2 * ZZ1 * Z1 % P
    if U1 == U2:
        return _secp256k1_double(one) if S1 == S2 else (1, 1, 0)
    H, slope = U2 - U1, S2 - S1
    HH = H * H % P
    HHH, V = H * HH % P, U1 * HH % P
    x = (slope * slope - HHH - 2 * V) % P
    return x, (slope * (V - x) - S1 * HHH) % P, Z1 * Z2 * H % P


_SECP256K1 = Group((1, 1, 0), _secp256k1_double, _secp256k1_add)


# Ed25519 (RFC 8032, section 5.1): -x² + y² = 1 + dx²y² over the integers mod Q; B has order L.

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
ROOT_OF_MINUS_1 = pow(2, (Q - 1) // 4, Q)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % Q)


def _ed25519(key: bytes, signature: bytes, message: bytes, rules: Rules) -> Verdict:
    public = _decode(key[:32], rules.ed25519)
    if public is None:
        return Verdict.KEY
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return Verdict.RANGE
    try:
        Ed25519PublicKey.from_public_bytes(key[:32]).verify(signature, message)
    except InvalidSignature:
        if rules.ed25519 == "rfc8032":
            return Verdict.EQUATION
    else:
        return Verdict.VALID  # under either rule: what holds without the cofactor holds with it
    R = _decode(signature[:32], rules.ed25519)
    if R is None:
        return Verdict.EQUATION
    k = int.from_bytes(sha512(signature[:32] + key[:32] + message).digest(), "little") % L
    difference = _EDWARDS.combination(s, BASE, k, _negative(public))
    difference = _edwards_add(difference, _negative(R))
    for _ in range(3):
        difference = _edwards_double(difference)
    X, Y, Z, _ = difference
    return Verdict.VALID if X == 0 and Y == Z else Verdict.EQUATION


Extended = tuple[int, int, int, int]
"""(X, Y, Z, T) is the point (X / Z, Y / Z), and T = XY / Z."""


def _decode(encoded: bytes, rule: Ed25519Rule) -> Extended | None:
    """RFC 8032, section 5.1.3; `zip215` takes y and the sign of x = 0 as they come."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number % 2**255
    if y >= Q and rule == "rfc8032":
        return None
    u, v = y * y - 1, D * y * y + 1
    x = u * v**3 * pow(u * v**7, (Q - 5) // 8, Q) % Q
    if (v * x * x + u) % Q == 0:
        x = x * ROOT_OF_MINUS_1 % Q
    if (v * x * x - u) % Q != 0:
        return None
    if x == 0 and sign and rule == "rfc8032":
        return None
    if x % 2 != sign:
        x = -x % Q
    return x, y % Q, 1, x * y % Q


def _negative(point: Extended) -> Extended:
    X, Y, Z, T = point
    return -X % Q, Y, Z, -T % Q


def _edwards_add(one: Extended, other: Extended) -> Extended:
    """RFC 8032, section 5.1.4; complete, so that equal, opposite and neutral points need no case of their own."""
    X1, Y1, Z1, T1 = one
    X2, Y2, Z2, T2 = other
    A, B = (Y1 - X1) * (Y2 - X2) % Q, (Y1 + X1) * (Y2 + X2) % Q
    TT, ZZ = 2 * D * T1 * T2 % Q, 2 * Z1 * Z2 % Q
    E, F, G, H = B - A, ZZ - TT, ZZ + TT, B + A
    return E * F % Q, G * H % Q, F * G % Q, E * H % Q


def _edwards_double(point: Extended) -> Extended:
    """RFC 8032, section 5.1.4."""
    X, Y, Z, _ = point
    A, B = X * X % Q, Y * Y % Q
    H, G = A + B, A - B
    E, F = H - (X + Y) ** 2 % Q, 2 * Z * Z % Q + G
    return E * F % Q, G * H % Q, F * G % Q, E * H % Q


_EDWARDS = Group((0, 1, 1, 0), _edwards_double, _edwards_add)


_JUDGES: dict[Scheme, Callable[[bytes, bytes, bytes, Rules], Verdict]] = {
    Scheme.ECDSA: _ecdsa,
    Scheme.SCHNORR: _schnorr,
    Scheme.ED25519: _ed25519,
}
