"""Verification is measured beside a library that does the same, and everything measured is right."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.kernels.backend import DeviceError, UsageError
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, Rules, Scheme, SignatureBatch, Verdict
from quorate.miner.bench_signatures import WORKS, bench_signatures
from quorate.miner.peers import find_peer
from quorate.miner.signing import Signed, sign


class Watched(ReferenceBackend):
    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[int, str, int]] = set()

    def verify(self, batch: SignatureBatch) -> Codes:
        self.asked.add((batch.schemes[0], batch.rules.ed25519, len(batch)))
        return np.zeros(len(batch), np.uint8)


@pytest.fixture(scope="module")
def signed() -> dict[str, Signed]:
    return sign(4)


def test_what_is_signed_is_valid_and_different(signed: dict[str, Signed]) -> None:
    assert set(signed) == {work.signed for work in WORKS.values()}
    for its in signed.values():
        assert (ReferenceBackend().verify(its.batch(4, Rules(low_s=True))) == Verdict.VALID).all()
        assert len(set(its.signatures)) == len(set(its.keys)) == len(set(its.messages)) == 4


def test_peers_tell_good_from_bad(signed: dict[str, Signed]) -> None:
    for its in signed.values():
        if its.scheme != Scheme.ED25519:
            pytest.importorskip("coincurve", reason="libsecp256k1 is not installed, the peer for secp256k1")
        _, check = find_peer(its)
        assert all(map(check, range(4)))
        spoiled = Signed(its.scheme, its.keys, its.signatures, [its.messages[1], *its.messages[1:]])
        _, check = find_peer(spoiled)
        assert [bool(check(at)) for at in range(4)] == [False, True, True, True]


def test_every_scheme_in_every_size_with_its_peer() -> None:
    watched = Watched()
    result = bench_signatures([watched], sizes=[2, 300], rounds=1)
    assert result.measured.left == 0
    rows = {(s.work, s.size, s.rates.device.name): s for s in result.speeds if s.peer is not s.rates}
    assert set(rows) == {(work, size, "reference") for work in WORKS for size in (2, 300)}
    assert {size for *_, size in watched.asked} == {1, 2, 300}
    assert {rule for scheme, rule, _ in watched.asked if scheme == Scheme.ED25519} == {"rfc8032", "zip215"}
    for speed in result.speeds:
        assert len(speed.rates.samples) == 1
        if WORKS[speed.work].signed == "ed25519":
            assert speed.peer is not None
            assert speed.peer.device.name in ("ed25519-zebra", "OpenSSL")
        elif speed.peer is not None:
            # a library verifies between a thousand and a million in a second on any machine
            assert 1e3 < speed.peer.median < 1e6


def test_a_scheme_that_a_device_does_not_verify_is_left_out_with_the_reason() -> None:
    class OneCurve(Watched):
        def verify(self, batch: SignatureBatch) -> Codes:
            if batch.schemes[0] == Scheme.ED25519:
                raise UsageError("no Ed25519 here")
            return super().verify(batch)

    result = bench_signatures([OneCurve()], sizes=[2], rounds=1)
    assert result.measured.unavailable["ed25519-zip215"] == {"reference": "no Ed25519 here"}
    measured = {speed.work for speed in result.speeds if speed.rates.device.name == "reference"}
    assert measured == {"ecdsa", "ecdsa-uncompressed", "schnorr"}


def test_the_speed_of_a_wrong_answer_means_nothing() -> None:
    class Wrong(Watched):
        def verify(self, batch: SignatureBatch) -> Codes:
            return np.where(np.arange(len(batch)) == 1, np.uint8(Verdict.EQUATION), np.uint8(0))

    with pytest.raises(DeviceError, match="reference calls a good signature bad"):
        bench_signatures([Wrong()], sizes=[2], rounds=1)
