"""What is the reference's own; that its verdicts are right is in `test_verify_conformance.py`."""

from __future__ import annotations

import random

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from quorate.kernels.backend import DeviceError
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Rules, Scheme

from . import signature_cases

GOOD = signature_cases.batch([signature_cases.good(Scheme.ECDSA, random.Random(1))], Rules())


def test_an_openssl_without_the_curve_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some distributions leave curves out of their OpenSSL; none such is at hand, so what it raises is raised."""

    def absent(*_: object) -> None:
        raise UnsupportedAlgorithm("Curve secp256k1 is not supported")

    monkeypatch.setattr(ec.EllipticCurvePublicKey, "from_encoded_point", absent)
    with pytest.raises(DeviceError, match="without a curve.*secp256k1 is not supported.*pip install"):
        ReferenceBackend().verify(GOOD)


def test_what_it_does_not_expect_is_not_taken_for_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("internal error")

    monkeypatch.setattr(ec, "ECDSA", broken)
    with pytest.raises(RuntimeError, match="internal error"):
        ReferenceBackend().verify(GOOD)


def test_both_libraries_are_named() -> None:
    driver = ReferenceBackend().device.driver
    assert driver.count("OpenSSL") == 2
