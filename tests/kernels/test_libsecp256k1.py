"""What is libsecp256k1's own; that its verdicts are right is in `test_verify_conformance.py`."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from quorate.kernels import catalog, libsecp256k1
from quorate.kernels.backend import Backend, UsageError
from quorate.kernels.signatures import Rules, Scheme, Verdict

from . import signature_cases, signature_oracle, signing

[DEVICE] = libsecp256k1.find()

here = pytest.mark.skipif(not DEVICE.available, reason=DEVICE.reason)


@pytest.fixture
def library() -> Backend:
    return catalog.open_verifier("libsecp256k1")


@here
def test_it_verifies_and_does_not_search() -> None:
    assert (DEVICE.searches, DEVICE.verifies) == (False, True)
    assert DEVICE.driver.startswith("coincurve 21.")
    assert "libsecp256k1" in [device.name for device in catalog.verifiers()]
    assert "libsecp256k1" not in [device.name for device in catalog.usable()]


@here
def test_it_hashes_no_headers(library: Backend) -> None:
    header = bytes(80)
    for work in (
        lambda: library.search(header, 0, 1, 0),
        lambda: library.search_versions(header, [1], 0, 1, 0),
        lambda: library.fingerprint(header, 0, 1),
        lambda: library.hash_headers(np.zeros((1, 80), np.uint8)),
    ):
        with pytest.raises(UsageError, match="hashes no headers"):
            work()


@here
def test_one_ed25519_signature_makes_a_batch_none_of_its_business(library: Backend) -> None:
    rng = random.Random(1)
    cases = [signature_cases.good(scheme, rng) for scheme in Scheme]
    with pytest.raises(UsageError, match="ECDSA and BIP 340 and no Ed25519; the devices cpu and reference do"):
        library.verify(signature_cases.batch(cases, Rules()))
    assert library.verify(signature_cases.batch(cases[:2], Rules())).tolist() == [Verdict.VALID] * 2


@here
def test_a_high_s_is_normalised_before_the_library_sees_it(library: Backend) -> None:
    case = signature_cases.good(Scheme.ECDSA, random.Random(2))
    s = int.from_bytes(case.signature[32:], "big")
    other = case._replace(signature=case.signature[:32] + signing.big(signature_oracle.n - s))
    both = [case, other]
    assert library.verify(signature_cases.batch(both, Rules())).tolist() == [Verdict.VALID] * 2
    judged = library.verify(signature_cases.batch(both, Rules(low_s=True))).tolist()
    assert sorted(judged) == [Verdict.VALID, Verdict.HIGH_S]


def test_without_coincurve_it_says_how_to_get_it() -> None:
    program = (
        "import sys; sys.modules['coincurve'] = None\n"
        "from quorate.kernels import catalog\n"
        "[device] = [d for d in catalog.devices() if d.kind == 'libsecp256k1']\n"
        "print(device.available, device.reason)\n"
        "print([d.name for d in catalog.verifiers()])\n"
        "try:\n"
        "    catalog.open_verifier('libsecp256k1')\n"
        "except catalog.UnavailableError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, names, error = ran.stdout.splitlines()
    assert first.startswith("False coincurve cannot be imported")
    assert "pip install 'quorate[libsecp256k1]'" in first
    assert "libsecp256k1" not in names
    assert "reference" in names
    assert error.startswith("libsecp256k1 cannot be used here: coincurve")
