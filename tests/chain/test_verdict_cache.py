from __future__ import annotations

from quorate.chain.script.checker import Check, CheckKind
from quorate.chain.verdict_cache import VerdictCache


def check(number: int) -> Check:
    return Check(CheckKind.ECDSA, b"\2" + number.to_bytes(32), b"signature", bytes(32))


def test_it_knows_what_it_was_told() -> None:
    cache = VerdictCache()
    cache.add(check(1))
    assert check(1) in cache
    assert check(2) not in cache
    assert check(1)._replace(kind=CheckKind.SCHNORR) not in cache
    assert check(1)._replace(message=b"\1" * 32) not in cache


def test_bytes_cannot_move_from_one_field_to_the_next() -> None:
    cache = VerdictCache()
    one = check(1)
    cache.add(one)
    moved = one._replace(key=one.key + one.message[:1], message=one.message[1:] + one.signature[:1])
    assert moved._replace(signature=one.signature[1:]) not in cache


def test_the_oldest_makes_room() -> None:
    cache = VerdictCache(capacity=3)
    for number in (1, 2, 3, 3, 4):
        cache.add(check(number))
    assert len(cache) == 3
    assert [check(number) in cache for number in (1, 2, 3, 4)] == [False, True, True, True]


def test_names_differ_from_cache_to_cache() -> None:
    """Else somebody could look for two checks with one name at leisure."""
    one, other = VerdictCache(), VerdictCache()
    one.add(check(1))
    other.add(check(1))
    assert vars(one)["_known"].keys() != vars(other)["_known"].keys()
