"""ECDSA signatures over secp256k1 (SEC 1, section 4.1.4) in batches, one in each lane of the processor's vectors.

For a chunk of signatures at a time: read and check everything, decompress keys, invert all s together, then
`double_scalar`, and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numba
import numpy as np
from numba import types

from ..backend import Bytes2D
from ..signatures import Codes, Rules
from . import double_scalar, generator_table
from . import scalar_secp256k1 as scalars
from .cache import compiled
from .chunks import (
    CHUNK,
    CODE,
    OWN,
    PAIR_SIZE,
    RECORD,
    RESULT,
    SCALAR_SIZE,
    rows_of,
    take_verdicts,
    working_memory,
)
from .curve_secp256k1 import N
from .inputs_secp256k1 import (
    ecdsa_key,
    ecdsa_numbers,
    first_verdict,
    is_ratio,
    point_or_generator,
    right_side,
    with_parity,
)
from .inverse import inverse as inverted
from .inverse import of_modulus
from .lanes import bits, load, splat, staged, store, zeros
from .limb import Limb
from .powers_secp256k1 import SIZE, root_pair
from .rows import load_rows
from .tables_secp256k1 import fill_tables, put_digits, put_key, zero_words

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

# Rows of a group's record that are ours, for each half: r, s, the hash, and the product of all s before this one.
R, S, Z, BEFORE = (OWN + 2 * SCALAR_SIZE * place for place in range(4))

multiply = staged(scalars.multiply)


@staged
def scalar_of(number: Limb) -> list[Limb]:
    """A small number."""
    return [number, *[number.constant(0)] * (SCALAR_SIZE - 1)]


@staged
def reduced_words(x: Sequence[Limb]) -> list[Limb]:
    return scalars.words(scalars.reduced(x))


@staged
def modulus(like: Limb) -> list[Limb]:
    return of_modulus(N, like)


@staged
def of_inverse(words: Sequence[Limb]) -> list[Limb]:
    """2^520/x, which `multiply` takes for the inverse of x, from 1/x."""
    factor = [words[0].constant(digit) for digit in scalars.digits(pow(2, 780, N))]
    return scalars.multiply(scalars.of_words(words), factor)


@numba.njit
def read_keys(keys, rows, hybrid, memory, record, element):  # type: ignore[no-untyped-def]
    """The keys of a group, decompressed and checked; `rows` is a vector for each half, codes are there already."""
    x, y, compressed, bad = _read_key(keys, rows[0], hybrid, element)
    x_too, y_too, compressed_too, bad_too = _read_key(keys, rows[1], hybrid, element)
    right = right_side(x + x_too)
    if bits(compressed) | bits(compressed_too):
        root = root_pair(right)
        odd, odd_too = load_rows(element[:1], keys, rows[0], 0)[0], load_rows(element[:1], keys, rows[1], 0)[0]
        y = with_parity(root[:SIZE], odd, compressed, y)
        y_too = with_parity(root[SIZE:], odd_too, compressed_too, y_too)
    _put_key(x, y, right[:SIZE], bad, memory, record, 0, element)
    _put_key(x_too, y_too, right[SIZE:], bad_too, memory, record, 1, element)


@numba.njit
def _read_key(keys, rows, hybrid, element):  # type: ignore[no-untyped-def]
    (prefix,) = load_rows(element[:1], keys, rows, 0)
    return ecdsa_key(prefix, load_rows(zero_words(element[0]), keys, rows, 1), hybrid)


@numba.njit
def _put_key(x, y, right, bad, memory, record, half, element):  # type: ignore[no-untyped-def]
    (code,) = load(element[:1], memory, record + CODE + half)
    x, y, code = point_or_generator(x, y, right, bad, code)
    store((code,), memory, record + CODE + half)
    put_key(x, y, memory, record, half)


@numba.njit
def _multipliers(memory, groups, scalar):  # type: ignore[no-untyped-def]
    """u1 = z/s and u2 = r/s, with one inversion for all s (Montgomery's trick)."""
    one = scalar_of(splat(scalar, 1))
    product = one
    for group in range(groups):
        for half in range(2):
            row = RECORD * group + half * SCALAR_SIZE
            store(product, memory, row + BEFORE)
            product = multiply(product, load(scalar, memory, row + S))
    inverse = of_inverse(inverted(reduced_words(product), modulus(scalar[0])))
    for group in range(groups - 1, -1, -1):
        for half in range(1, -1, -1):
            row = RECORD * group + half * SCALAR_SIZE
            # 2^520/s is the inverse for `multiply`, and 2^260/s makes a product of it without a factor.
            reciprocal = multiply(multiply(inverse, load(scalar, memory, row + BEFORE)), one)
            inverse = multiply(inverse, load(scalar, memory, row + S))
            u1 = multiply(load(scalar, memory, row + Z), reciprocal)
            u2 = multiply(load(scalar, memory, row + R), reciprocal)
            put_digits(u1, u2, memory, RECORD * group, half)


@cache
def kernel(lanes: int) -> Callable[..., None]:
    """`kernel(keys, signatures, hashes, low_s, hybrid, generator, memory, verdicts)`."""

    def verify_ecdsa(  # type: ignore[no-untyped-def]
        keys, signatures, hashes, low_s, hybrid, generator, memory, verdicts
    ):
        pair, element, scalar = zeros(PAIR_SIZE, lanes), zeros(SIZE, lanes), zeros(SCALAR_SIZE, lanes)
        low_s_mask, hybrid_mask = splat(element, -np.int64(low_s)), splat(element, -np.int64(hybrid))
        count = len(keys)
        for first in range(0, count, CHUNK):
            groups = (min(CHUNK, count - first) + 2 * lanes - 1) // (2 * lanes)
            for group in range(groups):
                record = RECORD * group
                rows = rows_of(first, group, count, element, lanes)
                for half in range(2):
                    words = load_rows(zero_words(element[0]), signatures, rows[half], 0)
                    digest = load_rows(element[:4], hashes, rows[half], 0)
                    r, s, z, code = ecdsa_numbers(words, digest, low_s_mask)
                    place = record + half * SCALAR_SIZE
                    store(r, memory, place + R)
                    store(s, memory, place + S)
                    store(z, memory, place + Z)
                    store((code,), memory, record + CODE + half)
                read_keys(keys, rows, hybrid_mask, memory, record, element)
            _multipliers(memory, groups, scalar)
            fill_tables(memory, groups, generator, pair, element)
            double_scalar.run(memory, groups, pair, element)
            double_scalar.run_exceptional(memory, groups, generator, element)
            for group in range(groups):
                for half in range(2):
                    place = RECORD * group + RESULT + half * SIZE
                    x, z = load(element, memory, place), load(element, memory, place + 2 * PAIR_SIZE)
                    r = load(scalar, memory, RECORD * group + R + half * SCALAR_SIZE)
                    row = RECORD * group + CODE + half
                    (code,) = load(element[:1], memory, row)
                    store((first_verdict(code, is_ratio(x, z, r)),), memory, row)
            take_verdicts(memory, verdicts[first : first + CHUNK])

    rows = types.Array(types.uint8, 2, "C", readonly=True)
    words = types.Array(types.uint64, 2, "C")
    signature = types.void(rows, rows, rows, types.boolean, types.boolean, words, words, types.uint8[::1])
    return compiled(verify_ecdsa, signature, lanes)


def load_kernels(lanes: int) -> None:
    """Compiles what `verify` needs, or takes it from the cache."""
    kernel(lanes)
    generator_table.table()


def verify(keys: Bytes2D, signatures: Bytes2D, hashes: Bytes2D, rules: Rules, lanes: int) -> Codes:
    """A `Verdict` for each signature. Takes arrays as `SignatureBatch` has them, hashes of shape (n, 32).

    One thread works, without Python's lock; several may call at the same time.
    """
    verdicts = np.empty(len(keys), np.uint8)
    memory = working_memory(len(keys), lanes)
    table = generator_table.table()
    kernel(lanes)(keys, signatures, hashes, rules.low_s, rules.hybrid_keys, table, memory, verdicts)
    return verdicts
