"""Hashes in lanes are those of hashlib, for messages of all lengths."""

from __future__ import annotations

import random
from hashlib import sha256

import numpy as np
import pytest

from quorate.chain.fast import ripemd160
from quorate.chain.fast.hashes import merkle_root
from quorate.chain.fast.messages import Messages, hashes_of_digests, put, put_number, put_size, seal
from quorate.chain.hashes import ripemd160 as ripemd160_of_bytes
from quorate.chain.merkle import merkle_root as merkle_root_of_bytes
from quorate.chain.serialise import compact_size


def rows(data: bytes, words: int) -> np.ndarray:
    return np.frombuffer(data, np.uint32).reshape(-1, words).copy()


def test_messages_of_all_lengths() -> None:
    rng = random.Random(1)
    texts = [rng.randbytes(size) for size in [*range(200), 1000, 100_000]]
    rng.shuffle(texts)
    messages = Messages.room(len(texts), sum(map(len, texts)))
    at = 0
    for number, text in enumerate(texts):
        begin = at
        at = put(messages.text, at, np.frombuffer(text, np.uint8), 0, len(text))
        at = seal(messages.text, begin, at, messages.first, messages.blocks, number)
    assert at <= len(messages.text)
    found = messages.hashes(len(texts))
    assert [row.tobytes() for row in found] == [sha256(text).digest() for text in texts]
    assert len(messages.hashes(0)) == 0


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 100])
def test_digests(count: int) -> None:
    data = random.Random(count).randbytes(64 * count)
    parts = [data[at : at + 32] for at in range(0, len(data), 32)]
    pairs = [data[at : at + 64] for at in range(0, len(data), 64)]
    assert [row.tobytes() for row in hashes_of_digests(rows(data, 8))] == [sha256(x).digest() for x in parts]
    assert [row.tobytes() for row in hashes_of_digests(rows(data, 16))] == [sha256(x).digest() for x in pairs]
    assert [row.tobytes() for row in ripemd160.hashes(rows(data, 8))] == [*map(ripemd160_of_bytes, parts)]


@pytest.mark.parametrize("count", range(1, 20))
def test_merkle_roots_and_mutations(count: int) -> None:
    rng = random.Random(count)
    leaves = [rng.randbytes(32) for _ in range(count)]
    for changed in (leaves, [*leaves, leaves[-1]], leaves + leaves[-2:], [*leaves[:2], *leaves[:2], *leaves]):
        assert merkle_root(rows(b"".join(changed), 8)) == merkle_root_of_bytes(changed)


@pytest.mark.parametrize("size", [0, 252, 253, 65535, 65536, 1 << 24])
def test_sizes(size: int) -> None:
    text = np.zeros(16, np.uint8)
    end = put_size(text, 3, size)
    assert text[3:end].tobytes() == compact_size(size)
    end = put_number(text, 1, size, 8)
    assert text[1:end].tobytes() == size.to_bytes(8, "little")
