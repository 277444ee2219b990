"""Signatures at the edges: crafted, mutated and random, for the tests and for `ci/differential.py`.

Whoever makes signatures for tests may know the secret keys, so a pool of points with known scalars makes as many
as are wanted for the price of a few products of integers.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from quorate.kernels.signatures import Rules, Scheme, SignatureBatch, Verdict

from . import signature_oracle as curve
from .signature_oracle import Affine, G, L, Point, n, p, q
from .signing import (
    big,
    compressed,
    ecdsa,
    ed25519,
    edwards_multiple,
    encodings,
    little,
    multiple,
    schnorr,
    small_order,
    uncompressed,
)


class Case(NamedTuple):
    name: str
    scheme: Scheme
    key: bytes
    signature: bytes
    message: bytes

    def verdict(self, rules: Rules) -> Verdict:
        """The oracle's."""
        return _verdict(self.scheme, self.key, self.signature, self.message, rules)


_verdict = cache(curve.verdict)


def batch(cases: Sequence[Case], rules: Rules) -> SignatureBatch:
    return SignatureBatch.of(
        [case.scheme for case in cases],
        [case.key for case in cases],
        [case.signature for case in cases],
        [case.message for case in cases],
        rules,
    )


# Of secp256k1: a nontrivial cube root of 1 mod n, by which the endomorphism multiplies.
LAMBDA = next(root for i in (2, 3, 5) if (root := pow(i, (n - 1) // 3, n)) != 1)

SCALARS = [
    1,
    2,
    3,
    5,
    15,
    16,
    17,
    2**128 - 1,
    2**128,
    LAMBDA,
    LAMBDA**2 % n,
    LAMBDA + 1,
    (n + 1) // 2,
    n - 2,
    n - 1,
]

EXTREMES = [0, 1, 2, n - 1, n, n + 1, p - 1, p, p + 1, 2**255, 2**256 - 1]


def by_scalars(name: str, key: Affine, u1: int, u2: int) -> Case:
    """A case in which a verifier computes u1 × G + u2 × key; valid unless that is infinity."""
    point = curve.add(curve.times(u1, G), curve.times(u2, key))
    r = point[0] % n if point else 1234567
    s = r * pow(u2, -1, n) % n
    return Case(name, Scheme.ECDSA, compressed(key), big(r) + big(s), big(u1 * s % n))


def ecdsa_edges() -> Iterator[Case]:
    rng = random.Random("ecdsa")
    d, k = rng.randrange(n), rng.randrange(n)
    key, digest = multiple(d), rng.randbytes(32)
    good = ecdsa(d, k, int.from_bytes(digest, "big"))
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")

    def case(name: str, key: bytes, signature: bytes = good, digest: bytes = digest) -> Case:
        return Case(name, Scheme.ECDSA, key, signature, digest)

    yield case("compressed", compressed(key))
    yield case("other parity", bytes([compressed(key)[0] ^ 1]) + big(key[0]))
    for prefix in range(256):
        if prefix < 10 or prefix in (0x30, 0x82, 0xFF):
            yield case(f"65 bytes, prefix {prefix}", uncompressed(key, prefix))
            yield case(f"33 bytes, prefix {prefix}", bytes([prefix]) + big(key[0]))
    odd = (key[0], p - key[1])
    for prefix in (4, 6, 7):
        yield case(f"negative key, prefix {prefix}", uncompressed(odd, prefix))
    yield case("empty key", b"")
    yield case("truncated key", compressed(key)[:-1])
    for x in (0, 5, p - 1, p, p + 1, p + 5, 2**256 - 1):
        yield case(f"x = {x}", b"\x02" + big(x))
        yield case(f"x = {x}, odd", b"\x03" + big(x))
        yield case(f"x = {x}, uncompressed", uncompressed((x, curve.curve_y(x % p) or 1)))
    yield case("off the curve", uncompressed((key[0], (key[1] + 1) % p)))
    yield case("y = 0", uncompressed((key[0], 0)))
    yield case("both zero", uncompressed((0, 0)))
    y = next(y for y in itertools.count(1) if pow(_cube_root(y * y - 7), 3, p) == (y * y - 7) % p)
    small = by_scalars("small y", (_cube_root(y * y - 7), y), 77, 99)
    yield small
    yield small._replace(name="y + p", key=b"\x04" + small.key[1:] + big(y + p))
    yield small._replace(name="y, uncompressed", key=b"\x04" + small.key[1:] + big(y))
    for extreme in EXTREMES:
        yield case(f"r = {extreme}", compressed(key), big(extreme) + good[32:])
        yield case(f"s = {extreme}", compressed(key), good[:32] + big(extreme))
        yield case(f"r = s = {extreme}", compressed(key), big(extreme) * 2)
    yield case("-s", compressed(key), good[:32] + big(n - s))
    yield case("-r", compressed(key), big(n - r) + good[32:])
    yield case("s, then r", compressed(key), good[32:] + good[:32])
    yield case("no signature", compressed(key), b"\xff" * 64)
    for z in (0, 1, n - 1, n, n + 1, n + 2**127, p, 2**256 - 1):
        yield case(f"hash {z}", compressed(key), ecdsa(d, k, z), big(z))
    for half in (n // 2, n // 2 + 1):  # The highest low s and the lowest high one.
        yield case(f"s = {half}", compressed(key), good[:32] + big(half), big((half * k - r * d) % n))
    yield from _wrapped_r()
    for secret in SCALARS:
        key = multiple(secret)
        for u2 in rng.sample(SCALARS, 5):
            yield by_scalars(f"d = {secret}, u1 = 0, u2 = {u2}", key, 0, u2)
            yield by_scalars(f"d = {secret}, u2 = {u2}", key, rng.choice(SCALARS), u2)
        u2 = rng.randrange(n)
        yield by_scalars(f"d = {secret}, infinity", key, -u2 * secret % n, u2)
        yield by_scalars(f"d = {secret}, equal points", key, u2 * secret % n, u2)
        yield by_scalars(f"d = {secret}, small result", key, (1 - u2 * secret) % n, u2)


def _cube_root(number: int) -> int:
    """Of a cube; p is 7 mod 9."""
    return pow(number, (p + 2) // 9, p)


def _wrapped_r() -> Iterator[Case]:
    """r = x - n for a point whose x is n or more; and the same r from points with that x, and with no x at all."""
    found = 0
    for r in itertools.count(1):
        y = curve.curve_y(r + n)
        if y is None:
            continue
        found += 1
        s, z = 3**100 + r, 5**90 + r
        R: Point = (r + n, y)
        key = curve.times(pow(r, -1, n), curve.add(curve.times(s, R), curve.times(-z % n, G)))
        assert key is not None
        yield Case(f"x(R) = r + n, r = {r}", Scheme.ECDSA, compressed(key), big(r) + big(s), big(z))
        yield Case(
            f"x(R) = r + n, r not reduced, r = {r}", Scheme.ECDSA, compressed(key), big(r + n) + big(s), big(z)
        )
        yield Case(f"x(R) = r + n, another r than {r}", Scheme.ECDSA, compressed(key), big(r + 1) + big(s), big(z))
        y = curve.curve_y(r)
        if y is not None:
            key = curve.times(pow(r, -1, n), curve.add(curve.times(s, (r, y)), curve.times(-z % n, G)))
            assert key is not None
            yield Case(f"x(R) = r = {r}", Scheme.ECDSA, compressed(key), big(r) + big(s), big(z))
        if found == 4:
            return


def schnorr_edges() -> Iterator[Case]:
    rng = random.Random("schnorr")
    d, k, message = rng.randrange(n), rng.randrange(n), rng.randbytes(32)
    key, good = schnorr(d, k, message)

    def case(name: str, key: bytes = key, signature: bytes = good, message: bytes = message) -> Case:
        return Case(name, Scheme.SCHNORR, key, signature, message)

    yield case("good")
    for extreme in EXTREMES:
        yield case(f"r = {extreme}", signature=big(extreme) + good[32:])
        yield case(f"s = {extreme}", signature=good[:32] + big(extreme))
        yield case(f"x = {extreme}", key=big(extreme))
        yield case(f"all {extreme}", key=big(extreme), signature=big(extreme) * 2)
    s = int.from_bytes(good[32:], "big")
    yield case("-s", signature=good[:32] + big(n - s))
    yield case("x = 5", key=big(5))
    yield case("no signature", signature=b"\xff" * 64)
    even = d if multiple(d)[1] % 2 == 0 else n - d
    odd = k if multiple(k)[1] % 2 else n - k
    r = big(multiple(k)[0])
    yield case("R with odd y", signature=r + big((odd + curve.challenge(r, key, message) * even) % n))
    for r in (good[:32], big(0), big(5), big(1)):
        e = curve.challenge(r, key, message)
        yield case(f"infinity, r = {r.hex()}", signature=r + big(e * even % n))
        yield case(f"equal points, r = {r.hex()}", signature=r + big(-e * even % n))
    for secret, nonce in itertools.product(SCALARS, SCALARS[::3]):
        key, good = schnorr(secret, nonce, message)
        yield case(f"d = {secret}, k = {nonce}", key, good)
    for length in (*range(0, 300, 7), 55, 56, 63, 64, 65, 119, 120, 128, 255, 256, 300):
        text = rng.randbytes(length)
        key, good = schnorr(d, k, text)
        yield case(f"{length} bytes", key, good, text)
        yield case(f"{length} bytes and one", key, good, text + b"\0")


def ed25519_edges() -> Iterator[Case]:
    rng = random.Random("ed25519")
    a, r, message = rng.randrange(L), rng.randrange(L), rng.randbytes(32)
    key, good = ed25519(a, r, message)

    def case(name: str, key: bytes = key, signature: bytes = good, message: bytes = message) -> Case:
        return Case(name, Scheme.ED25519, key, signature, message)

    yield case("good")
    s = int.from_bytes(good[32:], "little")
    for extreme in (0, 1, L - 1, L, L + 1, s + L, s + 2 * L, 2 * L, 2**252, 2**253, 2**255, 2**256 - 1, L - s):
        yield case(f"S = {extreme}", signature=good[:32] + little(extreme))
        yield case(f"S = {extreme} of a bad key", little(2), good[:32] + little(extreme))
    yield case("no signature", signature=b"\xff" * 64)
    yield case("negative key", key=key[:31] + bytes([key[31] ^ 128]))
    yield case("negative R", signature=good[:31] + bytes([good[31] ^ 128]) + good[32:])
    small = [encoded for point in small_order() for encoded in encodings(point)]
    assert len(small) == 14
    for (i, A), (j, R) in itertools.product(enumerate(small), enumerate(small)):
        # S = 0 makes it a matter of small order alone.
        yield case(f"A small {i}, R small {j}", A, R + little(0), bytes([i, j]))
    for i, A in enumerate(small):
        for _ in range(3):
            text, nonce = rng.randbytes(8), rng.randrange(1, 1000)
            R = curve.edwards_encode(edwards_multiple(nonce))
            yield case(f"A small {i}, S = r", A, R + little(nonce), text)
        k = curve.edwards_challenge(A, key, message)
        yield case(f"R small {i}", signature=A + little(k * a % L))
    for i, j in itertools.product(range(8), range(0, 8, 3)):
        text = rng.randbytes(9)
        yield case(f"mixed order {i}, {j}", *ed25519(a, r, text, (i, j)), text)
    for y in [*range(19), q - 1]:
        for encoded in {little(y), little(y + q) if y < 19 else little(y), little(y | 1 << 255)}:
            yield case(f"A = {encoded.hex()}", encoded)
            yield case(f"R = {encoded.hex()}", signature=encoded + good[32:])
    for length in (*range(0, 300, 13), 47, 48, 63, 64, 65, 111, 112, 128, 300):
        text = rng.randbytes(length)
        key, good = ed25519(a, r, text)
        yield case(f"{length} bytes", key, good, text)
        yield case(f"{length} bytes and one", key, good, text + b"\0")


EDGES = {Scheme.ECDSA: ecdsa_edges, Scheme.SCHNORR: schnorr_edges, Scheme.ED25519: ed25519_edges}


@cache
def edges(scheme: Scheme) -> tuple[Case, ...]:
    return tuple(EDGES[scheme]())


POOLS = 3


@cache
def _pool(number: int, size: int = 48) -> tuple[list[int], list[int]]:
    """Scalars whose multiples of G, and of B, are computed once."""
    rng = random.Random(number)
    return [rng.randrange(1, n) for _ in range(size)], [rng.randrange(1, L) for _ in range(size)]


def good(scheme: Scheme, rng: random.Random, seed: int = 0) -> Case:
    """One that is valid by every rule; ECDSA with a high s now and then."""
    scalars, edwards_scalars = _pool(seed % POOLS)
    if scheme == Scheme.ECDSA:
        d, k, z = rng.choice(scalars), rng.choice(scalars), rng.getrandbits(256)
        signature = ecdsa(d, k, z)
        encode = rng.choice([compressed, compressed, compressed, uncompressed])
        return Case("random", scheme, encode(multiple(d)), signature, big(z))
    message = rng.randbytes(rng.choice([0, 32, 32, 32, rng.randrange(300)]))
    if scheme == Scheme.SCHNORR:
        key, signature = schnorr(rng.choice(scalars), rng.choice(scalars), message)
    else:
        key, signature = ed25519(rng.choice(edwards_scalars), rng.choice(edwards_scalars), message)
    return Case("random", scheme, key, signature, message)


def mutated(case: Case, rng: random.Random) -> Case:
    """With one thing about it changed."""
    key, signature, message = bytearray(case.key), bytearray(case.signature), bytearray(case.message)
    numbers = EXTREMES if case.scheme != Scheme.ED25519 else [0, 1, L - 1, L, L + 1, q - 1, q, q + 1, 2**256 - 1]
    order = "little" if case.scheme == Scheme.ED25519 else "big"
    what = rng.choice(["key", "signature", "message", "bytes", "number", "near", "negative"])
    if what in ("key", "signature", "message"):
        text = {"key": key, "signature": signature, "message": message}[what]
        if text:
            text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    elif what == "bytes":
        at = rng.randrange(61)
        signature[at : at + 4] = rng.randbytes(4)
    elif what == "negative":
        at = rng.choice([0, 32])
        modulus = L if case.scheme == Scheme.ED25519 else n
        value = -int.from_bytes(signature[at : at + 32], order) % modulus  # type: ignore[arg-type]
        signature[at : at + 32] = value.to_bytes(32, order)  # type: ignore[arg-type]
    else:
        number = rng.choice(numbers) + (rng.randrange(-300, 300) if what == "near" else 0)
        at = rng.choice([0, 32])
        signature[at : at + 32] = (number % 2**256).to_bytes(32, order)  # type: ignore[arg-type]
    return Case(f"{case.name}, mutated: {what}", case.scheme, bytes(key), bytes(signature), bytes(message))


def crafted(scheme: Scheme, rng: random.Random, seed: int = 0) -> Case:
    """One in which a verifier meets special scalars or points, with a fresh message where that is possible."""
    scalars, edwards_scalars = _pool(seed % POOLS)
    if scheme == Scheme.ECDSA:
        d, k, special = rng.choice([*SCALARS, *scalars]), rng.choice([*SCALARS, *scalars]), rng.choice(SCALARS)
        # u1 + u2 d = k: one of u1 and u2 is special, or the two points are equal.
        u2 = rng.choice([special, (k - special) * pow(d, -1, n) % n, k * pow(2 * d, -1, n) % n])
        u1, r = (k - u2 * d) % n, multiple(k)[0] % n
        if u2 == 0:
            return good(scheme, rng, seed)
        s = r * pow(u2, -1, n) % n
        return Case(f"crafted {u1}, {u2}, {d}", scheme, compressed(multiple(d)), big(r) + big(s), big(u1 * s % n))
    message = rng.randbytes(rng.randrange(64))
    if scheme == Scheme.SCHNORR:
        d, k = rng.choice([*SCALARS, *scalars]), rng.choice([*SCALARS, *scalars])
        key, signature = schnorr(d, k, message)
        if rng.random() < 0.3:  # R is infinity, or the sum of a point and itself
            even = d if multiple(d)[1] % 2 == 0 else n - d
            e = curve.challenge(signature[:32], key, message)
            signature = signature[:32] + big(rng.choice([1, -1]) * e * even % n)
        return Case(f"crafted {d}, {k}", scheme, key, signature, message)
    torsion = rng.randrange(8), rng.randrange(8)
    a, r = rng.choice([0, 1, L - 1, *edwards_scalars]), rng.choice([0, 1, L - 1, *edwards_scalars])
    key, signature = ed25519(a, r, message, torsion)
    if rng.random() < 0.2:
        key = rng.choice(encodings(edwards_multiple(a, torsion[0])))
        R = rng.choice(encodings(edwards_multiple(r, torsion[1])))
        signature = R + little((r + curve.edwards_challenge(R, key, message) * a) % L)
    return Case(f"crafted {a}, {r}, {torsion}", scheme, key, signature, message)


def random_cases(scheme: Scheme, count: int, seed: int) -> list[Case]:
    """A third each of good, mutated and crafted ones, a few of them edges; the same for the same seed."""
    rng = random.Random(f"{scheme.name} {seed}")
    known = edges(scheme)
    makers = [
        lambda: good(scheme, rng, seed),
        lambda: mutated(good(scheme, rng, seed), rng),
        lambda: crafted(scheme, rng, seed),
        lambda: mutated(rng.choice([rng.choice(known), crafted(scheme, rng, seed)]), rng),
    ]
    return [makers[i % 4]() for i in range(count)]
