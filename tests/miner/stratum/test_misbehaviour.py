"""Pools that misbehave on purpose neither hang nor crash the miner, and it says what it saw."""

from __future__ import annotations

import itertools
import json
import logging
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from quorate.miner.stratum.failover import MAX_SHARES
from quorate.miner.stratum.lines import MAX_LINE, Fault
from quorate.miner.work import Outcome, SourceError

from .mining import QUICK, Open, next_work, shares
from .server import Client, Pool

METHODS = ("connect", "mining.configure", "mining.subscribe", "mining.authorize")


@pytest.fixture(autouse=True)
def _all_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "quorate")


def first(count: int, act: Callable[[Client], object]) -> Callable[[Client, dict[str, Any]], bool]:
    """Instead of the answer, for the first `count` times."""
    times = itertools.count()

    def react(client: Client, _: dict[str, Any]) -> bool:
        if next(times) >= count:
            return False
        act(client)
        return True

    return react


def answering(result: Any) -> Callable[[Client, dict[str, Any]], bool]:
    def react(client: Client, message: dict[str, Any]) -> bool:
        client.answer(message, result)
        return True

    return react


def assert_still_mines(pool: Pool, source: Any, after: Any = None) -> None:
    share = next(shares(next_work(source, after)))
    assert source.submit(share).result(10).outcome is Outcome.ACCEPTED
    assert share.header in pool.shares


# Silence and disconnects


@pytest.mark.parametrize("method", METHODS)
def test_silence_at_every_point(method: str, pool: Pool, open_source: Open, caplog: Any) -> None:
    """The silent pool is left for the next one, after the time that it has for a greeting."""
    pool.reactions[method] = first(100, lambda _: None)
    if method == "connect":
        pool.reactions[method] = first(100, lambda client: client.sock.recv(1 << 16) and client.sock.recv(1))
    with Pool() as other:
        source = open_source(pool, other, timing=replace(QUICK, greet=0.3))
        if method == "mining.configure":  # a pool may ignore that
            assert_still_mines(pool, source)
        else:
            assert_still_mines(other, source)
            assert "it gave no work within 0.3 s" in caplog.text
        source.close()


@pytest.mark.parametrize("method", [*METHODS, "mining.extranonce.subscribe", "mining.submit"])
def test_disconnects_at_every_point(method: str, pool: Pool, open_source: Open, caplog: Any) -> None:
    pool.reactions[method] = first(2, Client.hang_up)
    source = open_source(pool)
    assert_still_mines(pool, source)
    assert "it hung up" in caplog.text
    assert source.tally().accepted == 1


def test_disconnects_after_every_byte(pool: Pool, open_source: Open) -> None:
    """Each connection gets a little more of the pool's messages, until one gets them all, a share's answer too."""
    budgets = itertools.count(0, 17)

    def cut(client: Client, _: dict[str, Any]) -> bool:
        client.budget = next(budgets)
        return client.budget == 0

    pool.reactions["connect"] = cut
    source = open_source(pool, timing=replace(QUICK, backoff=0.001, backoff_most=0.002))
    share = next(shares(next_work(source)))
    assert source.submit(share).result(10).outcome is Outcome.ACCEPTED
    assert pool.shares == [share.header]
    assert pool.connections > 50


def test_a_pool_that_hangs_up_on_unknown_methods(pool: Pool, open_source: Open) -> None:
    """BIP 310 warns of them; the next attempt asks for nothing newer than 2012."""
    pool.reactions["mining.configure"] = first(100, Client.hang_up)
    pool.reactions["mining.extranonce.subscribe"] = first(100, Client.hang_up)
    pool.mask = None
    source = open_source(pool)
    assert_still_mines(pool, source)
    assert len(pool.asked("mining.configure")) == 1


def test_a_line_that_goes_dead_is_tested_and_left(pool: Pool, open_source: Open, caplog: Any) -> None:
    source = open_source(pool, timing=replace(QUICK, silence=1))
    next_work(source)
    pool.wait_for(lambda: pool.asked("mining.ping"))  # which it answers, so it stays
    assert pool.connections == 1
    pool.reactions["mining.ping"] = first(1, lambda _: None)
    pool.wait_for(lambda: pool.connections == 2)
    assert "it said nothing that makes sense for 1 s" in caplog.text
    assert_still_mines(pool, source)


def test_a_share_that_is_never_answered(pool: Pool, open_source: Open) -> None:
    pool.reactions["mining.submit"] = first(1, lambda _: None)
    source = open_source(pool, timing=replace(QUICK, answer=0.2))
    with pytest.raises(SourceError, match="did not say within 0.2 s what became of a share"):
        source.submit(next(shares(next_work(source)))).result(5)
    assert source.tally().unanswered == 1
    assert_still_mines(pool, source)


# Nonsense


