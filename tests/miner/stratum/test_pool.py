"""A pool as a source of work: real shares, over real sockets, judged by a server that shares no code."""

from __future__ import annotations

import itertools
import threading
import time
from fractions import Fraction
from typing import Any

import pytest

from quorate.miner.stratum.failover import MAX_JOBS
from quorate.miner.stratum.lines import Fault
from quorate.miner.work import Outcome, Solution, SourceError

from .mining import QUICK, Open, next_work, shares
from .server import Client, Pool, Reaction


def test_a_share_is_found_handed_in_and_accepted(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    solution = next(shares(next_work(source)))
    assert source.submit(solution).result(5).outcome is Outcome.ACCEPTED
    assert pool.shares == [solution.header]
    assert source.tally().accepted == 1
    assert source.name == pool.url


def test_version_time_and_extranonce_are_rolled(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = next_work(source)
    assert work.version_mask == 0x1FFFE000
    rolled = [
        next(shares(work, version=work.version | 1 << 13)),
        next(shares(work, version=work.version | 0x1FFFE000, seconds=600)),
        next(s for s in shares(work, seconds=5) if s.extranonce > 0),
    ]
    assert [source.submit(s).result(5).outcome for s in rolled] == [Outcome.ACCEPTED] * 3
    assert pool.shares == [s.header for s in rolled]


@pytest.mark.parametrize("size", [0, 1, 2, 8, 16])
def test_extranonces_of_every_size(open_source: Open, size: int) -> None:
    with Pool(extranonce2=size, mask=None) as pool:
        source = open_source(pool)
        work = next_work(source)
        assert (work.extranonce_bytes, work.version_mask) == (size, 0)
        found = next(shares(work))
        assert source.submit(found).result(5).outcome is Outcome.ACCEPTED
        source.close()


def test_what_the_pool_refuses_is_counted_under_its_words(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = next_work(source)
    found = next(shares(work))
    bad = Solution(work, found.extranonce, found.version, found.time, found.nonce ^ 1, found.digest)
    late = Solution(work, found.extranonce, found.version, work.time + 8000, found.nonce, found.digest)
    answers = [source.submit(s).result(5) for s in (found, found, bad, late)]
    assert [a.outcome for a in answers] == [Outcome.ACCEPTED] + [Outcome.REJECTED] * 3
    assert source.tally().rejected == {"Duplicate share": 1, "Low difficulty share": 1, "Time out of range": 1}


def test_a_job_that_is_not_clean_leaves_older_work_alive(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    first = next_work(source)
    pool.new_job(clean=False)
    second = next_work(source, first)
    assert (first.replaces, second.replaces) == (True, False)
    assert source.submit(next(shares(first))).result(5).outcome is Outcome.ACCEPTED
    pool.new_job(clean=True)
    third = next_work(source, second)
    assert third.replaces
    answer = source.submit(next(s for s in shares(second))).result(5)
    assert (answer.outcome, answer.reason) == (Outcome.STALE, "Job not found")
    assert source.tally().stale == 1


def test_work_that_was_skipped_may_have_made_older_work_stale(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    first = next_work(source)
    pool.new_job(clean=True)
    last = pool.new_job(clean=False)
    work = next_work(source, first)
    while work.job.id != last.name:
        work = next_work(source, work)
    assert source.work(work, 0) is None
    assert next_work(source, first).replaces


def test_a_miner_need_not_keep_jobs_without_number(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = first = next_work(source)
    for _ in range(MAX_JOBS):
        assert work.era == first.era
        pool.new_job(clean=False)
        work = next_work(source, work)
    assert work.replaces
    assert work.era == first.era + 1


def test_difficulty_and_extranonce_hold_from_the_next_job_on(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    first = next_work(source)
    pool.set_difficulty(2e-07)
    client = pool.clients[0]
    client.extranonce1 = b"\1\2\3\4"
    client.tell("mining.set_extranonce", "01020304", 4)
    assert source.submit(next(shares(first))).result(5).outcome is Outcome.ACCEPTED
    pool.new_job(clean=False)
    second = next_work(source, first)
    assert first.target // second.target == 2
    assert second.coinbase[0].endswith(b"\1\2\3\4")
    found = [next(shares(second)), list(itertools.islice(shares(first), 2))[1]]
    assert [source.submit(s).result(5).outcome for s in found] == [Outcome.ACCEPTED] * 2


def test_a_mask_holds_at_once_and_withdrawn_bits_are_stale(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    first = next_work(source)
    pool.set_mask(0x00002000)
    second = next_work(source, first)
    assert (second.job, second.version_mask, second.replaces) == (first.job, 0x2000, True)
    still = next(shares(first, version=first.version | 0x2000))
    withdrawn = next(shares(first, version=first.version | 0x4000))
    assert source.submit(still).result(5).outcome is Outcome.ACCEPTED
    answer = source.submit(withdrawn).result(5)
    assert (answer.outcome, answer.reason) == (Outcome.STALE, "its version bits have been withdrawn")


def test_a_job_given_out_again_has_other_headers(pool: Pool, open_source: Open) -> None:
    """With another difficulty or mask a miner begins anew, and would hand in its old shares again."""
    source = open_source(pool)
    first = next_work(source)
    pool.wait_for_the_greeting()
    job = pool.jobs[first.job.id]
    pool.clients[0].give(job)
    assert source.work(first, 0.2) is None  # the same said again is no news
    pool.clients[0].tell("mining.set_difficulty", 5e-08)
    pool.clients[0].give(job)
    easier = next_work(source, first)
    assert easier.target > first.target
    other = pool.new_job(clean=False)
    between = next_work(source, easier)
    assert between.job.id == other.name
    pool.clients[0].give(job)
    again = next_work(source, between)
    pool.set_mask(0x2000)
    masked = next_work(source, again)
    works = (first, easier, again, masked)
    assert {work.job for work in works} == {first.job}
    found = [share for work in works for share in itertools.islice(shares(work), 3)]
    job.difficulty = Fraction("5e-08")
    assert [source.submit(share).result(5).outcome for share in found] == [Outcome.ACCEPTED] * len(found)
    assert len(set(pool.shares)) == len(found)


# Reconnects


def hang_up_on(count: int, before_judging: bool) -> Reaction:
    """The first `count` submissions cost the connection: before or after the share is counted, never answered."""
    left = itertools.count(1)

    def react(client: Client, message: dict[str, Any]) -> bool:
        if next(left) > count:
            return False
        if not before_judging:
            client.pool.judge(client, message["params"])
        client.hang_up()
        return True

    return react


@pytest.mark.parametrize("before_judging", [True, False])
def test_shares_survive_a_reconnect_and_count_once(pool: Pool, open_source: Open, before_judging: bool) -> None:
    """Some shares are lost on the way there, or their answers on the way back; some are found without a line."""
    pool.reactions["mining.submit"] = hang_up_on(2, before_judging)
    source = open_source(pool)
    work = next_work(source)
    found = list(itertools.islice(shares(work), 6))
    futures = [source.submit(s) for s in found[:3]]
    pool.wait_for(lambda: pool.connections > 1)
    futures += [source.submit(s) for s in found[3:]]
    assert [f.result(10).outcome for f in futures] == [Outcome.ACCEPTED] * 6
    assert source.work(work, 0) is None  # the same job goes on: nothing is searched anew
    assert sorted(pool.shares) == sorted(s.header for s in found)
    assert source.tally().accepted == 6
    subscriptions = pool.asked("mining.subscribe")
    assert [m["params"] for m in subscriptions[:2]] == [["quorate"], ["quorate", "session0"]]


def test_without_resumption_shares_of_the_old_session_are_stale(open_source: Open) -> None:
    with Pool(remembers=False) as pool:
        source = open_source(pool)
        work = next_work(source)
        found = next(shares(work))
        pool.jobs[work.job.id].clean = False  # a new session makes the old one's work stale all the same
        pool.clients[0].hang_up()
        new = next_work(source, work)
        assert new.extranonce != work.extranonce
        assert new.replaces
        assert source.submit(found).result(5).outcome is Outcome.STALE
        assert source.submit(next(shares(new))).result(5).outcome is Outcome.ACCEPTED
        assert pool.verdicts == ["accepted"]  # the stale one was not sent
        source.close()


def test_a_pool_that_dislikes_the_old_session_gives_a_new_one(pool: Pool, open_source: Open) -> None:
    def refuse(client: Client, message: dict[str, Any]) -> bool:
        if len(message["params"]) > 1:
            client.answer(message, None, [20, "one parameter only", None])
        return len(message["params"]) > 1

    pool.reactions["mining.subscribe"] = refuse
    source = open_source(pool)
    work = next_work(source)
    pool.clients[0].hang_up()
    assert next_work(source, work).extranonce != work.extranonce


def test_failover_and_back_to_the_first(open_source: Open) -> None:
    with Pool() as first, Pool() as second:
        port = first.port
        source = open_source(first, second)
        work = next_work(source)
        assert (work.pool, source.name) == (0, first.url)
        first.close()
        backup = next_work(source, work)
        assert (backup.pool, source.name, backup.replaces) == (1, second.url, True)
        assert source.submit(next(shares(work))).result(5).outcome is Outcome.STALE
        assert source.submit(next(shares(backup))).result(5).outcome is Outcome.ACCEPTED
        with Pool(port=port) as again:
            back = next_work(source, backup)
            assert (back.pool, source.name) == (0, again.url)
            assert source.submit(next(shares(back))).result(5).outcome is Outcome.ACCEPTED
            second.wait_for(lambda: not second.clients)
            source.close()


def test_a_share_under_way_is_answered_while_the_miner_moves_on(open_source: Open) -> None:
    """The backup's last answer comes after the first pool is well again."""
    with Pool() as first, Pool() as second:
        port = first.port
        first.close()
        held: list[tuple[Client, dict[str, Any]]] = []

        def hold(client: Client, message: dict[str, Any]) -> bool:
            held.append((client, message))
            return True

        second.reactions["mining.submit"] = hold
        source = open_source(first, second)
        backup = next_work(source)
        future = source.submit(next(shares(backup)))
        second.wait_for(lambda: held)
        with Pool(port=port):
            assert next_work(source, backup).pool == 0
            client, message = held[0]
            client.answer(message, True)
            assert future.result(5).outcome is Outcome.ACCEPTED
            source.close()


def test_reconnect_to_the_same_host_only(pool: Pool, open_source: Open) -> None:
    with Pool() as other:
        source = open_source(pool)
        work = next_work(source)
        pool.clients[0].tell("client.reconnect", "pool.example.org", other.port, 0)
        pool.clients[0].tell("client.reconnect", "127.0.0.1", other.port, 0)
        moved = next_work(source, work)
        assert source.submit(next(shares(moved))).result(5).outcome is Outcome.ACCEPTED
        assert len(other.shares) == 1
        assert source.tally().faults == {Fault.BAD_RECONNECT: 1}
        other.clients[0].hang_up()
        pool.wait_for(lambda: pool.connections == 2)
        source.close()


# The end


def test_close_waits_for_answers_but_not_long(pool: Pool, open_source: Open) -> None:
    def slowly(*_: object) -> bool:
        time.sleep(0.3)
        return False

    pool.reactions["mining.submit"] = slowly
    source = open_source(pool)
    solution = next(shares(next_work(source)))
    future = source.submit(solution)
    source.close()
    assert future.result(0).outcome is Outcome.ACCEPTED
    with pytest.raises(SourceError, match="has ended"):
        source.work(None, 1)
    with pytest.raises(SourceError, match="has ended"):
        source.submit(solution).result(1)


def test_close_with_a_silent_pool(pool: Pool, open_source: Open) -> None:
    pool.reactions["mining.submit"] = lambda *_: True
    source = open_source(pool)
    future = source.submit(next(shares(next_work(source))))
    pool.wait_for(lambda: pool.asked("mining.submit"))
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < QUICK.linger + 3
    assert isinstance(future.exception(0), SourceError)
    assert source.tally().unanswered == 1
    assert not [t for t in threading.enumerate() if t.name == "pool"]


def test_close_while_nobody_is_there(open_source: Open) -> None:
    with Pool() as gone:
        pass
    source = open_source(gone)
    assert source.work(None, 0.2) is None
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 3
