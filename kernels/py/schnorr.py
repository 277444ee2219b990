"""BIP 340 signatures verified in batches, in the lanes of the processor's vectors.

For a chunk of signatures at a time: read and check everything, find the y of the keys, then `double_scalar`, and
one inversion for all results, of which x and the parity of y are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from ..backend import Bytes2D
from ..signatures import Codes
from . import challenge, double_scalar, generator_table
from .cache import compiled
from .chunks import (
    CHUNK,
    CODE,
    OWN,
    PAIR_SIZE,
    PRODUCTS,
    RECORD,
    RESULT,
    SCALAR_SIZE,
    rows_of,
    take_verdicts,
    working_memory,
)
from .inputs_secp256k1 import (
    first_verdict,
    is_even_with,
    point_or_generator,
    right_side,
    schnorr_key,
    schnorr_numbers,
    with_parity,
)
from .lanes import load, splat, store, zeros
from .powers_secp256k1 import SIZE, inverse_pair, multiply_pair, root_pair
from .rows import load_rows
from .tables_secp256k1 import fill_tables, is_zero, one_where, pair_of, put_digits, put_key, zero_words

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

R = OWN
"""Rows of a group's record with r, in limbs of 52 bits, of each half."""


@numba.njit
def _read_numbers(signatures, hashes, rows, memory, record, half, element):  # type: ignore[no-untyped-def]
    words = load_rows(zero_words(element[0]), signatures, rows, 0)
    r, s, minus_e, code = schnorr_numbers(words, load_rows(element[:4], hashes, rows, 0))
    put_digits(s, minus_e, memory, record, half)
    store(r, memory, record + R + half * SCALAR_SIZE)
    store(code, memory, record + CODE + half)


@numba.njit
def _read_keys(keys, rows, memory, record, element):  # type: ignore[no-untyped-def]
    """The points with an even y (BIP 340, `lift_x`)."""
    x, bad = schnorr_key(load_rows(element[:4], keys, rows[0], 0))
    x_too, bad_too = schnorr_key(load_rows(element[:4], keys, rows[1], 0))
    right = right_side(x + x_too)
    root = root_pair(right)
    _put_key(x, root[:SIZE], right[:SIZE], bad, memory, record, 0, element)
    _put_key(x_too, root[SIZE:], right[SIZE:], bad_too, memory, record, 1, element)


@numba.njit
def _put_key(x, root, right, bad, memory, record, half, element):  # type: ignore[no-untyped-def]
    (code,) = load(element[:1], memory, record + CODE + half)
    y = with_parity(root, splat(element, 0), splat(element, -1), root)
    x, y, code = point_or_generator(x, y, right, bad, code)
    store((code,), memory, record + CODE + half)
    put_key(x, y, memory, record, half)


@numba.njit
def _compare(memory, groups, pair, element, scalar):  # type: ignore[no-untyped-def]
    """The results in affine coordinates; the inverse of each Z is that of the product of all, times the others."""
    product = pair_of(splat(element, 1))
    for group in range(groups):
        record = RECORD * group
        store(product, memory, record + PRODUCTS)
        product = multiply_pair(product, _nonzero(memory, record, element))
    inverse = inverse_pair(product)
    for group in range(groups - 1, -1, -1):
        record = RECORD * group
        inverses = multiply_pair(inverse, load(pair, memory, record + PRODUCTS))
        inverse = multiply_pair(inverse, _nonzero(memory, record, element))
        store(inverses, memory, record + PRODUCTS)
        for half in range(2):
            place = record + RESULT + half * SIZE
            x, y = load(element, memory, place), load(element, memory, place + PAIR_SIZE)
            r = load(scalar, memory, record + R + half * SCALAR_SIZE)
            good = is_even_with(x, y, load(element, memory, record + PRODUCTS + half * SIZE), r)
            (code,) = load(element[:1], memory, record + CODE + half)
            store((first_verdict(code, good),), memory, record + CODE + half)


@numba.njit
def _nonzero(memory, record, element):  # type: ignore[no-untyped-def]
    """The Z of a group, with 1 for infinity, whose X and Y of 0 fit no signature."""
    one = load(element, memory, record + RESULT + 2 * PAIR_SIZE)
    other = load(element, memory, record + RESULT + 2 * PAIR_SIZE + SIZE)
    return one_where(is_zero(one), one) + one_where(is_zero(other), other)


@cache
def kernel(lanes: int) -> Callable[..., None]:
    """`kernel(keys, signatures, challenges, generator, memory, verdicts)`."""

    def verify_schnorr(  # type: ignore[no-untyped-def]
        keys, signatures, challenges, generator, memory, verdicts
    ):
        pair, element, scalar = zeros(PAIR_SIZE, lanes), zeros(SIZE, lanes), zeros(SCALAR_SIZE, lanes)
        count = len(keys)
        for first in range(0, count, CHUNK):
            groups = (min(CHUNK, count - first) + 2 * lanes - 1) // (2 * lanes)
            for group in range(groups):
                rows = rows_of(first, group, count, element, lanes)
                for half in range(2):
                    _read_numbers(signatures, challenges, rows[half], memory, RECORD * group, half, element)
                _read_keys(keys, rows, memory, RECORD * group, element)
            fill_tables(memory, groups, generator, pair, element)
            double_scalar.run(memory, groups, pair, element)
            double_scalar.run_exceptional(memory, groups, generator, element)
            _compare(memory, groups, pair, element, scalar)
            take_verdicts(memory, verdicts[first : first + CHUNK])

    rows = types.Array(types.uint8, 2, "C", readonly=True)
    words = types.Array(types.uint64, 2, "C")
    return compiled(verify_schnorr, types.void(rows, rows, rows, words, words, types.uint8[::1]), lanes)


def load_kernels(lanes: int) -> None:
    """Compiles what `verify` needs, or takes it from the cache."""
    kernel(lanes)
    challenge.kernel()
    generator_table.table()


def verify(
    keys: Bytes2D,
    signatures: Bytes2D,
    messages: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    lanes: int,
) -> Codes:
    """A `Verdict` for each signature. Takes arrays as `SignatureBatch` has them.

    One thread works, without Python's lock; several may call at the same time.
    """
    verdicts = np.empty(len(keys), np.uint8)
    hashes = challenge.challenges(signatures, keys, messages, offsets)
    memory = working_memory(len(keys), lanes)
    kernel(lanes)(keys, signatures, hashes, generator_table.table(), memory, verdicts)
    return verdicts
