"""The contract of `kernels/backend.py`, as every backend has to keep it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from quorate.kernels.backend import NONCES, Backend, UsageError

from . import oracle

# Genesis and five other real headers of mainnet, by height.
REAL_HEADERS = {
    0: "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd"
    "7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    1: "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd"
    "1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
    170: "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb"
    "05421ab93e63f8c3ce5c2c2e9dbb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70",
    2016: "010000006397bb6abd4fc521c0d3f6071b5650389f0b4551bc40b4e6b067306900000000ace470ae"
    "cda9c8818c8fe57688cd2a772b5a57954a00df0420a7dd546b6d2c576b0e7f49ffff001d33f0192f",
    822528: "00e0ff3f82f7aacf60fac3873b0beade61d0701639090ae5f47800000000000000000000acbc1b33"
    "81c671b2b7753bb2252d3ebd6900486ec8153ceb10e954a86e3f9e1468788665b3e80317f5171649",
    830592: "0000c020b2cb69cc115008758a88ecb3b5008cfdcb9aaf88335b0000000000000000000063e2d64b"
    "85a8d99b0b0d7ff88ec0b3c41d5d0267df09426ad7ec57549059c0cfae22ce65b1710317584f2594",
}

# Around every plausible number of lanes, chains and threads of a block, and over a launch.
COUNTS = [0, 1, 3, 5, 7, 9, 15, 16, 17, 31, 33, 63, 65, 127, 129, 255, 257, 1000, 4097]


def found(backend: Backend, header: bytes, start: int, count: int, target: int) -> list[int]:
    hits = backend.search(header, start, count, target)
    assert (hits.start, hits.count) == (start, count)
    assert hits.nonces.dtype == np.uint32
    return [int(n) for n in hits.nonces]


@pytest.mark.parametrize("count", COUNTS)
def test_every_hit_of_a_window_ascending(backend: Backend, count: int) -> None:
    rng = random.Random(count)
    header, start = rng.randbytes(80), rng.randrange(NONCES - count)
    target = 1 << 252
    assert found(backend, header, start, count, target) == oracle.hits(header, start, count, target)


@pytest.mark.parametrize("bits", [256, 255, 250, 249, 240, 225, 224, 223, 200, 0])
def test_targets_of_every_size(backend: Backend, bits: int) -> None:
    header, start = oracle.random_header(bits), 12345
    target = (1 << bits) - 1
    assert found(backend, header, start, 2000, target) == oracle.hits(header, start, 2000, target)


def test_the_whole_256_bits_count(backend: Backend) -> None:
    """A target equal to a digest is a hit; one less, in its lowest bit, is none."""
    header, start, count = oracle.random_header(1), 1000, 300
    nonce = 1137
    exact = oracle.value(header, nonce)
    for target in (exact, exact - 1, exact + (1 << 223), exact - (1 << 223), exact ^ 1):
        assert found(backend, header, start, count, target) == oracle.hits(header, start, count, target)
    assert nonce in found(backend, header, start, count, exact)
    assert nonce not in found(backend, header, start, count, exact - 1)


def test_equality_with_zero_top_word(backend: Backend) -> None:
    """Mainnet's genesis has ten zero digits on top: equality must hold below the first word too."""
    header = bytes.fromhex(REAL_HEADERS[0])
    nonce = 2083236893
    exact = oracle.value(header, nonce)
    assert found(backend, header, nonce - 500, 1000, exact) == [nonce]
    assert found(backend, header, nonce - 500, 1000, exact - 1) == []


def test_hit_on_the_first_and_on_the_last_nonce(backend: Backend) -> None:
    header = oracle.random_header(2)
    target = 1 << 250
    nonces = oracle.hits(header, 5000, 5000, target)
    first, last = nonces[0], nonces[-1]
    count = last - first + 1
    assert found(backend, header, first, count, target) == nonces
    assert found(backend, header, first + 1, count - 2, target) == nonces[1:-1]


@pytest.mark.parametrize("count", [1, 15, 17, 100, 3000])
def test_a_window_may_end_at_the_last_nonce(backend: Backend, count: int) -> None:
    header, start = oracle.random_header(3), NONCES - count
    target = (1 << 254) - 1
    assert found(backend, header, start, count, target) == oracle.hits(header, start, count, target)
    assert backend.fingerprint(header, start, count) == oracle.fingerprint(header, start, count)


def test_when_every_nonce_is_a_hit_none_is_lost(backend: Backend) -> None:
    count = 2_000 if backend.device.simulator else 200_000
    hits = backend.search(oracle.random_header(4), 7, count, oracle.MAX_TARGET)
    assert np.array_equal(hits.nonces, np.arange(7, 7 + count, dtype=np.uint32))


def test_target_zero_has_no_hit(backend: Backend) -> None:
    assert found(backend, oracle.random_header(5), 0, 1000, 0) == []


def test_the_nonce_inside_the_header_is_ignored(backend: Backend) -> None:
    header = oracle.random_header(6)
    other = header[:76] + b"\xff\xff\xff\xff"
    assert backend.search(header, 0, 500, 1 << 250) == backend.search(other, 0, 500, 1 << 250)
    assert backend.fingerprint(header, 0, 500) == backend.fingerprint(other, 0, 500)


