"""The rules on real headers and on edits of them."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.header import BlockHeader, display_hash
from quorate.chain.headers import HeaderReport, validate_headers
from quorate.chain.params import network
from quorate.kernels.backend import Bytes2D, DeviceError, UsageError
from quorate.kernels.reference import ReferenceBackend

from .mining import LATER, LIMIT, REGTEST, chain, join, refused, verdict

MAINNET = network("mainnet")
HASH_HEADERS = ReferenceBackend().hash_headers


@pytest.fixture(scope="session")
def first(vectors: Path) -> bytes:
    """Mainnet's headers from genesis to 10,236."""
    return (vectors / "headers" / "mainnet_0_10236.bin").read_bytes()


@pytest.fixture(scope="session")
def late(vectors: Path) -> bytes:
    """Mainnet's headers from 822,528, a period's first, to 830,592."""
    return (vectors / "headers" / "mainnet_822528_830592.bin").read_bytes()


def check(data: bytes, height: int = 0, now: int = LATER) -> HeaderReport:
    return validate_headers(data, MAINNET, height, HASH_HEADERS, now)


def flip(data: bytes, index: int, byte: int, bit: int = 0) -> bytes:
    edited = bytearray(data)
    edited[80 * index + byte] ^= 1 << bit
    return bytes(edited)


# Real headers


def test_mainnet_from_genesis(first: bytes) -> None:
    report = check(first)
    assert report.valid
    assert report.refusal is None
    assert report.first_invalid is None
    assert report.headers == 10237
    assert report.tip == "000000004f74d42205b9d7ae1cb5c1591e723894a71358fce73b7e0919628161"
    assert report.work == 10237 * 0x100010001  # all at difficulty 1
    assert report.unchecked_bits == ()


def test_mainnet_across_four_retargets(late: bytes) -> None:
    report = check(late, 822528)
    assert report.valid
    assert report.headers == 8065
    assert report.tip == "00000000000000000000506183a8b30fa3224b85e82a70416e1d594bdb632fdb"
    assert report.unchecked_bits == (822528,)


def test_work_is_mainnets_published_chainwork(vectors: Path, first: bytes, late: bytes) -> None:
    with (vectors / "headers" / "mainnet_chainwork.csv").open() as file:
        chainwork = {int(row["height"]): int(row["chainwork"], 16) for row in csv.DictReader(file)}
    for height in (0, 2015, 2016, 4031, 10079, 10080):
        assert check(first[: 80 * (height + 1)]).work == chainwork[height]
    assert check(late, 822528).work == chainwork[830592] - chainwork[822527]


