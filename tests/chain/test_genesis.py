from __future__ import annotations

from dataclasses import replace

import pytest

from quorate.chain.genesis import genesis_block
from quorate.chain.params import network


@pytest.mark.parametrize("name", ["mainnet", "testnet3", "testnet4", "signet", "regtest"])
def test_the_header_commits_to_the_coinbase(name: str) -> None:
    block = genesis_block(network(name))
    assert block.header.hash()[::-1].hex() == network(name).genesis_hash
    assert block.merkle_root().root == block.header.merkle_root


def test_the_length_of_the_first_block() -> None:
    assert genesis_block(network("mainnet")).size == 285


def test_a_header_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="does not commit"):
        genesis_block(replace(network("mainnet"), halving_interval=210_000, name="testnet4"))
