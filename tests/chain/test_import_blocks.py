"""Block files in any order: XORed, cut off, damaged, with room at their end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from quorate.chain.block_files import BlockFile, frame
from quorate.chain.chainstate import Chainstate, Status
from quorate.chain.import_blocks import import_files
from quorate.chain.params import network
from quorate.kernels.backend import UsageError

from .regtest import MAINNET_YOUNG, REGTEST, grow, open_chain, utxo_digest

MAINNET = network("mainnet")


@pytest.fixture
def chain(tmp_path: Path) -> Chainstate:
    return open_chain(tmp_path / "chain", MAINNET)


@pytest.fixture
def blocks(vectors: Path) -> list[bytes]:
    return [raw for _, raw in BlockFile(vectors / "blocks" / "mainnet_1_255.dat", MAINNET).blocks()]


def write(path: Path, blocks: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(frame(block, MAINNET) for block in blocks))
    return path


def test_any_order_gives_the_same_chain(blocks: list[bytes], chain: Chainstate, tmp_path: Path) -> None:
    straight = open_chain(tmp_path / "straight", MAINNET)
    import_files([write(tmp_path / "all.dat", blocks)], straight)
    random.Random(3).shuffle(blocks)
    parts = [write(tmp_path / f"{number}.dat", blocks[number::3]) for number in range(3)]
    done: list[tuple[int, int]] = []
    report = import_files(parts, chain, lambda *pair: done.append(pair))
    assert done == [(number, 255) for number in range(1, 256)]
    assert (report.found, report.counts[Status.TIP], report.refused, report.skipped) == (255, 255, [], 0)
    assert chain.tip.hash == straight.tip.hash
    assert utxo_digest(chain) == utxo_digest(straight)

    again = import_files(parts, chain)
    assert again.counts[Status.KNOWN] == 255


def test_forks_in_any_order(vectors: Path, tmp_path: Path) -> None:
    names = ["reorg_5A", "reorg_4A", "reorg_0_to_4", "reorg_3A"]
    chain = open_chain(tmp_path, MAINNET_YOUNG)
    report = import_files([vectors / "blocks" / f"{name}.dat" for name in names], chain)
    assert (report.found, chain.tip.height, report.refused) == (7, 5, [])


def test_a_missing_block_leaves_orphans(blocks: list[bytes], chain: Chainstate, tmp_path: Path) -> None:
    report = import_files([write(tmp_path / "a.dat", blocks[:100] + blocks[101:])], chain)
    assert (report.counts[Status.TIP], report.counts[Status.ORPHAN]) == (100, 154)
    report = import_files([write(tmp_path / "b.dat", blocks[100:])], chain)
    assert (report.counts[Status.TIP], report.counts[Status.ORPHAN]) == (155, 0)


def test_xored_files(blocks: list[bytes], chain: Chainstate, tmp_path: Path) -> None:
    key = bytes((1, 2, 3, 4, 5, 0, 255, 8))
    path = write(tmp_path / "blk00000.dat", blocks)
    path.write_bytes(bytes(byte ^ key[at % 8] for at, byte in enumerate(path.read_bytes())))
    with pytest.raises(UsageError, match=r"has no block of mainnet in it; .* xor\.dat"):
        import_files([path], chain)
    (tmp_path / "xor.dat").write_bytes(key)
    assert import_files([path], chain).counts[Status.TIP] == 255
    (tmp_path / "xor.dat").write_bytes(key[:7])
    with pytest.raises(UsageError, match=r"xor\.dat has 7 bytes"):
        import_files([path], chain)


def test_a_cut_tail_and_room_behind(blocks: list[bytes], chain: Chainstate, tmp_path: Path) -> None:
    path = write(tmp_path / "cut.dat", blocks)
    path.write_bytes(path.read_bytes()[:-10])
    report = import_files([path], chain)
    assert (report.found, chain.tip.height, report.skipped) == (254, 254, len(blocks[-1]) + 8 - 10)
    path.write_bytes(frame(blocks[-1], MAINNET) + bytes(1000))
    report = import_files([path], chain)
    assert (report.found, chain.tip.height, report.skipped) == (1, 255, 0)


def test_a_damaged_stretch_is_passed_over(blocks: list[bytes], chain: Chainstate, tmp_path: Path) -> None:
    path = tmp_path / "damaged.dat"
    path.write_bytes(frame(blocks[0], MAINNET) + b"noise" + frame(blocks[1], MAINNET))
    report = import_files([path], chain)
    assert (report.found, report.counts[Status.TIP], report.skipped) == (2, 2, 5)


def test_an_empty_file_has_no_blocks(chain: Chainstate, tmp_path: Path) -> None:
    (tmp_path / "empty.dat").write_bytes(bytes(100))
    assert import_files([tmp_path / "empty.dat"], chain).found == 0


def test_a_file_that_is_not_there(chain: Chainstate, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the block file .*none\.dat: No such file"):
        import_files([tmp_path / "none.dat"], chain)


def test_another_networks_file(chain: Chainstate, tmp_path: Path) -> None:
    other = open_chain(tmp_path / "regtest", REGTEST)
    grow(other, 1)
    with pytest.raises(UsageError, match="has no block of mainnet in it"):
        import_files([tmp_path / "regtest" / "blocks" / "blk00000.dat"], chain)


def test_a_refused_block_is_reported_with_its_descendants(
    blocks: list[bytes], chain: Chainstate, tmp_path: Path
) -> None:
    bad = bytearray(blocks[10])
    bad[-30] ^= 1  # in the coinbase's output, to which the root commits
    report = import_files([write(tmp_path / "bad.dat", [*blocks[:10], bytes(bad), *blocks[11:13]])], chain)
    assert chain.tip.height == 10
    assert [outcome.refusal and outcome.refusal.reason.value for outcome in report.refused] == ["bad-txnmrklroot"]
    assert report.counts[Status.ORPHAN] == 2
    both = [tmp_path / "bad.dat", write(tmp_path / "good.dat", blocks[10:11])]
    assert import_files(both, chain).refused == []
    assert chain.tip.height == 13
