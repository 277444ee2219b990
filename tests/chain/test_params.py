from __future__ import annotations

from dataclasses import replace

import pytest

from quorate.chain.params import network
from quorate.chain.pow import bits_to_target, target_to_bits
from quorate.kernels.backend import MAX_TARGET, UsageError

NAMES = ["mainnet", "testnet3", "testnet4", "signet", "regtest"]


@pytest.mark.parametrize("name", NAMES)
def test_the_table(name: str) -> None:
    known = network(name)
    assert known.name == name
    assert known.retarget_interval == 2016
    assert known.genesis.bits == target_to_bits(known.pow_limit)
    assert int.from_bytes(known.genesis.hash(), "little") <= bits_to_target(known.genesis.bits, known.pow_limit)


@pytest.mark.parametrize("name", NAMES)
def test_no_retarget_reaches_256_bits(name: str) -> None:
    """Where one did, Bitcoin Core's arithmetic would wrap and ours would not."""
    known = network(name)
    assert known.no_retargeting or known.pow_limit * known.target_timespan * 4 <= MAX_TARGET


def test_testnet_is_testnet3() -> None:
    assert network("testnet") is network("testnet3")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'main'; choose one of mainnet, testnet3, testnet4, signet, regtest"):
        network("main")


def test_a_wrong_genesis_is_refused() -> None:
    genesis = replace(network("mainnet").genesis, nonce=0)
    with pytest.raises(ValueError, match="mainnet's genesis hashes to"):
        replace(network("mainnet"), genesis=genesis)


@pytest.mark.parametrize(
    ("height", "version"),
    [(0, None), (227930, None), (227931, 2), (363724, 2), (363725, 3), (388380, 3), (388381, 4), (900000, 4)],
)
def test_mainnet_versions(height: int, version: int | None) -> None:
    assert network("mainnet").minimum_version(height) == version


@pytest.mark.parametrize(
    ("height", "satoshis"),
    [
        (0, 50 * 10**8),
        (209_999, 50 * 10**8),
        (210_000, 25 * 10**8),
        (866_342, 312_500_000),
        (33 * 210_000, 0),
        (10**8, 0),
    ],
)
def test_the_subsidy_is_halved(height: int, satoshis: int) -> None:
    assert network("mainnet").subsidy(height) == satoshis


def test_all_subsidies_together() -> None:
    """Bitcoin Core's `subsidy_limit_test`, in steps of a halving: 2,099,999,997,690,000 satoshis."""
    mainnet = network("mainnet")
    assert sum(210_000 * mainnet.subsidy(210_000 * era) for era in range(64)) == 2_099_999_997_690_000


def test_signets_magic_is_the_hash_of_its_challenge() -> None:
    assert network("signet").magic == bytes.fromhex("0a03cf40")
    assert len({network(name).magic for name in NAMES}) == len(NAMES)
