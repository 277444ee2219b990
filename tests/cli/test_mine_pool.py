"""quorate mine --pool, against the tests' own pool."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.kernels.catalog import open_backend
from quorate.miner.mining import MOST_HITS

from ..miner.stratum.server import Client, Pool, twice
from .conftest import Quorate
from .mining import SLOW_NAMES, black_hole, events, mining

WORKER = ("--user", "someone.rig")


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


def test_two_devices_and_reconnects_lose_nothing_and_do_nothing_twice(pool: Pool) -> None:
    """The connection is cut on the way of some shares, and on the way back of the answers to others."""
    pool.difficulty, pool.mask = 0.0001, None
    pool.new_job()
    submissions = itertools.count(1)

    def cut(client: Client, message: dict[str, Any]) -> bool:
        number = next(submissions)
        if number in (15, 45):
            client.pool.judge(client, message["params"])
        if number in (5, 15, 30, 45):
            client.hang_up()
            return True
        return False

    pool.reactions["mining.submit"] = cut
    with mining("--pool", pool.url, *WORKER, "--devices", "cpu,reference", "--json") as miner:
        pool.wait_for(lambda: len(pool.shares) >= 400, 30)
        ran, seconds = miner.interrupt()
    assert ran.code == 130
    assert seconds < 1
    begin, *shares, end = events(ran.out)
    assert (begin["event"], begin["pool"], begin["worker"]) == ("begin", pool.url, "someone.rig")
    assert (end["stale"], end["rejected"], end["unanswered"]) == (0, {}, 0)
    assert end["connections"] == pool.connections >= 3
    # What the miner says is what the pool has counted, and both devices had a part in it.
    assert {(share["event"], share["outcome"]) for share in shares} == {("share", "accepted")}
    accepted = pool.shares
    assert sorted(share["hash"] for share in shares) == sorted(twice(header)[::-1].hex() for header in accepted)
    assert end["shares"] == len(accepted) == len(set(accepted))
    assert {share["device"] for share in shares} == {"cpu", "reference"}
    # Of the one header every nonce was tried, but for the windows that the end cut off.
    [header] = {header[:76] for header in accepted}
    nonces = sorted(int.from_bytes(header[76:], "little") for header in accepted)
    target = int(0xFFFF * 2**208 / next(iter(pool.jobs.values())).difficulty)
    whole = nonces[-1] + 1 - 3 * MOST_HITS * 2**256 // target
    expected = open_backend("cpu").search(header + bytes(4), 0, whole, target).nonces.tolist()
    assert nonces[: len(expected)] == expected
    assert len(expected) > 160


def test_the_first_share_comes_within_three_seconds(pool: Pool) -> None:
    """From the start of the process, with compiled kernels in the cache."""

    def seconds() -> float:
        before = len(pool.shares)
        began = time.monotonic()
        with mining("--pool", pool.url, *WORKER, "--devices", "cpu", "--quiet") as miner:
            pool.wait_for(lambda: len(pool.shares) > before, 60)
            taken = time.monotonic() - began
            ran, _ = miner.interrupt()
        assert (ran.code, len(ran.out.splitlines())) == (130, 1)
        return taken

    # The machine may be busy with other tests.
    assert min(seconds() for _ in range(3)) < 3


def test_a_new_job_is_worked_on_within_100_ms(pool: Pool) -> None:
    """From the pool's notification to the first share of it that comes back."""

    def seconds() -> float:
        began = time.monotonic()
        job = pool.new_job()
        while not any(header[4:36] == job.previous for header in list(pool.shares)):
            assert time.monotonic() - began < 10
            time.sleep(0.001)
        return time.monotonic() - began

    with mining("--pool", pool.url, *WORKER, "--devices", "cpu", "--quiet") as miner:
        pool.wait_for(lambda: pool.shares, 60)
        taken = [seconds() for _ in range(5)]
        ran, _ = miner.interrupt()
    assert ran.code == 130
    assert min(taken) < 0.1


def test_shares_and_refusals_are_shown(pool: Pool, tmp_path: Path) -> None:
    """By reason, and no password in anything that is said, though the pool repeats it."""
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    turns = itertools.count()

    def refuse(client: Client, message: dict[str, Any]) -> bool:
        if next(turns) % 4 == 1:
            client.answer(message, None, [23, "Low difficulty share of correct horse", None])
            return True
        return False

    pool.reactions["mining.submit"] = refuse
    who = (*WORKER, "--password-file", file)
    with mining("--pool", pool.url, *who, "--devices", "reference") as miner:
        pool.wait_for(lambda: len(pool.shares) >= 20, 30)
        ran, _ = miner.interrupt()
    assert ran.code == 130
    [asked] = pool.asked("mining.authorize")
    assert asked["params"] == ["someone.rig", "correct horse"]
    assert "horse" not in ran.out + ran.err
    *shares, end = ran.out.splitlines()
    assert shares[0] == f"share  {twice(pool.shares[0])[::-1].hex()}  found by reference, accepted"
    assert " is rejected: Low difficulty share of …" in ran.err
    assert f"quorate: {pool.url} gives work\n" in ran.err
    assert f"Mining for someone.rig at {pool.url}, on reference." in ran.err
    assert " shares, " in end
    assert " Low difficulty share of … in " in end
    assert end.endswith(f"for {pool.url}")


