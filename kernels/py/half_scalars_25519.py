"""Half the length for the scalars of Ed25519's equation, so that checking it takes half the doublings.

For k below L, odd or even, there are u = v·k (mod 8L) of about 128 bits each, with v odd (Antipa, Brown, Gallant,
Lambert, Struik and Vanstone 2005, "Accelerated Verification of ECDSA Signatures"; Pornin 2020, eprint 2020/454).
Every point of the curve vanishes when multiplied by 8L, so v(SB - kA - R) = vSB - uA - vR. And as v has no factor
in common with 8L, being odd and smaller than the prime L, v times a point is neutral only if the point is: nothing
is lost, under either rule.

Pairs (r, t) with r = t·k (mod 8L) begin as (8L, 0), (k, 1) and take Euclid's steps with the nearest quotients,
until r is short. Their determinant stays ±8L, so t grows as r shrinks. The quotients come from approximations
(Lehmer 1938), and several steps from the same ones; a wrong quotient makes r and t longer than they need be, not
wrong. Of two neighbouring t at least one is odd.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numba
import numpy as np

from . import scalar_25519
from .field import select
from .lanes import load, staged, store
from .limb import MULTIPLIER_BITS, MULTIPLIER_MASK, Limb, high, low
from .scalar_25519 import SIZE, L, carried

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

MODULUS = 8 * L

SHORT = 2.0**126.5
"""Where r is short enough: t is below 8L / SHORT then, times 2 for inexact quotients."""
T_SIZE = 3
"""Limbs of t."""
COEFFICIENT = 2.0**25
"""Where the steps from one approximation end: beyond, its 53 bits say nothing about the next quotient."""
STEPS = 12
"""How many there may be, and about as many as there are, as one takes 2.5 bits on average."""
ROUNDS = 12
"""Approximations before a scalar is left as long as it is; 7 are enough but for quotients above COEFFICIENT."""

MOST = 256
"""Signatures at a time."""

# The rows of a signature's record: r and t before and now, and what they are to be multiplied by.
R0, R1, T0, T1, COEFFICIENTS, RECORD = accumulate((SIZE, SIZE, T_SIZE, T_SIZE, 4), initial=0)


# Numbers here have limbs of 52 bits and are below zero where the highest bit is set: they wrap, in all limbs.


@staged
def first_pairs(k: Sequence[Limb]) -> list[Limb]:
    """(8L, 0) and (k, 1), as they lie in a record."""
    modulus = [k[0].lift(MODULUS >> MULTIPLIER_BITS * place & MULTIPLIER_MASK) for place in range(SIZE)]
    zero, one = k[0].lift(0), k[0].lift(1)
    return [*modulus, *k, *[zero] * T_SIZE, one, *[zero] * (T_SIZE - 1)]


@staged
def next_pairs(pairs: Sequence[Limb], factors: Sequence[Limb]) -> list[Limb]:
    """a·before + b·now and c·before + d·now, for signed factors a, b, c, d of up to 52 bits."""
    r0, r1, t0, t1 = pairs[R0:R1], pairs[R1:T0], pairs[T0:T1], pairs[T1:COEFFICIENTS]
    a, b, c, d = factors
    return combined(r0, r1, a, b) + combined(r0, r1, c, d) + combined(t0, t1, a, b) + combined(t0, t1, c, d)


@staged
def halves(pairs: Sequence[Limb], s: Sequence[Limb]) -> tuple[list[Limb], list[Limb], list[Limb], Limb]:
    """|u|, |v|, |v|·S mod L, and the mask of the lanes where u and v have different signs; v is odd."""
    odd = 0 - (pairs[T1] & 1)
    u, negative = magnitude(select(odd, pairs[R1:T0], pairs[R0:R1]))
    v, negative_too = magnitude(select(odd, pairs[T1:COEFFICIENTS], pairs[T0:T1]))
    v += [odd.lift(0)] * (SIZE - T_SIZE)
    return u, v, scalar_25519.product(v, s), negative ^ negative_too


def combined(x: Sequence[Limb], y: Sequence[Limb], a: Limb, b: Limb) -> list[Limb]:
    return wrapped([one + other for one, other in zip(_columns(x, a), _columns(y, b), strict=True)])


def _columns(x: Sequence[Limb], factor: Limb) -> list[Limb]:
    negative = factor.signed_shift(63)
    factor = ((factor ^ negative) - negative) & MULTIPLIER_MASK
    columns = [low(0, limb, factor) for limb in x]
    columns[1:] = [high(column, limb, factor) for column, limb in zip(columns[1:], x[:-1], strict=True)]
    return [(column ^ negative) - negative for column in columns]


def magnitude(x: Sequence[Limb]) -> tuple[list[Limb], Limb]:
    """Without its sign, and the mask of the lanes where that is minus."""
    negative = 0 - (x[-1] >> (MULTIPLIER_BITS - 1))
    return wrapped([(limb ^ negative) - negative for limb in x]), negative


def wrapped(columns: Sequence[Limb]) -> list[Limb]:
    limbs = carried(columns)
    return [*limbs[:-1], limbs[-1] & MULTIPLIER_MASK]


# The approximations are in doubles, each kind of them `MOST` places after the one before: r before and now, a, b,
# c, d. The loops over signatures have no branches and the compiler makes vectors of them.


@numba.njit
def halve(memory, first, distance, groups, element):  # type: ignore[no-untyped-def]
    """Takes all steps for the pairs in the records from row `first` on."""
    count = groups * memory.shape[1]
    state = np.empty(6 * MOST, np.float64)
    for _ in range(ROUNDS):
        for group in range(groups):
            _approximate(memory, first + distance * group, state, group)
        if not take_steps(state, count):
            return
        for group in range(groups):
            record = first + distance * group
            _take_factors(memory, record + COEFFICIENTS, state, group)
            pairs = load(element + element + element + element[:1], memory, record)
            store(next_pairs(pairs, load(element[:4], memory, record + COEFFICIENTS)), memory, record)


@numba.njit
def _approximate(memory, record, state, group):  # type: ignore[no-untyped-def]
    lanes = memory.shape[1]
    for number in range(2):
        row = record + R0 + SIZE * number
        for lane in range(lanes):
            # The sign is the highest bit of the highest limb.
            total = np.float64(np.int64(memory[row + SIZE - 1, lane] << np.uint64(12)) >> 12)
            for place in range(SIZE - 2, -1, -1):
                total = total * 2.0**52 + np.float64(np.int64(memory[row + place, lane]))
            state[MOST * number + lanes * group + lane] = total
    for number in range(4):
        for lane in range(lanes):
            state[MOST * (2 + number) + lanes * group + lane] = 1.0 if number in (0, 3) else 0.0


@numba.njit
def _take_factors(memory, row, state, group):  # type: ignore[no-untyped-def]
    lanes = memory.shape[1]
    for number in range(4):
        for lane in range(lanes):
            memory[row + number, lane] = np.uint64(np.int64(state[MOST * (2 + number) + lanes * group + lane]))


@numba.njit(error_model="numpy")
def take_steps(state, count):  # type: ignore[no-untyped-def]
    """As many steps as the approximations are good for; whether there were any."""
    for _ in range(STEPS):
        for place in range(count):
            before, now = state[place], state[MOST + place]
            a, b = state[2 * MOST + place], state[3 * MOST + place]
            c, d = state[4 * MOST + place], state[5 * MOST + place]
            quotient = np.rint(before / now)
            new_c, new_d = a - quotient * c, b - quotient * d
            goes_on = (abs(now) >= SHORT) & (abs(new_c) < COEFFICIENT) & (abs(new_d) < COEFFICIENT)
            state[place] = now if goes_on else before
            state[MOST + place] = before - quotient * now if goes_on else now
            state[2 * MOST + place] = c if goes_on else a
            state[3 * MOST + place] = d if goes_on else b
            state[4 * MOST + place] = new_c if goes_on else c
            state[5 * MOST + place] = new_d if goes_on else d
    moved = False
    for place in range(count):
        moved |= state[4 * MOST + place] != 0.0
    return moved
