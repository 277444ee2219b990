from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain.header import BlockHeader
from quorate.chain.params import network
from quorate.chain.pow import (
    bits_to_target,
    decode_compact,
    meets_target,
    permitted_transition,
    retarget,
    target_to_bits,
    work,
)
from quorate.kernels.backend import MAX_TARGET, UsageError

MAINNET = network("mainnet")
FORTNIGHT = 14 * 24 * 60 * 60


def period_boundaries(vectors: Path) -> dict[int, BlockHeader]:
    with (vectors / "headers" / "mainnet_period_boundaries.csv").open() as file:
        return {
            int(row["height"]): BlockHeader.parse(bytes.fromhex(row["header"])) for row in csv.DictReader(file)
        }


# Bitcoin Core, src/test/arith_uint256_tests.cpp, bignum_SetCompact: bits, magnitude, negative, and what
# encoding gives back where the number is not negative.
CORE_COMPACT = [
    (0x00000000, 0, False, 0),
    (0x00123456, 0, False, 0),
    (0x01003456, 0, False, 0),
    (0x02000056, 0, False, 0),
    (0x03000000, 0, False, 0),
    (0x04000000, 0, False, 0),
    (0x00923456, 0, False, 0),
    (0x01803456, 0, False, 0),
    (0x02800056, 0, False, 0),
    (0x03800000, 0, False, 0),
    (0x04800000, 0, False, 0),
    (0x01123456, 0x12, False, 0x01120000),
    (0x01FEDCBA, 0x7E, True, None),
    (0x02123456, 0x1234, False, 0x02123400),
    (0x03123456, 0x123456, False, 0x03123456),
    (0x04123456, 0x12345600, False, 0x04123456),
    (0x04923456, 0x12345600, True, None),
    (0x05009234, 0x92340000, False, 0x05009234),
    (0x20123456, 0x123456 << 232, False, 0x20123456),
    (0x1D00FFFF, 0xFFFF << 208, False, 0x1D00FFFF),
]


@pytest.mark.parametrize(("bits", "magnitude", "negative", "encoded"), CORE_COMPACT)
def test_compact_as_bitcoin_core_has_it(bits: int, magnitude: int, negative: bool, encoded: int | None) -> None:
    assert decode_compact(bits) == (magnitude, negative, False)
    if encoded is not None:
        assert target_to_bits(magnitude) == encoded


@pytest.mark.parametrize(
    ("bits", "overflow"),
    [
        (0xFF123456, True),
        (0x21010000, True),
        (0x2100FFFF, False),
        (0x22000100, True),
        (0x220000FF, False),
        (0x23000001, True),
        (0xFF000000, False),
    ],
)
def test_what_exceeds_256_bits(bits: int, overflow: bool) -> None:
    assert decode_compact(bits).overflow is overflow


@given(st.integers(0, 0xFFFFFFFF))
def test_overflow_as_bitcoin_core_words_it(bits: int) -> None:
    """SetCompact decides by the exponent and the mantissa, we by the number."""
    size, word = bits >> 24, bits & 0x7FFFFF
    stated = word != 0 and (size > 34 or (word > 0xFF and size > 33) or (word > 0xFFFF and size > 32))
    assert decode_compact(bits).overflow is stated


def test_encoding_never_sets_the_sign() -> None:
    assert target_to_bits(0x80) == 0x02008000


@given(st.integers(0, 256).flatmap(lambda size: st.integers(0, (1 << size) - 1)))
def test_encoding_rounds_down_by_less_than_one_part_in_2_to_the_15(target: int) -> None:
    magnitude, negative, overflow = decode_compact(target_to_bits(target))
    assert not negative
    assert not overflow
    assert magnitude <= target
    assert (target - magnitude) << 15 <= target


@given(st.integers(1, 32), st.integers(0x008000, 0x7FFFFF))
def test_normal_bits_come_back(size: int, mantissa: int) -> None:
    mantissa &= 0xFFFFFF << 8 * max(0, 3 - size)
    bits = size << 24 | mantissa
    if mantissa >= 0x8000:
        assert target_to_bits(decode_compact(bits).magnitude) == bits


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (0x04923456, "negative"),
        (0x01003456, "zero"),
        (0xFF123456, "more than 256 bits"),
        (0x1D010000, "easier than the network's limit 0x1d00ffff"),
    ],
)
def test_bits_that_are_no_target(bits: int, message: str) -> None:
    with pytest.raises(UsageError, match=f"{bits:#010x} is .*{message}"):
        bits_to_target(bits, MAINNET.pow_limit)


