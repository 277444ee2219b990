"""SHA-512 (FIPS 180-4) over limbs: a message in every lane."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from .limb import Limb

BLOCK_BYTES = 128
BLOCK_WORDS = 16
STATE_WORDS = 8
ROUNDS = 80
LENGTH_BYTES = 16
"""What the length of the message takes at the end of the last block."""


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(number: int) -> int:
    """The integer part."""
    root = 0
    for bit in reversed(range(number.bit_length() // 3 + 1)):
        if (root | 1 << bit) ** 3 <= number:
            root |= 1 << bit
    return root


_WORD = (1 << 64) - 1
INITIAL = [isqrt(prime << 128) & _WORD for prime in _primes(STATE_WORDS)]
"""The first 64 bits of the fractions of the square roots of the first primes (section 5.3.5)."""

CONSTANTS = [_cube_root(prime << 192) & _WORD for prime in _primes(ROUNDS)]
"""The same of the cube roots (section 4.2.3)."""


def compress(state: Sequence[Limb], block: Sequence[Limb]) -> list[Limb]:
    """The state after a block of 16 big-endian words, as numbers (section 6.4.2)."""
    schedule = list(block)
    a, b, c, d, e, f, g, h = state
    for step, constant in enumerate(CONSTANTS):
        word = schedule[step % BLOCK_WORDS]
        if step >= BLOCK_WORDS:
            early, late = schedule[(step - 15) % BLOCK_WORDS], schedule[(step - 2) % BLOCK_WORDS]
            sigma0 = early.rotate(1) ^ early.rotate(8) ^ (early >> 7)
            sigma1 = late.rotate(19) ^ late.rotate(61) ^ (late >> 6)
            word = word + sigma0 + schedule[(step - 7) % BLOCK_WORDS] + sigma1
            schedule[step % BLOCK_WORDS] = word
        choice = g ^ (e & (f ^ g))
        majority = (a & b) ^ (c & (a ^ b))
        first = h + (word + constant) + (e.rotate(14) ^ e.rotate(18) ^ e.rotate(41)) + choice
        second = (a.rotate(28) ^ a.rotate(34) ^ a.rotate(39)) + majority
        a, b, c, d, e, f, g, h = first + second, a, b, c, d + first, e, f, g
    return [x + y for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True)]