NONSENSE: dict[str, tuple[Fault, bytes]] = {
    "garbage": (Fault.NOT_JSON, b"\x00\xff\xfe{]garbage\n"),
    "a web page": (Fault.NOT_JSON, b"HTTP/1.1 400 Bad Request\r\n"),
    "a list": (Fault.NOT_JSON, b"[1,2,3]\n"),
    "deep nesting": (Fault.NOT_JSON, b"[" * 100_000 + b"\n"),
    "a huge number": (Fault.NOT_JSON, b'{"id":' + b"9" * 100_000 + b"}\n"),
    "a huge line": (Fault.LONG_LINE, b'"' + b"x" * 2 * MAX_LINE + b'"\n'),
    "an empty object": (Fault.NOT_A_MESSAGE, b"{}\n"),
    "an id of nobody": (Fault.WRONG_ID, b'{"id":77,"result":true,"error":null}\n'),
    "no id": (Fault.WRONG_ID, b'{"id":null,"result":true,"error":null}\n'),
    "true as id": (Fault.WRONG_ID, b'{"id":true,"result":true,"error":null}\n'),
    "a list as id": (Fault.WRONG_ID, b'{"id":[1],"result":true,"error":null}\n'),
    "an unknown method": (Fault.UNKNOWN_METHOD, b'{"id":null,"method":"mining.dance","params":[]}\n'),
    "no message": (Fault.BAD_PARAMETERS, b'{"id":null,"method":"client.show_message","params":[null]}\n'),
    "nowhere to go": (Fault.BAD_PARAMETERS, b'{"id":null,"method":"client.reconnect","params":[1,[]]}\n'),
    "null parameters": (Fault.BAD_JOB, b'{"id":null,"method":"mining.notify","params":null}\n'),
    "no mask": (Fault.BAD_MASK, b'{"id":null,"method":"mining.set_version_mask","params":["1fff"]}\n'),
    "no extranonce": (Fault.BAD_EXTRANONCE, b'{"id":null,"method":"mining.set_extranonce","params":["0g",4]}\n'),
    **{
        f"difficulty {text.decode()}": (
            Fault.NOT_JSON if text in (b"NaN", b"1e99999999999999999999") else Fault.BAD_DIFFICULTY,
            b'{"id":null,"method":"mining.set_difficulty","params":[%b]}\n' % text,
        )
        for text in b"0 0.0 -1 1e-300 1e300 1e-999999999 1e99999999999999999999 NaN null true [] {}".split()
    },
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_named_counted_and_survived(what: str, pool: Pool, open_source: Open, caplog: Any) -> None:
    fault, line = NONSENSE[what]
    source = open_source(pool)
    work = next_work(source)
    pool.clients[0].raw(line)
    pool.new_job(clean=False)
    assert_still_mines(pool, source, work)
    assert source.tally().faults == {fault: 1}
    assert f"{pool.url}: {fault} (" in caplog.text
    assert pool.connections == 1


def spoilt(pool: Pool, at: int, value: Any) -> bytes:
    parameters = pool.new_job(clean=False, give=False).parameters()
    parameters[at] = value
    return json.dumps({"id": None, "method": "mining.notify", "params": parameters}).encode() + b"\n"


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, None), (0, ""), (0, 7), (0, "x" * 1000),
        (1, "00" * 31), (1, "zz" * 32), (1, None),
        (2, ""), (2, "0"), (2, "00" * 60), (2, None), (3, "ff" * 60), (3, []),
        (4, None), (4, ["00" * 32] * 21), (4, ["00" * 31]), (4, [None]), (4, [["00" * 32]]), (4, {"a": 1}),
        (5, "2000000"), (5, 1), (6, "00000000"), (6, "ff123456"), (6, "1d80ffff"), (7, "-6553f10"), (7, 1.5),
        (8, None), (8, "true"),
    ],
)  # fmt: skip
def test_absurd_jobs_are_refused(at: int, value: Any, pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = next_work(source)
    pool.clients[0].raw(spoilt(pool, at, value))
    good = pool.new_job(clean=False)
    assert next_work(source, work).job.id == good.name
    assert_still_mines(pool, source)
    assert source.tally().faults == {Fault.BAD_JOB: 1}


@pytest.mark.parametrize(
    "answer", [[None, None, None], [[], "zz", 4], [[], "00", -1], [[], "00", 100], [[], "00", True]]
)
def test_extranonces_that_fit_no_coinbase(answer: Any, pool: Pool, open_source: Open, caplog: Any) -> None:
    pool.reactions["mining.subscribe"] = answering(answer)
    with Pool() as other:
        assert_still_mines(other, open_source(pool, other))
    assert Fault.BAD_EXTRANONCE in caplog.text


def test_an_extranonce_of_a_size_that_the_job_has_no_room_for(pool: Pool, open_source: Open, caplog: Any) -> None:
    about = [["mining.notify", "one"]]
    pool.reactions["mining.subscribe"] = answering([about, "00", 4])
    source = open_source(pool, timing=replace(QUICK, greet=0.3))
    pool.wait_for(lambda: "it gave no work within 0.3 s" in caplog.text)
    assert Fault.BAD_JOB in caplog.text
    assert source.tally().faults[Fault.BAD_JOB] >= 1
    assert source.work(None, 0) is None


def test_half_messages_and_many_at_once(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = next_work(source)
    pool.wait_for_the_greeting()
    job = pool.new_job(clean=False, give=False)
    pool.clients[0].job_extranonce[job.name] = pool.clients[0].extranonce1
    line = json.dumps({"id": None, "method": "mining.notify", "params": job.parameters()}).encode() + b"\r\n\n"
    for at in range(0, len(line), 3):
        pool.clients[0].raw(line[at : at + 3])
    assert next_work(source, work).job.id == job.name
    pool.clients[0].raw(line * 20)
    assert_still_mines(pool, source)
    assert not source.tally().faults


def test_a_worker_that_is_refused_and_a_password_that_is_repeated(
    pool: Pool, open_source: Open, caplog: Any
) -> None:
    def refuse(client: Client, message: dict[str, Any]) -> bool:
        client.tell("client.show_message", f"the password is {message['params'][1]}\x1b[2J")
        client.raw(f"you said {message['params'][1]}\n".encode())
        client.answer(message, False, [24, f"wrong password: {message['params'][1]}", None])
        return True

    pool.reactions["mining.authorize"] = refuse
    with Pool() as other:
        source = open_source(pool, other)
        assert_still_mines(other, source)
        assert pool.asked("mining.authorize")[0]["params"] == ["someone.rig", "secret word"]
        assert "refuses the worker 'someone.rig': wrong password: …" in caplog.text
        assert "secret" not in caplog.text
        assert "\x1b" not in caplog.text
        source.close()


# Floods


def peak_of(act: Callable[[], None]) -> int:
    """Bytes that the process took at most meanwhile, the pool's part of the test included."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_line_without_end_takes_no_memory(pool: Pool, open_source: Open) -> None:
    source = open_source(pool)
    work = next_work(source)
    pool.wait_for_the_greeting()
    piece = b"x" * (1 << 16)

    def flood() -> None:
        for _ in range(1 << 10):
            pool.clients[0].raw(piece)
        pool.clients[0].raw(b"\n")
        pool.new_job(clean=False)
        next_work(source, work)

    assert peak_of(flood) < 3 << 20  # of 64 MiB
    assert source.tally().faults == {Fault.LONG_LINE: 1}
    assert pool.connections == 1


def test_a_flood_of_jobs_and_messages_takes_no_memory(pool: Pool, open_source: Open, caplog: Any) -> None:
    source = open_source(pool)
    next_work(source)
    template = json.dumps({"id": None, "method": "mining.notify", "params": pool.new_job(give=False).parameters()})

    def flood() -> None:
        for number in range(2_000):
            pool.clients[0].raw(template.replace('"job2"', f'"flood{number}"').encode() + b"\n")
            pool.clients[0].tell("client.show_message", f"news {number}")
        last = pool.new_job()
        work = next_work(source)
        while work.job.id != last.name:
            work = next_work(source, work)

    assert peak_of(flood) < 3 << 20
    assert caplog.text.count("says: news") == 20
    assert "the rest of this connection is only counted" in caplog.text
    assert_still_mines(pool, source)


def test_only_nonsense_ends_the_connection(pool: Pool, open_source: Open, caplog: Any) -> None:
    source = open_source(pool)
    next_work(source)
    pool.clients[0].raw(b"nonsense\n" * 1000)
    pool.wait_for(lambda: pool.connections == 2)
    assert_still_mines(pool, source)
    assert "it said 100 things in a row that make no sense" in caplog.text
    assert source.tally().faults == {Fault.NOT_JSON: 100}


def test_questions_without_end_from_a_pool_that_does_not_read(pool: Pool, open_source: Open, caplog: Any) -> None:
    def ask(client: Client, _: dict[str, Any]) -> bool:
        question = json.dumps({"id": "i" * 99, "method": "client.get_version", "params": []}).encode() + b"\n"
        while client.budget != 0:
            try:
                client.sock.sendall(question * 500)
            except OSError:
                client.budget = 0
        return True

    pool.reactions["mining.extranonce.subscribe"] = first(1, lambda client: ask(client, {}))
    pool.mask = None
    source = open_source(pool)
    next_work(source)
    pool.wait_for(lambda: pool.connections == 2)
    assert "it does not read what we say" in caplog.text
    assert_still_mines(pool, source)


def test_shares_without_end_at_a_target_that_every_hash_meets(pool: Pool, open_source: Open) -> None:
    pool.reactions["mining.submit"] = lambda *_: True
    source = open_source(pool)
    solution = next(shares(next_work(source)))
    futures = [source.submit(solution) for _ in range(MAX_SHARES + 10)]
    for future in futures[-10:]:
        with pytest.raises(SourceError, match="wait for the pool's answer already"):
            future.result(5)
    assert not futures[0].done()
