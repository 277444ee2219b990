"""A job's header is the one that the pool means: a block of testnet, and arithmetic without rounding."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.kernels.backend import MAX_TARGET
from quorate.miner.stratum.jobs import DIFFICULTY_1, Extranonce, StratumWork, parse_notify, target_of
from quorate.miner.stratum.lines import Fault, FaultError
from quorate.miner.work import Solution

# The conversation with which the protocol was announced (slush's pool, 2012); its share was a block of testnet.
NOTIFY = [
    "bf",
    "4d16b6f85af6e2198f44ae2a6de67f78487ae5611b77c6c0440b921e00000000",
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff"
    "20020862062f503253482f04b8864e5008",
    "072f736c7573682f000000000100f2052a010000001976a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac00000000",
    [],
    "00000002",
    "1c2ac4af",
    "504e86b9",
    False,
]
EXTRANONCE = Extranonce(bytes.fromhex("08000002"), 4)
BLOCK = "000000002076870fe65a2b6eeed84fa892c0db924f1482243a6247d931dcab32"


def work_of(parameters: list[object], extranonce: Extranonce = EXTRANONCE) -> StratumWork:
    return parse_notify(parameters).work(
        extranonce, target_of(1), 0, replaces=False, name="0.0", connection=0, pool=0
    )


def test_the_announced_share_is_the_block_that_it_was() -> None:
    work = work_of(NOTIFY)
    solution = Solution(work, 1, 2, 0x504E86ED, 0xB2957C02, b"")
    digest = sha256(sha256(solution.header).digest()).digest()
    assert digest[::-1].hex() == BLOCK
    assert int.from_bytes(digest, "little") <= work.target
    assert (work.bits, work.time, work.time_last) == (0x1C2AC4AF, 0x504E86B9, 0x504E86B9 + 600)
    assert work.time <= solution.time <= work.time_last


def test_times_end_with_their_four_bytes() -> None:
    assert work_of([*NOTIFY[:7], "ffffff00", True]).time_last == 0xFFFFFFFF


@pytest.mark.parametrize("extranonce", [Extranonce(b"", 4), Extranonce(bytes(4), 3), Extranonce(bytes(4), 5)])
def test_an_extranonce_that_the_coinbase_has_no_room_for_is_refused(extranonce: Extranonce) -> None:
    with pytest.raises(FaultError) as caught:
        work_of(NOTIFY, extranonce)
    assert caught.value.fault is Fault.BAD_JOB


def test_a_payment_is_no_coinbase() -> None:
    spends_something = str(NOTIFY[2]).replace("00" * 32 + "ffffffff", "11" * 32 + "00000000")
    with pytest.raises(FaultError, match="no coinbase"):
        work_of([*NOTIFY[:2], spends_something, *NOTIFY[3:]])


@pytest.mark.parametrize(
    ("difficulty", "target"),
    [
        (1, 0xFFFF << 208),
        (2, 0xFFFF << 207),
        (Decimal("0.5"), 0xFFFF << 209),
        (Decimal("1e-05"), (0xFFFF << 208) * 100_000),
        (3, (0xFFFF << 208) // 3),
        (0xFFFF << 208, 1),
        (Decimal("2.33e-10"), int((0xFFFF << 208) / Fraction("2.33e-10"))),
    ],
)
def test_known_targets(difficulty: int | Decimal, target: int) -> None:
    assert target_of(difficulty) == target


@given(st.decimals(min_value=Decimal("2.4e-10"), max_value=Decimal("1e30"), allow_nan=False))
def test_a_target_is_the_last_that_is_no_easier_than_its_difficulty(difficulty: Decimal) -> None:
    target = target_of(difficulty)
    assert target * Fraction(difficulty) <= DIFFICULTY_1 < (target + 1) * Fraction(difficulty)


@pytest.mark.parametrize(
    "difficulty",
    [0, -1, True, None, "1", [], Decimal("0.0"), Decimal("-0.5"), Decimal("1e-999999999"), Decimal("1e999999999"),
     Decimal("2.3e-10"), (0xFFFF << 208) + 1, 10**400, Decimal("1e-15")],
)  # fmt: skip
def test_difficulties_of_no_hash_or_every_hash_are_refused(difficulty: object) -> None:
    with pytest.raises(FaultError) as caught:
        target_of(difficulty)
    assert caught.value.fault is Fault.BAD_DIFFICULTY


def test_the_easiest_target_there_is() -> None:
    easiest = Fraction(DIFFICULTY_1, MAX_TARGET)
    digits = Decimal(easiest.numerator) / Decimal(easiest.denominator)
    assert target_of(digits.next_plus()) <= MAX_TARGET
    with pytest.raises(FaultError):
        target_of(digits.next_minus().next_minus())
