"""SHA-256 over words against hashlib."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest

from quorate.kernels.py.sha256 import sha256
from quorate.kernels.py.word import INTEGERS, Program, constant, uniforms, varyings


@pytest.mark.parametrize("words", [0, 1, 8, 13, 14, 15, 16, 17, 20, 29, 30, 32, 100])
def test_messages_around_the_ends_of_blocks(words: int) -> None:
    message = random.Random(words).randbytes(4 * words)
    digest = sha256([constant(word) for (word,) in struct.iter_unpack(">I", message)])
    assert b"".join(word.number.to_bytes(4, "big") for word in digest) == hashlib.sha256(message).digest()


@pytest.mark.parametrize("varying", [0, 1, 3, 19, 20])
def test_any_mixture_of_binding_times(varying: int) -> None:
    """Twenty words, of which the last few vary and the others are fixed by a job."""
    message = random.Random(varying).randbytes(80)
    words = struct.unpack(">20I", message)
    program = Program(sha256([*uniforms(20 - varying), *varyings(varying)]))
    slots = program.slots(words[: 20 - varying])
    digest = program.run(INTEGERS, words[20 - varying :], slots.__getitem__)
    assert struct.pack(">8I", *digest) == hashlib.sha256(message).digest()
