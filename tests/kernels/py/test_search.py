"""The programs against hashlib, how little of SHA-256 they leave to a device, and how targets are compared."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.kernels.backend import Bytes2D
from quorate.kernels.py import search
from quorate.kernels.py.word import INTEGERS

from .. import oracle
from .test_word import Counting


@pytest.mark.parametrize("seed", range(5))
def test_programs_over_integers(seed: int) -> None:
    header, nonce = oracle.random_header(seed), random.Random(seed).randrange(2**32)
    digest = struct.unpack("<8I", oracle.digest(header, nonce))

    slots = search.slots(search.scan_program(), header)
    assert search.scan_program().run(INTEGERS, [nonce], lambda i: int(slots[i])) == [digest[7]]
    slots = search.slots(search.digest_program(), header)
    assert search.digest_program().run(INTEGERS, [nonce], lambda i: int(slots[i])) == list(digest)
    words = struct.unpack("<20I", header[:76] + nonce.to_bytes(4, "little"))
    assert search.header_program().run(INTEGERS, words) == list(digest)


def test_the_scan_emits_the_rotations_that_depend_on_the_nonce_and_no_others() -> None:
    """Counted by hand on the standard's equations; the nonce is W[3] of the header's second block.

    First hash: Sigma0 and Sigma1 vary in rounds 4 to 63. W[18] is the first scheduled word that varies, so
    sigma0 is emitted for W[3] and W[18] to W[48], sigma1 for W[18] to W[61].
    Second hash: its first eight words vary, its state does from round 1 on. The top word is e after round 60,
    which needs Sigma1 of rounds 1 to 60, Sigma0 of rounds 1 to 56, and W up to W[60]: sigma0 of W[1] to W[7]
    and of W[16] to W[45], sigma1 of W[16] to W[58].
    """
    target = Counting()
    search.scan_program().run(target, [None], lambda _: None)
    first = 3 * (60 + 60) + 2 * (1 + 31) + 2 * 44
    second = 3 * (60 + 56) + 2 * (7 + 30) + 2 * 43
    assert target.operations["rotate"] == first + second
    assert target.operations["swap"] == 2


def test_slots_do_not_depend_on_the_nonce_and_cannot_be_spoilt() -> None:
    header = oracle.random_header(1)
    slots = search.slots(search.scan_program(), header)
    assert np.array_equal(slots, search.slots(search.scan_program(), header[:76] + bytes(4)))
    with pytest.raises(ValueError, match="read-only"):
        slots[0] = 0


numbers = st.integers(0, oracle.MAX_TARGET)
near = st.integers(-3, 3)
bits = st.integers(0, 255)


@settings(deadline=None)
@given(st.lists(numbers, max_size=5), numbers, near, bits)
def test_digests_and_targets_compare_as_numbers(values: list[int], value: int, difference: int, bit: int) -> None:
    values = [*values, value, value ^ 1 << bit]
    target = min(max(value + difference, 0), oracle.MAX_TARGET)
    digests = np.frombuffer(b"".join(v.to_bytes(32, "little") for v in values), np.uint8).reshape(-1, 32)
    assert search.at_most(digests, target).tolist() == [v <= target for v in values]


def test_no_digest_is_at_most_anything() -> None:
    assert search.at_most(np.zeros((0, 32), np.uint8), 5).tolist() == []


def test_candidates_are_confirmed_by_their_whole_digest() -> None:
    header = oracle.random_header(8)
    nonces = np.array([5, 6, 1000, 2**32 - 1], np.uint32)
    target = oracle.value(header, 1000)

    def hash_headers(headers: Bytes2D) -> Bytes2D:
        digests = [oracle.digest(h.tobytes(), int.from_bytes(h[76:].tobytes(), "little")) for h in headers]
        return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)

    confirmed = search.confirm(hash_headers, header, nonces, target).tolist()
    assert confirmed == [n for n in nonces.tolist() if oracle.value(header, n) <= target]
    assert 1000 in confirmed
    assert 1000 not in search.confirm(hash_headers, header, nonces, target - 1).tolist()