@pytest.mark.parametrize("height", REAL_HEADERS)
def test_real_headers(backend: Backend, height: int) -> None:
    header = bytes.fromhex(REAL_HEADERS[height])
    nonce = int.from_bytes(header[76:], "little")
    assert found(backend, header, nonce - 3000, 6000, oracle.target(header)) == [nonce]


@pytest.mark.parametrize("versions", [[], [0x20000000], [1, 2, 1], [0x20000000 + (i << 13) for i in range(21)]])
@pytest.mark.parametrize("count", [0, 1, 15, 17, 1000])
def test_search_of_versions(backend: Backend, versions: list[int], count: int) -> None:
    """Equal to one search for each version, whether versions or nonces are what fills the lanes."""
    header, start, target = oracle.random_header(count), NONCES - count - 3, 1 << 253
    found = backend.search_versions(header, versions, start, count, target)
    headers = [version.to_bytes(4, "little") + header[4:] for version in versions]
    assert [(hits.start, hits.count) for hits in found] == [(start, count)] * len(versions)
    assert [h.nonces.tolist() for h in found] == [oracle.hits(h, start, count, target) for h in headers]


def test_versions_of_every_hash_a_hit(backend: Backend) -> None:
    versions = [0x20000000 + (i << 13) for i in range(5)]
    for hits in backend.search_versions(oracle.random_header(8), versions, 0, 20_000, oracle.MAX_TARGET):
        assert np.array_equal(hits.nonces, np.arange(20_000, dtype=np.uint32))


def test_a_real_header_among_rolled_versions(backend: Backend) -> None:
    header = bytes.fromhex(REAL_HEADERS[822528])
    version, nonce = int.from_bytes(header[:4], "little"), int.from_bytes(header[76:], "little")
    versions = [version ^ (i << 13) for i in range(16)]
    found = backend.search_versions(header, versions, nonce - 1000, 2000, oracle.target(header))
    assert [h.nonces.tolist() for h in found] == [[nonce]] + [[]] * 15


@pytest.mark.parametrize("count", COUNTS)
def test_fingerprint(backend: Backend, count: int) -> None:
    rng = random.Random(count + 1)
    header, start = rng.randbytes(80), rng.randrange(NONCES - count)
    assert backend.fingerprint(header, start, count) == oracle.fingerprint(header, start, count)


def test_fingerprint_of_an_empty_window_is_zero(backend: Backend) -> None:
    assert backend.fingerprint(oracle.random_header(7), NONCES, 0) == bytes(32)


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 100, 2049])
def test_hash_headers(backend: Backend, count: int) -> None:
    headers = np.frombuffer(random.Random(count).randbytes(80 * count), np.uint8).reshape(-1, 80)
    digests = backend.hash_headers(headers)
    assert digests.dtype == np.uint8
    assert digests.shape == (count, 32)
    expected = [oracle.digest(h.tobytes(), int.from_bytes(h[76:].tobytes(), "little")) for h in headers]
    assert [d.tobytes() for d in digests] == expected


def test_hash_headers_takes_any_memory_layout(backend: Backend) -> None:
    wide = np.frombuffer(random.Random(9).randbytes(50 * 100), np.uint8).reshape(-1, 100)
    headers = wide[::3, 11:91]
    assert np.array_equal(backend.hash_headers(headers), backend.hash_headers(np.ascontiguousarray(headers)))


def test_windows_join_to_the_whole(backend: Backend) -> None:
    """Stopping between windows and going on later, with another job in between, loses nothing."""
    header, other, target = oracle.random_header(10), oracle.random_header(11), 1 << 250
    whole = backend.search(header, 100, 3000, target)
    parts, fingerprint, start = [], 0, 100
    for count in (1, 999, 0, 37, 1963):
        parts.append(backend.search(header, start, count, target).nonces)
        fingerprint ^= int.from_bytes(backend.fingerprint(header, start, count), "little")
        assert found(backend, other, 50, 64, 1 << 253) == oracle.hits(other, 50, 64, 1 << 253)
        start += count
    assert np.array_equal(np.concatenate(parts), whole.nonces)
    assert fingerprint.to_bytes(32, "little") == backend.fingerprint(header, 100, 3000)


def test_the_device_says_what_it_is(backend: Backend) -> None:
    device = backend.device
    assert device.available
    assert device.family in ("reference", "python", "c")
    assert device.description
    assert device.driver
    assert device.hardware


HEADER = bytes(80)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((bytes(79), 0, 1, 0), "80 bytes, not 79"),
        ((HEADER, -1, 1, 0), "starts at 0"),
        ((HEADER, 0, -1, 0), "0 or more nonces"),
        ((HEADER, NONCES - 1, 2, 0), "past 2\\^32"),
        ((HEADER, 0, 1, 1 << 256), "2\\^256 - 1"),
        ((HEADER, 0, 1, -1), "2\\^256 - 1"),
    ],
)
def test_arguments_outside_the_contract_are_refused(
    backend: Backend, arguments: tuple[bytes, int, int, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        backend.search(*arguments)


def test_a_batch_of_the_wrong_shape_is_refused(backend: Backend) -> None:
    with pytest.raises(UsageError, match="shape"):
        backend.hash_headers(np.zeros((3, 79), np.uint8))
