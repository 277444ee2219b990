from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.header import BlockHeader, display_hash
from quorate.kernels.backend import UsageError

# Mainnet's header at height 170, the first with a payment, and its hash as explorers show it.
HEADER_170 = bytes.fromhex(
    "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb"
    "05421ab93e63f8c3ce5c2c2e9dbb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70"
)
HASH_170 = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"


def test_a_real_header() -> None:
    header = BlockHeader.parse(HEADER_170)
    assert header.version == 1
    assert display_hash(header.prev_hash) == "000000002a22cfee1f2c846adbd12b3e183d4f97683f85dad08a79780a84bd55"
    assert display_hash(header.merkle_root) == "7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff"
    assert (header.time, header.bits, header.nonce) == (1231731025, 0x1D00FFFF, 1889418792)
    assert display_hash(header.hash()) == HASH_170
    assert header.hash() == bytes.fromhex(HASH_170)[::-1]


@given(st.binary(min_size=80, max_size=80))
def test_every_80_bytes_are_a_header_and_come_back(data: bytes) -> None:
    assert BlockHeader.parse(data).serialise() == data


def test_the_version_is_signed() -> None:
    assert BlockHeader.parse(b"\xff\xff\xff\xff" + bytes(76)).version == -1


@pytest.mark.parametrize("length", [0, 79, 81, 160])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(UsageError, match=f"80 bytes, not {length}"):
        BlockHeader.parse(bytes(length))
