from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from quorate.chain.hashes import (
    hash160,
    hash256,
    ripemd160,
    ripemd160_of_openssl,
    ripemd160_of_pycryptodome,
    tagged,
)

# From its authors, https://homes.esat.kuleuven.be/~bosselae/ripemd160.html
RIPEMD160 = {
    b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
    b"a": "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
    b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
    b"message digest": "5d0689ef49d2fae572b881b123a85ffa21595f36",
    b"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
    b"1234567890" * 8: "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
}


def _openssl() -> Callable[[bytes], bytes]:
    found = ripemd160_of_openssl()
    if found is None:
        pytest.skip("this OpenSSL leaves RIPEMD-160 out")
    return found


@pytest.mark.parametrize("make", [lambda: ripemd160, _openssl, ripemd160_of_pycryptodome])
def test_ripemd160(make: Callable[[], Callable[[bytes], bytes]]) -> None:
    function = make()
    assert {data: function(data).hex() for data in RIPEMD160} == RIPEMD160


def test_without_openssls_there_is_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashlib.algorithms_available", {"sha256"})
    assert ripemd160_of_openssl() is None


def test_compositions() -> None:
    # The key of the first payment, and its address's payload: 12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S.
    key = bytes.fromhex(
        "0411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5c"
        "b2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3"
    )
    assert hash160(key).hex() == "11b366edfc0a8b66feebae5c2e25a7b6a5d1cf31"
    assert hash256(b"hello").hex() == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"


def test_tagged() -> None:
    tag = sha256(b"TapLeaf").digest()
    function = tagged("TapLeaf")
    for data in (b"", b"one", b"other"):
        assert function(data) == sha256(tag + tag + data).digest()
