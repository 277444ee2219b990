from __future__ import annotations

import random

import pytest

from quorate.chain.batch import decide
from quorate.chain.script.checker import Check, CheckKind
from quorate.chain.script.taproot import tweak_hash
from quorate.kernels.reference import ReferenceBackend

from .curve import G, N, P, Point, add, der, ecdsa, lift_x, multiply, public_key, schnorr

DIGEST = bytes(range(32))


def commitment(internal: bytes, tweak: int, output: Point, parity_flip: int = 0) -> Check:
    assert output
    key = bytes((2 + (output[1] & 1 ^ parity_flip),)) + output[0].to_bytes(32)
    return Check(CheckKind.COMMITMENT, key, internal, tweak.to_bytes(32))


def on_curve_from(x: int) -> int:
    """The first x from there that a point has."""
    while lift_x(x) is None:
        x += 1
    return x


# Keys whose x is more than the order, the order itself, or so small that order and x stay below the field's prime,
# are compared modulo the order and so deserve a test of their own.
SPECIAL = {"order": N, "above the order": on_curve_from(N + 1), "small": on_curve_from(1)}


@pytest.mark.parametrize("x", [*SPECIAL.values(), *[on_curve_from(3**150 + i * 7**80) for i in range(3)]])
def test_commitments_hold_with_one_tweak_and_one_parity(x: int) -> None:
    internal = x.to_bytes(32)
    tweak = int.from_bytes(tweak_hash(internal, DIGEST))
    output = add(lift_x(x), multiply(tweak, G))
    wrong_sign = add(multiply(N - 1, lift_x(x)), multiply(tweak, G))
    checks = {
        commitment(internal, tweak, output): True,
        commitment(internal, tweak, output, parity_flip=1): False,
        commitment(internal, tweak + 1, output): False,
        commitment(internal, N - tweak, output): False,
        commitment(internal, N - tweak, output, parity_flip=1): False,
        commitment(internal, tweak, wrong_sign): False,
        commitment(internal, tweak, wrong_sign, parity_flip=1): False,
        commitment(internal, tweak, lift_x(x)): False,
        commitment(internal, tweak, multiply(tweak, G)): False,
    }
    assert decide(list(checks), ReferenceBackend()) == checks


def test_the_order_is_an_x() -> None:
    """Why the case has to be thought of at all."""
    assert lift_x(N) is not None


def test_a_tweak_of_the_order_or_more_is_refused() -> None:
    internal = on_curve_from(7).to_bytes(32)
    output = add(lift_x(int.from_bytes(internal)), multiply(5, G))
    good, large = commitment(internal, 5, output), commitment(internal, N + 5, output)
    assert decide([good, large], ReferenceBackend()) == {good: True, large: False}


def test_keys_that_are_no_points_commit_to_nothing() -> None:
    no_point = next(x for x in range(2, 100) if lift_x(x) is None)
    output = multiply(5, G)
    assert output
    checks = [
        commitment(no_point.to_bytes(32), 5, output),
        commitment(P.to_bytes(32), 5, output),
        Check(CheckKind.COMMITMENT, b"\2" + no_point.to_bytes(32), output[0].to_bytes(32), (5).to_bytes(32)),
        Check(CheckKind.COMMITMENT, b"\3" + (P + 1).to_bytes(32), output[0].to_bytes(32), (5).to_bytes(32)),
    ]
    assert not any(decide(checks, ReferenceBackend()).values())


def test_kinds_may_be_mixed_in_any_order() -> None:
    """Verdicts stay with their checks, and encodings of every laxness with their signatures."""
    ecdsa_key, schnorr_key = public_key(11), public_key(12)[1:]
    strict = ecdsa(11, DIGEST)
    r, s = int.from_bytes(strict[4 : 4 + strict[3]]), int.from_bytes(strict[6 + strict[3] :])
    point = multiply(11, G)
    assert point
    hybrid = bytes((6 + (point[1] & 1),)) + point[0].to_bytes(32) + point[1].to_bytes(32)
    padded = b"\x30\x81\x00" + strict[2:] + b"left over"
    internal = on_curve_from(7).to_bytes(32)
    output = add(lift_x(int.from_bytes(internal)), multiply(5, G))
    checks = {
        Check(CheckKind.SCHNORR, schnorr_key, schnorr(12, DIGEST), DIGEST): True,
        Check(CheckKind.ECDSA, ecdsa_key, strict, DIGEST): True,
        commitment(internal, 5, output): True,
        Check(CheckKind.ECDSA, ecdsa_key, strict, bytes(32)): False,
        Check(CheckKind.ECDSA, hybrid, strict, DIGEST): True,
        Check(CheckKind.ECDSA, bytes((hybrid[0] ^ 1,)) + hybrid[1:], strict, DIGEST): False,
        Check(CheckKind.SCHNORR, schnorr_key, schnorr(12, DIGEST), bytes(32)): False,
        Check(CheckKind.ECDSA, ecdsa_key, der(r, N - s), DIGEST): True,
        Check(CheckKind.ECDSA, ecdsa_key, padded, DIGEST): True,
        Check(CheckKind.ECDSA, ecdsa_key, b"", DIGEST): False,
        Check(CheckKind.ECDSA, ecdsa_key, b"\x30\x06\x02\x01\x00\x02\x01\x00", DIGEST): False,
        commitment(internal, 6, output): False,
    }
    for seed in range(5):
        order = random.Random(seed).sample(list(checks), len(checks))
        assert decide(order, ReferenceBackend()) == checks


def test_nothing_to_decide() -> None:
    assert decide([], ReferenceBackend()) == {}
