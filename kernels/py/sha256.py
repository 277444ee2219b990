"""SHA-256 as FIPS 180-4 defines it, over words of any binding time.

Sections and names are the standard's. Nothing is optimised here: see `word` for what follows by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from .word import MASK, Word, constant


# 4.1.2: functions
def Ch(x: Word, y: Word, z: Word) -> Word:
    return (x & (y ^ z)) ^ z


def Maj(x: Word, y: Word, z: Word) -> Word:
    return ((x ^ z) & (y ^ z)) ^ z


def Sigma0(x: Word) -> Word:
    return x.rotate(2) ^ x.rotate(13) ^ x.rotate(22)


def Sigma1(x: Word) -> Word:
    return x.rotate(6) ^ x.rotate(11) ^ x.rotate(25)


def sigma0(x: Word) -> Word:
    return x.rotate(7) ^ x.rotate(18) ^ x.shift(3)


def sigma1(x: Word) -> Word:
    return x.rotate(17) ^ x.rotate(19) ^ x.shift(10)


# 4.2.2 and 5.3.3: constants, the first 32 bits of the fractional parts of roots of the first primes
def _fraction_of_root(prime: int, degree: int) -> int:
    scaled = prime << 32 * degree
    low, high = 0, 1 << 64
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= scaled else (low, middle)
    return low & MASK


PRIMES = [n for n in range(2, 312) if all(n % divisor for divisor in range(2, n))]
K = [_fraction_of_root(prime, 3) for prime in PRIMES]
H0 = [constant(_fraction_of_root(prime, 2)) for prime in PRIMES[:8]]


# 5.1.1: padding
def padding(words_before: int) -> list[Word]:
    """What follows a message of so many words, up to the end of a block."""
    zeros = (14 - words_before - 1) % 16
    return [constant(x) for x in [1 << 31, *[0] * zeros, 0, 32 * words_before]]


# 6.2.2: computation
def schedule(M: Sequence[Word]) -> list[Word]:
    """The message schedule of a block of sixteen words, in the form in which the rounds take it: K_t + W_t."""
    W = list(M)
    for t in range(16, 64):
        W.append(sigma1(W[t - 2]) + W[t - 7] + sigma0(W[t - 15]) + W[t - 16])
    return [W[t] + K[t] for t in range(64)]


def rounds(H: Sequence[Word], KW: Sequence[Word]) -> list[Word]:
    """The hash value of eight words after one more block, whose schedule this is."""
    a, b, c, d, e, f, g, h = H
    for t in range(64):
        T1 = h + Sigma1(e) + Ch(e, f, g) + KW[t]
        T2 = Sigma0(a) + Maj(a, b, c)
        a, b, c, d, e, f, g, h = T1 + T2, a, b, c, d + T1, e, f, g
    return [x + y for x, y in zip(H, (a, b, c, d, e, f, g, h), strict=True)]


def sha256(message: Sequence[Word]) -> list[Word]:
    """The digest, eight big-endian words, of a message in whole big-endian words."""
    padded = [*message, *padding(len(message))]
    H = H0
    for block in range(0, len(padded), 16):
        H = rounds(H, schedule(padded[block : block + 16]))
    return H