def test_signet(vectors: Path) -> None:
    data = (vectors / "headers" / "signet_0_2015.bin").read_bytes()
    report = validate_headers(data, network("signet"), 0, HASH_HEADERS, LATER)
    assert report.valid
    assert report.headers == 2016
    assert report.tip == display_hash(BlockHeader.parse(data[-80:]).hash())
    assert report.work == 2016 * ((1 << 256) // ((0x0377AE << 216) + 1))


def test_another_chain_on_mainnets_genesis(vectors: Path) -> None:
    """Bitcoin Core's alternate chain: its one retarget hardens fourfold, to bits that mainnet never had."""
    with (vectors / "blocks" / "alt_mainnet_1_2016.csv").open() as file:
        headers = [bytes.fromhex(row["header"]) for row in csv.DictReader(file)]
    data = MAINNET.genesis.serialise() + b"".join(headers)
    assert check(data).valid
    assert BlockHeader.parse(headers[-1]).bits == 0x1C3FFFC0
    easier = replace(BlockHeader.parse(headers[-1]), bits=0x1D00FFFF).serialise()
    assert refused(check(data[:-80] + easier)) == ("bad-diffbits", 2016)


def test_real_headers_are_valid_from_any_height_on(first: bytes, late: bytes) -> None:
    """Real times run backwards now and then; a run is not refused for headers before it that it lacks."""
    for data, base in ((first, 0), (late, 822528)):
        for start in range(1, len(data) // 80 - 16, 7):
            report = check(data[80 * start : 80 * (start + 16)], base + start)
            assert report.valid, report.refusal


def test_a_run_that_starts_inside_a_period_says_which_bits_are_open(late: bytes) -> None:
    report = check(late[80 * 2000 : 80 * 4040], 822528 + 2000)
    assert report.valid
    assert report.unchecked_bits == (822528 + 2000, 822528 + 2016)


def test_a_stale_header_is_valid_and_its_descendant_is_not_there(vectors: Path, late: bytes) -> None:
    with (vectors / "headers" / "mainnet_stale.csv").open() as file:
        stale = {int(row["height"]): bytes.fromhex(row["header"]) for row in csv.DictReader(file)}
    at = 823226 - 822528
    branch = late[: 80 * at] + stale[823226]
    assert check(branch, 822528).valid
    assert refused(check(branch + late[80 * (at + 1) :], 822528)) == ("prev-blk-not-found", at + 1)
    both = check(late[: 80 * (at + 1)] + stale[823226], 822528)
    assert refused(both) == ("prev-blk-not-found", at + 1)
    assert both.refusal is not None
    assert "another branch" in both.refusal.detail
    assert stale[829613] == late[80 * (829613 - 822528) :][:80]


# Edits


FIELD_BYTES = {"version": 0, "previous hash": 4, "merkle root": 36, "time": 68, "bits": 72, "nonce": 76}
EDITS = {
    "version": "high-hash",
    "previous hash": "prev-blk-not-found",
    "merkle root": "high-hash",
    "time": "high-hash",
    "bits": "bad-diffbits",
    "nonce": "high-hash",
}


@pytest.mark.parametrize("field", EDITS)
@pytest.mark.parametrize("index", [1, 2015, 2016, 5000, 8064])
def test_a_flipped_bit_is_refused_for_its_field(first: bytes, late: bytes, index: int, field: str) -> None:
    for data, height in ((first, 0), (late, 822528)):
        report = check(flip(data, index, FIELD_BYTES[field]), height)
        assert refused(report) == (EDITS[field], index)
        before = BlockHeader.parse(data[80 * (index - 1) : 80 * index])
        assert report.tip == display_hash(before.hash())
        assert report.headers == len(data) // 80


def test_any_flipped_bit_is_refused_at_its_header(late: bytes) -> None:
    starts = sorted(FIELD_BYTES.values())
    names = {start: name for name, start in FIELD_BYTES.items()}
    data, rng = late[: 80 * 20], random.Random(1)
    for _ in range(300):
        index, byte, bit = rng.randrange(1, 20), rng.randrange(80), rng.randrange(8)
        field = names[max(start for start in starts if start <= byte)]
        assert refused(check(flip(data, index, byte, bit), 822528)) == (EDITS[field], index)


def test_an_edited_first_header(first: bytes, late: bytes) -> None:
    for field in FIELD_BYTES:
        report = check(flip(first, 0, FIELD_BYTES[field]))
        assert refused(report) == ("bad-genesis", 0)
        assert (report.tip, report.work) == (None, 0)
        assert refused(check(flip(late, 0, FIELD_BYTES[field]), 822528)) == ("high-hash", 0)


def test_the_wrong_network_or_height_is_a_bad_genesis(late: bytes) -> None:
    assert verdict([MAINNET.genesis], network("testnet3")) == ("bad-genesis", 0)
    report = check(late)
    assert refused(report) == ("bad-genesis", 0)
    assert report.refusal is not None
    assert "needs its height" in report.refusal.detail


@pytest.mark.parametrize("index", [1, 2015, 10235])
def test_a_swapped_pair(first: bytes, index: int) -> None:
    at = 80 * index
    swapped = first[:at] + first[at + 80 : at + 160] + first[at : at + 80] + first[at + 160 :]
    assert refused(check(swapped)) == ("prev-blk-not-found", index)


@pytest.mark.parametrize("index", [1, 2016, 10236])
def test_a_missing_header(first: bytes, index: int) -> None:
    missing = first[: 80 * index] + first[80 * (index + 1) :]
    expected = None if index == 10236 else ("prev-blk-not-found", index)
    assert refused(check(missing)) == expected


@pytest.mark.parametrize("index", [0, 1, 2016, 10236])
@pytest.mark.parametrize("later", [1, 5])
def test_a_repeated_header(first: bytes, index: int, later: int) -> None:
    place = min(index + later, 10237)
    repeated = first[: 80 * place] + first[80 * index : 80 * (index + 1)] + first[80 * place :]
    report = check(repeated)
    assert refused(report) == ("duplicate", place)
    assert report.refusal is not None
    assert f"repeats the one at index {index}:" in report.refusal.detail


@pytest.mark.parametrize("cut", [1, 40, 79])
def test_a_truncated_file(first: bytes, cut: int) -> None:
    report = check(first[:-cut])
    assert refused(report) == ("truncated-header", 10236)
    assert report.headers == 10236
    assert report.tip == display_hash(BlockHeader.parse(first[80 * 10235 : 80 * 10236]).hash())
    assert report.work == 10236 * 0x100010001


def test_less_than_one_header() -> None:
    report = check(bytes(79))
    assert refused(report) == ("truncated-header", 0)
    assert (report.headers, report.tip, report.work) == (0, None, 0)


def test_what_comes_first_in_the_file_is_reported(first: bytes) -> None:
    assert refused(check(flip(first[:-1], 3000, 40))) == ("high-hash", 3000)


@pytest.mark.parametrize("index", [2016, 4032, 6048, 8064])
def test_wrong_bits_at_a_retarget(late: bytes, index: int) -> None:
    header = BlockHeader.parse(late[80 * index : 80 * (index + 1)])
    before = BlockHeader.parse(late[80 * (index - 1) : 80 * index])
    for bits in (before.bits, header.bits + 1, header.bits - 1, 0x1D00FFFF):
        edited = replace(header, bits=bits).serialise()
        data = late[: 80 * index] + edited + late[80 * (index + 1) :]
        report = check(data, 822528)
        assert refused(report) == ("bad-diffbits", index)
        assert report.refusal is not None
        assert f"nBits {header.bits:#010x} expected, {bits:#010x} found" in report.refusal.detail


def test_a_retarget_beyond_fourfold_is_refused_though_its_period_is_unknown(late: bytes) -> None:
    run = late[80 * 2000 : 80 * 2017]
    header = BlockHeader.parse(run[-80:])
    edited = run[:-80] + replace(header, bits=header.bits + (1 << 24)).serialise()
    assert refused(check(edited, 822528 + 2000)) == ("bad-diffbits", 16)


@pytest.mark.parametrize("bits", [0x04923456, 0x01003456, 0xFF123456, 0x1D010000])
def test_the_first_headers_bits_must_be_a_target_of_the_network(bits: int) -> None:
    header = replace(MAINNET.genesis, bits=bits)
    report = check(header.serialise(), 100)
    assert refused(report) == ("high-hash", 0)
    assert report.refusal is not None
    assert f"{bits:#010x}" in report.refusal.detail


# The caller's part


def lying_at(index: int, byte: int) -> Callable[[Bytes2D], Bytes2D]:
    def hash_headers(headers: Bytes2D) -> Bytes2D:
        digests = HASH_HEADERS(headers)
        digests[index, byte] ^= 1
        return digests

    return hash_headers


@pytest.mark.parametrize("index", [0, 1, 10, 18, 19])
@pytest.mark.parametrize("byte", [3, 31], ids=["still below the target", "above it"])
def test_a_wrong_digest_accuses_the_device_and_not_the_file(late: bytes, index: int, byte: int) -> None:
    with pytest.raises(DeviceError, match=f"header at index {index} wrongly"):
        validate_headers(late[: 80 * 20], MAINNET, 822528, lying_at(index, byte), LATER)


def test_a_wrong_digest_of_genesis_accuses_the_device() -> None:
    with pytest.raises(DeviceError, match="header at index 0 wrongly"):
        validate_headers(MAINNET.genesis.serialise(), MAINNET, 0, lying_at(0, 3), LATER)


def test_hashing_comes_in_batches_and_stops_at_the_first_refusal() -> None:
    headers = chain([(1, LIMIT)])
    data = join(headers) + headers[1].serialise() * 140_000
    batches: list[int] = []

    def hash_headers(batch: Bytes2D) -> Bytes2D:
        batches.append(len(batch))
        return HASH_HEADERS(batch)

    report = validate_headers(data, REGTEST, 0, hash_headers, LATER)
    assert refused(report) == ("duplicate", 2)
    assert report.headers == 140_002
    assert len(batches) == 1
    assert batches[0] < 140_000


def test_arguments_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="a height is 0 to 2147483647, not -1"):
        check(MAINNET.genesis.serialise(), -1)
    with pytest.raises(UsageError, match="no headers"):
        check(b"")