def test_a_pool_that_is_not_there_is_tried_again(pool: Pool) -> None:
    """And the next in the list is mined for meanwhile."""
    with mining("--pool", "stratum+tcp://127.0.0.1:1", *WORKER, "--devices", "reference") as miner:
        miner.log.line("stratum+tcp://127.0.0.1:1: Connection refused; the next attempt is in 1 s")
        miner.log.line("stratum+tcp://127.0.0.1:1: Connection refused; the next attempt is in ")
        ran, seconds = miner.interrupt()
    assert (ran.code, seconds < 1) == (130, True)
    assert ran.out.startswith("0 shares in ")
    with mining("--pool", f"stratum+tcp://127.0.0.1:1,{pool.url}", *WORKER, "--devices", "reference") as miner:
        pool.wait_for(lambda: pool.shares, 30)
        miner.log.line(f"{pool.url} gives work")
        ran, seconds = miner.interrupt()
    assert (ran.code, seconds < 1) == (130, True)


def test_ctrl_c_at_every_hindrance(pool: Pool) -> None:
    """Nobody gets to the pool, it has no address, it never answers, it is flooded with shares, it is silent."""

    def nothing(_: Client, __: dict[str, Any]) -> bool:
        return True

    with black_hole() as port, mining("--pool", f"stratum+tcp://127.0.0.1:{port}", *WORKER) as miner:
        miner.log.line("Mining for")
        time.sleep(0.5)
        ran, seconds = miner.interrupt()
        assert (ran.code, seconds < 1) == (130, True)
    with mining("--pool", "stratum+tcp://pool.example:3333", *WORKER, before=SLOW_NAMES) as miner:
        miner.log.line("Mining for")
        time.sleep(0.5)
        ran, seconds = miner.interrupt()
        assert (ran.code, seconds < 1) == (130, True)
    pool.reactions["mining.submit"] = nothing
    with mining("--pool", pool.url, *WORKER, "--devices", "reference", "--json") as miner:
        pool.wait_for(lambda: pool.asked("mining.submit"), 30)
        ran, seconds = miner.interrupt()
    assert (ran.code, seconds < 1) == (130, True)
    assert events(ran.out)[-1]["unanswered"] > 0
    answers = itertools.count()

    def flood(client: Client, message: dict[str, Any]) -> bool:
        next(answers)
        client.answer(message, True)
        return True

    pool.difficulty = 1e-09
    pool.new_job()
    pool.reactions["mining.submit"] = flood
    with mining("--pool", pool.url, *WORKER, "--devices", "cpu") as miner:
        pool.wait_for(lambda: next(answers) > 5000, 30)
        ran, seconds = miner.interrupt()
    assert (ran.code, seconds < 1) == (130, True)
    pool.reactions["mining.subscribe"] = nothing
    with mining("--pool", pool.url, *WORKER, "--devices", "reference", "--json") as miner:
        asked = len(pool.asked("mining.subscribe"))
        pool.wait_for(lambda: len(pool.asked("mining.subscribe")) > asked, 30)
        ran, seconds = miner.interrupt()
    assert (ran.code, seconds < 1) == (130, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--pool", "stratum+tcp://localhost:1"], "--user is missing: the name of the worker at the pool"),
        (["--pool", "http://localhost:1", *WORKER], "does not begin with a protocol that is known"),
        (["--pool", "stratum+tcp://localhost", *WORKER], "lacks a port"),
        (["--pool", "stratum+tcp://me:secret@localhost:1", *WORKER], "that belongs into --user"),
        (
            ["--pool", "stratum+tcp://localhost:1", *WORKER, "--blocks", "1"],
            "--blocks is about blocks, and --pool is not",
        ),
        (["--pool", "x", "--address", "a"], "--address is about blocks, and --pool is not"),
        (["--pool", "x", "--cookie", "c"], "--cookie is about --node, and --pool is not"),
        (["--pool", "x", "--empty"], "--empty is about --node, and --pool is not"),
        (["--pool", "x", "--network", "regtest"], "--network is about blocks, and --pool is not"),
        (["--pool", "x", "--datadir", "d"], "--datadir is about the chain of this machine, and --pool is not"),
        (["--pool", "x", "--header", "00"], "--header and --pool are two ways to mine; choose one"),
        (
            ["--pool", "stratum+tcp://localhost:1", *WORKER, "--password-file", "none"],
            "cannot read the password file none",
        ),
        (["--password-file", "f"], "--password-file is about --node or --pool, which is missing"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_in_one_sentence(
    quorate: Quorate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = quorate("mine", "--devices", "reference", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "secret" not in ran.err
    assert list(tmp_path.iterdir()) == []
