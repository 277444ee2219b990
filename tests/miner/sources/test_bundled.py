"""The bundled headers are what they say they are."""

from __future__ import annotations

from hashlib import sha256

from quorate.miner.sources.bundled import BUNDLED


def test_every_bundled_header_proves_its_work() -> None:
    for bundled in BUNDLED:
        assert len(bundled.header) == 80
        digest = sha256(sha256(bundled.header).digest()).digest()
        exponent, mantissa = bundled.header[75], int.from_bytes(bundled.header[72:75], "little")
        assert int.from_bytes(digest, "little") <= mantissa << 8 * (exponent - 3)


def test_genesis_leads() -> None:
    assert BUNDLED[0].height == 0
    assert BUNDLED[0].nonce == 2083236893
    assert len({b.header for b in BUNDLED}) == len(BUNDLED) >= 4
