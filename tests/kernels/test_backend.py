"""The value types of the contract."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

from quorate.kernels.backend import Device, Hits


def hits(*nonces: int, start: int = 10, count: int = 10) -> Hits:
    return Hits(start, count, np.array(nonces, np.uint32))


@pytest.mark.parametrize("nonces", [(11, 10), (12, 12), (9,), (20,), (10, 15, 14)])
def test_hits_outside_the_window_or_out_of_order_are_refused(nonces: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not ascending within it"):
        hits(*nonces)


def test_hits_of_another_type_are_refused() -> None:
    with pytest.raises(ValueError, match="uint32"):
        Hits(0, 10, np.array([1], np.int64))


def test_equal_hits_have_equal_digests() -> None:
    assert hits(11, 12) == hits(11, 12)
    assert hits(11, 12).digest() == hits(11, 12).digest()
    others = [hits(11), hits(11, 13), hits(11, 12, start=9), hits(11, 12, count=11)]
    assert all(hits(11, 12) != other for other in others)
    assert len({h.digest() for h in [hits(11, 12), *others]}) == 5


def test_the_digest_is_as_documented() -> None:
    data = bytes.fromhex("0a00000000000000" + "0a00000000000000" + "0b000000" + "0c000000")
    assert hits(11, 12).digest() == sha256(data).digest()


def test_the_last_nonce_is_a_nonce() -> None:
    assert len(Hits(2**32 - 1, 1, np.array([2**32 - 1], np.uint32))) == 1


def test_a_device_is_available_unless_it_says_why_not() -> None:
    device = Device("opencl:1", "c", "something")
    assert device.kind == "opencl"
    assert device.available
    assert not Device("cuda", "python", "", reason="no driver").available
