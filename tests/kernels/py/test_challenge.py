"""BIP 340's challenges in lanes, against hashlib."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest

from quorate.kernels.py.challenge import challenges


def check(messages: list[bytes], seed: int) -> None:
    rng = random.Random(seed)
    n = len(messages)
    signatures = np.frombuffer(rng.randbytes(64 * n), np.uint8).reshape(n, 64)
    keys = np.frombuffer(rng.randbytes(65 * n), np.uint8).reshape(n, 65)
    offsets = np.cumsum([0, *map(len, messages)], dtype=np.int64)
    digests = challenges(signatures, keys, np.frombuffer(b"".join(messages), np.uint8), offsets)
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    assert digests.shape == (n, 32)
    for row, message in enumerate(messages):
        parts = tag, tag, signatures[row, :32].tobytes(), keys[row, :32].tobytes(), message
        assert digests[row].tobytes() == hashlib.sha256(b"".join(parts)).digest(), len(message)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 100])
def test_any_number_of_signatures(count: int) -> None:
    check([random.Random(i).randbytes(32) for i in range(count)], count)


def test_messages_of_every_length_side_by_side() -> None:
    check([random.Random(size).randbytes(size) for size in range(300)], 1)


def test_a_long_message_beside_an_empty_one() -> None:
    check([b"x" * 100_000, b"", b"y" * 55, b"z" * 56], 2)
