"""Pools' URLs, and where a pool may send its miners."""

from __future__ import annotations

import pytest

from quorate.kernels.backend import UsageError
from quorate.miner.stratum.address import PoolAddress, parse_pools


@pytest.mark.parametrize(
    ("url", "address", "tls", "verified"),
    [
        ("stratum+tcp://Pool.Example.org:3333", ("stratum+tcp", "pool.example.org", 3333), False, True),
        ("stratum+ssl://10.0.0.1:443/", ("stratum+ssl", "10.0.0.1", 443), True, True),
        ("STRATUM+SSL-UNVERIFIED://[::1]:65535", ("stratum+ssl-unverified", "::1", 65535), True, False),
    ],
)
def test_what_a_url_says(url: str, address: tuple[str, str, int], tls: bool, verified: bool) -> None:
    (pool,) = parse_pools(url)
    assert pool == PoolAddress(*address)
    assert (pool.tls, pool.verified) == (tls, verified)
    assert str(pool) == url.lower().removesuffix("/")


def test_several_pools_keep_their_order() -> None:
    pools = parse_pools("stratum+tcp://b:1, stratum+ssl://a:2,stratum+tcp://b:3")
    assert [str(pool) for pool in pools] == ["stratum+tcp://b:1", "stratum+ssl://a:2", "stratum+tcp://b:3"]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "does not begin with a protocol"),
        ("pool.org:3333", "does not begin with a protocol"),
        ("http://pool.org:80", "does not begin with a protocol"),
        ("stratum+tcp://pool.org", "lacks a port"),
        ("stratum+tcp://pool.org:0", "lacks a port"),
        ("stratum+tcp://pool.org:70000", "is not an address"),
        ("stratum+tcp://pool.org:http", "is not an address"),
        ("stratum+tcp://:3333", "no host"),
        ("stratum+tcp://pool..org:3333", "no host"),
        ("stratum+tcp://-x.org:3333", "no host"),
        ("stratum+tcp://pööl.org:3333", "no host"),
        (f"stratum+tcp://{'a' * 64}.org:3333", "no host"),
        ("stratum+tcp://[::1:3333", "is not an address"),
        ("stratum+tcp://pool.org:3333/path", "after its port"),
        ("stratum+tcp://pool.org:3333#x", "after its port"),
        ("stratum+tcp://a:1,,stratum+tcp://b:2", "does not begin with a protocol"),
    ],
)
def test_a_wrong_url_is_refused_in_one_sentence(url: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong) as caught:
        parse_pools(url)
    assert "stratum+tcp://HOST:PORT" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["stratum+tcp://me:secret@pool.org:1", "stratum+tcp://me:se@cret@pool.org:x"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="…@pool.org") as caught:
        parse_pools(url)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("home", "host", "allowed"),
    [
        ("pool.org", "", True),
        ("pool.org", "pool.org", True),
        ("pool.org", "EU.pool.org", True),
        ("pool.org", "evil.org", False),
        ("pool.org", "evilpool.org", False),
        ("pool.org", "pool.org.evil.com", False),
        ("eu.pool.org", "us.pool.org", True),
        ("eu.pool.org", "pool.org.evil.com", False),
        ("pool.co.uk", "evil.co.uk", False),
        ("pool.co.uk", "eu.pool.co.uk", True),
        ("eu.pool.co.uk", "us.pool.co.uk", True),
        ("eu.pool.co.uk", "evil.co.uk", False),
        ("localhost", "evil.org", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "20.0.0.1", False),
        ("10.0.0.1", "x.0.0.1", False),
        ("::1", "::2", False),
        ("pool.org", "x\n.pool.org", False),
        ("pool.org", f"{'a' * 64}.pool.org", False),
    ],
)
def test_where_a_pool_may_send_its_miners(home: str, host: str, allowed: bool) -> None:
    for scheme in ("stratum+tcp", "stratum+ssl"):
        moved = PoolAddress(scheme, home, 3333).moved(host, 4444)
        assert moved == (PoolAddress(scheme, (host or home).lower(), 4444) if allowed else None)


@pytest.mark.parametrize(("port", "kept"), [(0, 3333), (1, 1), (65536, None), (-1, None)])
def test_which_ports_a_pool_may_name(port: int, kept: int | None) -> None:
    moved = PoolAddress("stratum+tcp", "pool.org", 3333).moved("", port)
    assert (moved.port if moved else None) == kept
