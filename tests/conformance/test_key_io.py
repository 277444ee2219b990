"""Bitcoin Core's `base58_encode_decode.json`, `key_io_valid.json` and `key_io_invalid.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quorate.chain import base58
from quorate.chain.address import PrivateKey, address_to_script, decode_key, encode_key, script_to_address
from quorate.chain.params import Network, network
from quorate.kernels.backend import UsageError

NETWORKS = [network(name) for name in ("mainnet", "testnet3", "testnet4", "signet", "regtest")]
CHAINS = {"main": "mainnet", "test": "testnet3"}


def _read(vectors: Path, name: str) -> list[Any]:
    found: list[Any] = json.loads((vectors / "core" / name).read_text())
    return found


def _network(facts: dict[str, Any]) -> Network:
    return network(CHAINS.get(facts["chain"], facts["chain"]))


def test_base58(vectors: Path) -> None:
    rows = _read(vectors, "base58_encode_decode.json")
    assert len(rows) == 21
    for data, text in rows:
        assert base58.encode(bytes.fromhex(data)) == text
        assert base58.decode(text) == bytes.fromhex(data)


def test_valid(vectors: Path) -> None:
    rows = _read(vectors, "key_io_valid.json")
    assert len(rows) == 70
    for text, data, facts in rows:
        known = _network(facts)
        if facts["isPrivkey"]:
            key = PrivateKey(bytes.fromhex(data), facts["isCompressed"])
            assert decode_key(text, known) == key
            assert encode_key(key, known) == text
            with pytest.raises(UsageError):
                address_to_script(text, known)
        else:
            assert address_to_script(text, known) == bytes.fromhex(data)
            assert script_to_address(bytes.fromhex(data), known) == text
            with pytest.raises(UsageError):
                decode_key(text, known)


def test_capitals_are_as_good_in_bech32_alone(vectors: Path) -> None:
    for text, data, facts in _read(vectors, "key_io_valid.json"):
        flipped = text.swapcase()
        if facts.get("tryCaseFlip"):
            assert address_to_script(flipped, _network(facts)) == bytes.fromhex(data)
        else:
            with pytest.raises(UsageError):
                address_to_script(flipped, _network(facts))


def test_invalid(vectors: Path) -> None:
    rows = _read(vectors, "key_io_invalid.json")
    assert len(rows) == 70
    for [text] in rows:
        for known in NETWORKS:
            with pytest.raises(UsageError):
                address_to_script(text, known)
            with pytest.raises(UsageError):
                decode_key(text, known)