def test_the_limit_itself_is_a_target() -> None:
    assert bits_to_target(0x1D00FFFF, 0xFFFF << 208) == 0xFFFF << 208
    assert bits_to_target(0x1D010000) == 1 << 224


def test_a_digest_equal_to_the_target_meets_it() -> None:
    target = 0xFFFF << 208
    assert meets_target(target.to_bytes(32, "little"), target)
    assert meets_target(bytes(32), target)
    assert not meets_target((target + 1).to_bytes(32, "little"), target)
    assert not meets_target(bytes(31) + b"\x01", target)


def test_work() -> None:
    assert work(0xFFFF << 208) == 0x100010001
    assert work(0) == 1 << 256
    assert work(1) == 1 << 255
    assert work(MAX_TARGET) == 1
    assert work(MAX_TARGET - 1) == 1


# Bitcoin Core, src/test/pow_tests.cpp: first time, last time, bits, and what follows.
@pytest.mark.parametrize(
    ("first", "last", "bits", "expected"),
    [
        (1261130161, 1262152739, 0x1D00FFFF, 0x1D00D86A),
        (1231006505, 1233061996, 0x1D00FFFF, 0x1D00FFFF),
        (1279008237, 1279297671, 0x1C05A3F4, 0x1C0168FD),
        (1263163443, 1269211443, 0x1C387F6F, 0x1D00E1FD),
    ],
    ids=["mainnet's first change", "pow limit", "lower clamp", "upper clamp"],
)
def test_retargets_of_bitcoin_core(first: int, last: int, bits: int, expected: int) -> None:
    assert retarget(MAINNET, bits, last - first) == expected


def test_the_timespan_is_clamped_to_a_factor_of_four() -> None:
    bits, target = 0x1B0404CB, 0x0404CB << 192
    quarter = retarget(MAINNET, bits, FORTNIGHT // 4)
    assert quarter == target_to_bits(target // 4)
    assert retarget(MAINNET, bits, FORTNIGHT // 4 - 1) == quarter
    assert retarget(MAINNET, bits, -1_000_000) == quarter
    assert retarget(MAINNET, bits, FORTNIGHT // 4 + 60) != quarter
    fourfold = retarget(MAINNET, bits, FORTNIGHT * 4)
    assert fourfold == target_to_bits(target * 4)
    assert retarget(MAINNET, bits, FORTNIGHT * 400) == fourfold
    assert retarget(MAINNET, bits, FORTNIGHT) == bits


def test_permitted_transition() -> None:
    old, target = 0x1B0404CB, 0x0404CB << 192
    hardest, easiest = target_to_bits(target // 4), target_to_bits(target * 4)
    for bits in (hardest, old, easiest):
        assert permitted_transition(MAINNET, 2016, old, bits)
    for bits in (hardest - 1, easiest + 1):
        assert not permitted_transition(MAINNET, 2016, old, bits)
        assert permitted_transition(network("testnet3"), 2016, old, bits)
    assert permitted_transition(MAINNET, 2017, old, old)
    assert not permitted_transition(MAINNET, 2017, old, old + 1)
    assert not permitted_transition(MAINNET, 2015, old, hardest)


def test_permitted_transition_stops_at_the_limit() -> None:
    assert permitted_transition(MAINNET, 2016, 0x1D00FFFF, 0x1D00FFFF)
    assert not permitted_transition(MAINNET, 2016, 0x1D00FFFF, 0x1D010000)


def test_every_retarget_of_mainnet_to_height_832608(vectors: Path) -> None:
    headers = period_boundaries(vectors)
    retargets = [height for height in headers if height and height % 2016 == 0]
    assert len(retargets) == 413
    for height in retargets:
        first, last, new = headers[height - 2016], headers[height - 1], headers[height]
        assert new.prev_hash == last.hash()
        assert retarget(MAINNET, last.bits, last.time - first.time) == new.bits
        assert permitted_transition(MAINNET, height, last.bits, new.bits)
        for header in (last, new):
            assert int.from_bytes(header.hash(), "little") <= bits_to_target(header.bits, MAINNET.pow_limit)


def test_work_adds_up_to_mainnets_chainwork(vectors: Path) -> None:
    headers = period_boundaries(vectors)
    with (vectors / "headers" / "mainnet_chainwork.csv").open() as file:
        published = {int(row["height"]): int(row["chainwork"], 16) for row in csv.DictReader(file)}
    assert len(published) == 827
    total, below = 0, -1
    for height, chainwork in published.items():
        total += (height - below) * work(bits_to_target(headers[height].bits))
        assert total == chainwork
        below = height
