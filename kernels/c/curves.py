"""The two curves in plain integers: what the kernels need to know about them, computed from their definitions.

secp256k1 is defined in SEC 2 (version 2, section 2.4.1), edwards25519 in RFC 8032 (section 5.1) and RFC 7748.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from hashlib import sha256
from math import isqrt
from struct import iter_unpack

import numpy as np
import numpy.typing as npt

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
G = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
ROOT_OF_MINUS_ONE = pow(2, (Q - 1) // 4, Q)

LIMBS, LIMB_BITS = 10, 26
"""Of a number on the device; see limbs.h."""

GENERATOR_BITS = 13
"""Of a signed digit of the scalar that the generator is multiplied with: half a limb."""
GENERATOR_WINDOWS = LIMBS * LIMB_BITS // GENERATOR_BITS
GENERATOR_ENTRIES = 1 << (GENERATOR_BITS - 1)
"""Multiples of the generator in the table for each window: 1, 2, … times the window's unit."""

KEY_BITS = 5
"""Of a signed digit of the scalar that a key is multiplied with."""

Point = tuple[int, int]
Table = npt.NDArray[np.uint64]


def secp256k1() -> str:
    """The constants of limbs.h, field.h, scalar.h and point_secp256k1.h, as C."""
    beta, (a1, b1), (a2, b2) = endomorphism()
    half = 5 * LIMB_BITS  # of the bits of a number, that each half of a split scalar takes
    digits = half // KEY_BITS
    return "".join(
        [
            _field(256, P),
            _order(N),
            _numbers("BETA", beta, LIMBS),
            _words(
                "CHALLENGE_TAG", [word for (word,) in iter_unpack(">I", sha256(b"BIP0340/challenge").digest())]
            ),
            _numbers("HALF_ORDER", N // 2 + 1, LIMBS),
            _numbers("P_MINUS_N", P - N, LIMBS),
            # Of the lattice's basis, as scalar.h rounds and subtracts with it.
            _numbers("SPLIT_1", _rounded(b2 << 364, N), LIMBS),
            _numbers("SPLIT_2", _rounded(-b1 << 364, N), LIMBS),
            *(
                _numbers(name, -value % (1 << half), 5)
                for name, value in (("A1", a1), ("B1", b1), ("A2", a2), ("B2", b2))
            ),
            _numbers("KEY_BIAS", _bias(KEY_BITS, digits), 5),
            f"#define KEY_DIGITS {digits}\n",
            _generator(),
        ]
    )


def ed25519() -> str:
    """The constants of limbs.h, field.h, scalar.h, sha512.h and point_25519.h, as C."""
    digits = -(-254 // KEY_BITS)
    return "".join(
        [
            _field(255, Q),
            _order(L),
            _numbers("CURVE_D", D, LIMBS),
            _numbers("CURVE_2D", 2 * D % Q, LIMBS),
            _numbers("ROOT_OF_MINUS_ONE", ROOT_OF_MINUS_ONE, LIMBS),
            _numbers("KEY_BIAS", _bias(KEY_BITS, digits), LIMBS),
            f"#define KEY_DIGITS {digits}\n",
            _generator(),
            _words("SHA512_K", [_root_fraction(prime, 3) for prime in _primes(80)]),
            _words("SHA512_START", [_root_fraction(prime, 2) for prime in _primes(8)]),
        ]
    )


def endomorphism() -> tuple[int, Point, Point]:
    """beta and a basis of the lattice of (a, b) with a + b·lambda = 0 mod n, where (beta·x, y) = lambda·(x, y).

    Both are cube roots of one, of which there are two besides 1: those two are taken that belong together. The
    basis is a short one with determinant n, found by Euclid's algorithm on n and lambda (Gallant, Lambert and
    Vanstone, CRYPTO 2001, section 4), with b1 negative and b2 positive.
    """
    beta = next(root for base in (2, 3, 5) if (root := pow(base, (P - 1) // 3, P)) != 1)
    unity = next(root for base in (2, 3, 5) if (root := pow(base, (N - 1) // 3, N)) != 1)
    image = beta * G[0] % P, G[1]
    scalar = next(root for root in (unity, unity**2 % N) if times(root, G) == image)
    rows = [(N, 0), (scalar, 1)]  # remainders r with b such that r = b·lambda mod n, so (r, -b) is in the lattice
    while rows[-1][0] ** 2 > N:
        quotient = rows[-2][0] // rows[-1][0]
        rows.append((rows[-2][0] - quotient * rows[-1][0], rows[-2][1] - quotient * rows[-1][1]))
    first, second = sorted([(r, -b) for r, b in rows[-2:]], key=lambda vector: vector[1])
    determinant = first[0] * second[1] - first[1] * second[0]
    if determinant != N or first[1] >= 0 or second[1] <= 0:
        raise ArithmeticError("the lattice of the endomorphism has another basis than scalar.h expects")
    return beta, first, second


def add(one: Point, other: Point) -> Point:
    """On secp256k1; of points whose sum is none at infinity (SEC 1, section 2.2.1)."""
    (x1, y1), (x2, y2) = one, other
    top, bottom = (3 * x1 * x1, 2 * y1) if one == other else (y2 - y1, x2 - x1)
    slope = top * pow(bottom, -1, P) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def edwards_add(one: Point, other: Point) -> Point:
    """On edwards25519 (RFC 8032, section 5.1.4)."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % Q
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, Q)
    return x % Q, (y1 * y2 + x1 * x2) * pow(1 - product, -1, Q) % Q


def times(scalar: int, point: Point, add: Callable[[Point, Point], Point] = add) -> Point:
    """scalar·point, for a scalar from 1 to below the order."""
    doubles = [point]
    while len(doubles) < scalar.bit_length():
        doubles.append(add(doubles[-1], doubles[-1]))
    return reduce(add, (double for bit, double in enumerate(doubles) if scalar >> bit & 1))


def base_point() -> Point:
    """Of edwards25519: y = 4/5, and the even x (RFC 8032, section 5.1)."""
    y = 4 * pow(5, -1, Q) % Q
    square = (y * y - 1) * pow(D * y * y + 1, -1, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if x * x % Q != square:
        x = x * ROOT_OF_MINUS_ONE % Q
    return (Q - x if x % 2 else x), y


def generator_table() -> Table:
    """Of secp256k1: for each window and each multiple of its unit x, then y; shape (windows, entries, 8)."""
    columns = _multiples(G, add, _add_all)
    return np.array([[_split(x) + _split(y) for x, y in window] for window in columns], np.uint64)


def base_point_table() -> Table:
    """Of edwards25519: y + x, y - x and 2d·x·y of each; shape (windows, entries, 12)."""
    columns = _multiples(base_point(), edwards_add, _edwards_add_all)
    return np.array([[_addend(*point) for point in window] for window in columns], np.uint64)


def _addend(x: int, y: int) -> list[int]:
    return _split((y + x) % Q) + _split((y - x) % Q) + _split(2 * D * x * y % Q)


def _multiples(
    unit: Point,
    add: Callable[[Point, Point], Point],
    add_all: Callable[[list[Point], list[Point]], list[Point]],
) -> list[list[Point]]:
    """1, 2, … `GENERATOR_ENTRIES` times the unit of each window, the windows' steps taken at once."""
    units = [unit]
    for _ in range(GENERATOR_WINDOWS - 1):
        unit = reduce(lambda point, _: add(point, point), range(GENERATOR_BITS), unit)
        units.append(unit)
    doubles = [add(point, point) for point in units]
    rows = [units, doubles]
    while len(rows) < GENERATOR_ENTRIES:
        rows.append(add_all(rows[-1], units))
    return [list(window) for window in zip(*rows, strict=True)]


def _add_all(ones: list[Point], others: list[Point]) -> list[Point]:
    """The sums of pairs of different points, with one inversion for all of them."""
    inverses = _inverses([x2 - x1 for (x1, _), (x2, _) in zip(ones, others, strict=True)], P)
    sums = []
    for (x1, y1), (x2, y2), inverse in zip(ones, others, inverses, strict=True):
        slope = (y2 - y1) * inverse % P
        x = (slope * slope - x1 - x2) % P
        sums.append((x, (slope * (x1 - x) - y1) % P))
    return sums


def _edwards_add_all(ones: list[Point], others: list[Point]) -> list[Point]:
    products = [D * x1 * x2 * y1 * y2 % Q for (x1, y1), (x2, y2) in zip(ones, others, strict=True)]
    inverses = _inverses([1 - product * product for product in products], Q)
    return [
        (
            (x1 * y2 + x2 * y1) * (1 - product) * inverse % Q,
            (y1 * y2 + x1 * x2) * (1 + product) * inverse % Q,
        )
        for (x1, y1), (x2, y2), product, inverse in zip(ones, others, products, inverses, strict=True)
    ]


def _inverses(values: list[int], modulus: int) -> list[int]:
    """By one inversion (Montgomery's trick)."""
    before = [1]
    for value in values:
        before.append(before[-1] * value % modulus)
    inverse = pow(before[-1], -1, modulus)
    inverses = []
    for value, product in zip(reversed(values), reversed(before[:-1]), strict=True):
        inverses.append(inverse * product % modulus)
        inverse = inverse * value % modulus
    return inverses[::-1]


def _field(bits: int, prime: int) -> str:
    folded = 2 ** (LIMBS * LIMB_BITS) % prime
    parts = (
        *zip(("C0", "C1"), _limbs(2**bits - prime, 2), strict=True),
        *zip(("FOLD0", "FOLD1"), _limbs(folded, 2), strict=True),
    )
    names = "".join(f"#define {name} {value}\n" for name, value in (("P_BITS", bits), *parts))
    return names + _numbers("P", prime, LIMBS) + _words("INVERSION", _split(prime - 2))


def _order(order: int) -> str:
    reciprocal = (1 << 2 * LIMBS * LIMB_BITS) // order
    names = _numbers("ORDER", order, LIMBS + 1) + _numbers("RECIPROCAL", reciprocal, LIMBS + 1)
    return names + _words("ORDER_INVERSION", _split(order - 2))


def _generator() -> str:
    sizes = ("BITS", GENERATOR_BITS), ("WINDOWS", GENERATOR_WINDOWS), ("ENTRIES", GENERATOR_ENTRIES)
    names = "".join(f"#define GENERATOR_{name} {value}\n" for name, value in (*sizes,))
    return (
        names
        + f"#define KEY_BITS {KEY_BITS}\n"
        + _numbers("GENERATOR_BIAS", _bias(GENERATOR_BITS, GENERATOR_WINDOWS), LIMBS)
    )


def _bias(bits: int, digits: int) -> int:
    """What makes digits from -2^(bits - 1) on of a number into digits from 0 on of the sum."""
    return sum(1 << (bits * digit + bits - 1) for digit in range(digits))


def _rounded(number: int, divisor: int) -> int:
    return (2 * number + divisor) // (2 * divisor)


def _limbs(number: int, count: int) -> list[int]:
    if number >> LIMB_BITS * count:
        raise ArithmeticError(f"{number} does not fit {count} limbs")
    return [number >> LIMB_BITS * i & (1 << LIMB_BITS) - 1 for i in range(count)]


def _split(number: int) -> list[int]:
    """A number of 256 bits in 64-bit words, least significant first."""
    return [number >> 64 * i & (1 << 64) - 1 for i in range(4)]


def _numbers(name: str, number: int, count: int) -> str:
    return _words(name, _limbs(number, count))


def _words(name: str, words: list[int]) -> str:
    return f"CONSTANT_DATA ulong {name}[{len(words)}] = {{{', '.join(f'{word:#x}u' for word in words)}}};\n"


def _primes(count: int) -> list[int]:
    primes: list[int] = []
    number = 2
    while len(primes) < count:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return primes


def _root_fraction(prime: int, degree: int) -> int:
    """The first 64 bits of the fraction of its square or cube root (FIPS 180-4, sections 4.2.3 and 5.3.5)."""
    scaled = prime << 64 * degree
    root = isqrt(scaled)
    if degree == 3:
        while root**3 > scaled:  # Newton's method from above
            root = (2 * root + scaled // root**2) // 3
    return root % (1 << 64)
