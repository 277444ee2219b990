"""The protocol's part of the client without a network: what it says, and that no bytes at all upset it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.miner.stratum.jobs import Extranonce, StratumWork
from quorate.miner.stratum.lines import MAX_LINE, Fault
from quorate.miner.stratum.protocol import (
    MAX_FAULTS,
    Answered,
    Credentials,
    Event,
    Faulty,
    MoveTo,
    NewWork,
    Over,
    Session,
    Told,
)
from quorate.miner.work import Answer, Outcome, Solution

from .test_jobs import NOTIFY

WORKER = Credentials("me.rig", "secret word")
SUBSCRIBED = [[["mining.set_difficulty", "d1"], ["mining.notify", "ae68"]], "08000002", 4]


def line(**message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def told(method: str, *parameters: Any) -> bytes:
    return line(id=None, method=method, params=list(parameters))


def said(session: Session) -> list[dict[str, Any]]:
    return [json.loads(each) for each in session.outgoing().splitlines()]


def ready(mask: str | None = "1fffe000", **options: Any) -> Session:
    """A session with work, and nothing more to say."""
    session = Session(WORKER, **options)
    configured = {"version-rolling": mask is not None, "version-rolling.mask": mask, "subscribe-extranonce": True}
    session.receive(line(id=1, result=configured, error=None) + line(id=2, result=SUBSCRIBED, error=None))
    events = session.receive(line(id=3, result=True, error=None) + told("mining.notify", *NOTIFY))
    assert [type(event) for event in events] == [NewWork]
    session.outgoing()
    return session


def work_of(events: list[Event]) -> StratumWork:
    (event,) = events
    assert isinstance(event, NewWork)
    return event.work


def test_the_greeting() -> None:
    session = Session(WORKER, resume="ae68")
    mask = {"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 1}
    assert said(session) == [
        {"id": 1, "method": "mining.configure", "params": [["version-rolling", "subscribe-extranonce"], mask]},
        {"id": 2, "method": "mining.subscribe", "params": ["quorate", "ae68"]},
    ]
    assert session.receive(line(id=2, result=SUBSCRIBED, error=None)) == []
    assert said(session) == [{"id": 3, "method": "mining.authorize", "params": ["me.rig", "secret word"]}]
    assert (session.name, session.extranonce) == ("ae68", Extranonce(bytes.fromhex("08000002"), 4))
    session.receive(line(id=3, result=True, error=None))
    assert said(session) == [{"id": 4, "method": "mining.extranonce.subscribe", "params": []}]
    assert said(session) == []


def test_the_greeting_of_2012() -> None:
    session = Session(WORKER, extensions=False)
    session.receive(line(id=1, result=SUBSCRIBED, error=None) + line(id=2, result=True, error=None))
    assert [message["method"] for message in said(session)] == ["mining.subscribe", "mining.authorize"]


@pytest.mark.parametrize(
    ("subscriptions", "name"),
    [
        ([["mining.notify", "a"]], "a"),
        (["mining.notify", "b"], "b"),
        ([["mining.set_difficulty", "c"]], None),
        ([["mining.notify", None]], None),
        ([["mining.notify"]], None),
        (None, None),
        ("mining.notify", None),
        ([], None),
    ],
)
def test_the_names_of_a_session(subscriptions: Any, name: str | None) -> None:
    session = Session(WORKER)
    session.receive(line(id=2, result=[subscriptions, "", 8], error=None))
    assert (session.name, session.extranonce) == (name, Extranonce(b"", 8))


def test_shares_are_matched_to_their_answers() -> None:
    session = ready()
    work = work_of(session.receive(told("mining.notify", *NOTIFY)))
    solution = Solution(work, 1, 2 | 0x6000, 0x504E86ED, 0xB2957C02, b"")
    assert session.objection(solution) is None
    requests = [session.submit(solution) for _ in range(6)]
    parameters = ["me.rig", "bf", "00000001", "504e86ed", "b2957c02", "00006000"]
    assert said(session) == [{"id": r, "method": "mining.submit", "params": parameters} for r in requests]
    session.forget(requests[5])
    replies = [
        line(id=requests[4], result=True, error=None),
        line(id=requests[0], result=None, error=[21, "unknown work", None]),
        line(id=requests[1], result=False, error={"code": 22, "message": "Duplicate"}),
        line(id=requests[2], result=False, error=None, **{"reject-reason": "Above target"}),
        line(id=requests[3], result=None, error=[-2, "", None]),
        line(id=requests[5], result=True, error=None),
    ]
    assert session.receive(b"".join(replies)) == [
        Answered(requests[4], Answer(Outcome.ACCEPTED), False),
        Answered(requests[0], Answer(Outcome.STALE, "unknown work"), False),
        Answered(requests[1], Answer(Outcome.REJECTED, "Duplicate"), True),
        Answered(requests[2], Answer(Outcome.REJECTED, "Above target"), False),
        Answered(requests[3], Answer(Outcome.REJECTED, "error -2"), False),
        Faulty(Fault.WRONG_ID, str(requests[5])),
    ]


def test_a_second_answer_is_an_answer_to_nothing() -> None:
    session = ready()
    work = work_of(session.receive(told("mining.notify", *NOTIFY)))
    request = session.submit(Solution(work, 1, work.version, work.time, 7, b""))
    answer = line(id=request, result=True, error=None)
    assert session.receive(answer + answer) == [
        Answered(request, Answer(Outcome.ACCEPTED), False),
        Faulty(Fault.WRONG_ID, str(request)),
    ]


def test_without_version_rolling_five_parameters_and_one_version() -> None:
    session = ready(mask=None)
    work = work_of(session.receive(told("mining.set_version_mask", "1fffe000") + told("mining.notify", *NOTIFY)))
    assert work.version_mask == 0
    solution = Solution(work, 1, 2, work.time, 7, b"")
    session.submit(solution)
    assert said(session)[0]["params"] == ["me.rig", "bf", "00000001", "504e86b9", "00000007"]
    rolled = Solution(work, 1, 2 | 0x2000, work.time, 7, b"")
    assert session.objection(rolled) == "its version bits have been withdrawn"


def test_a_mask_is_never_wider_than_bip_320() -> None:
    assert work_of(ready(mask="ffffffff").receive(told("mining.notify", *NOTIFY))).version_mask == 0x1FFFE000


def test_a_later_session_takes_shares_of_the_same_extranonce_and_pool() -> None:
    work = work_of(ready(connection=1, pool=1).receive(told("mining.notify", *NOTIFY)))
    solution = Solution(work, 1, work.version, work.time, 7, b"")
    assert ready(connection=2, pool=1).objection(solution) is None
    assert ready(connection=2, pool=0).objection(solution) == "its session has ended"
    other = ready(connection=2, pool=1)
    other.receive(told("mining.set_extranonce", "09000002", 4))
    assert other.objection(solution) == "its session has ended"
    assert Session(WORKER, connection=1, pool=1).objection(solution) == "its session has ended"  # not authorized


def test_what_a_pool_may_ask() -> None:
    session = ready()
    assert session.receive(line(id=9, method="mining.ping", params=[])) == []
    assert session.receive(line(id="v", method="client.get_version", params=[])) == []
    assert session.receive(line(id=5, method="mining.dance", params=[])) == [
        Faulty(Fault.UNKNOWN_METHOD, "mining.dance")
    ]
    assert said(session) == [
        {"id": 9, "result": "pong", "error": None},
        {"id": "v", "result": "quorate", "error": None},
        {"id": 5, "result": None, "error": [-3, "unknown method", None]},
    ]


def test_what_a_pool_may_say() -> None:
    session = ready()
    assert session.receive(told("client.show_message", "hello\x1b[2J secret word")) == [Told("hello�[2J …")]
    moves = [
        (["a.org", 1, 5], MoveTo("a.org", 1, 5.0)), (["a.org", "1"], MoveTo("a.org", 1, 0.0)),
        ([], MoveTo("", 0, 0.0)), (None, MoveTo("", 0, 0.0)), (["a", 1, -5], MoveTo("a", 1, 0.0)),
        (["a", 1, 10**9], MoveTo("a", 1, 0.0)),
    ]  # fmt: skip
    for parameters, move in moves:
        assert session.receive(line(id=None, method="client.reconnect", params=parameters)) == [move]


def test_refusals_end_the_session() -> None:
    session = Session(WORKER, extensions=False)
    assert session.receive(line(id=1, result=None, error=[20, "full", None])) == [
        Over("it refuses the subscription: full")
    ]
    session = Session(WORKER, extensions=False)
    session.receive(line(id=1, result=SUBSCRIBED, error=None))
    refusal = line(id=2, result=False, error=[24, "no secret word", None])
    assert session.receive(refusal) == [Over("it refuses the worker 'me.rig': no …")]


def test_a_job_before_its_extranonce_is_refused() -> None:
    assert Session(WORKER).receive(told("mining.notify", *NOTIFY)) == [
        Faulty(Fault.BAD_JOB, "it came before the extranonce")
    ]


def test_nonsense_is_borne_for_so_long() -> None:
    session = ready()
    events = session.receive(b"nonsense\n" * (MAX_FAULTS - 1))
    assert events == [Faulty(Fault.NOT_JSON, "nonsense")] * (MAX_FAULTS - 1)
    session.receive(told("mining.set_difficulty", 2))
    assert not any(isinstance(e, Over) for e in session.receive(b"nonsense\n" * (MAX_FAULTS - 1)))
    assert isinstance(session.receive(b"nonsense\n")[-1], Over)


def test_the_longest_line_there_may_be() -> None:
    text = b'{"id":null,"method":"client.show_message","params":["%s"]}'
    fits = text % (b"x" * (MAX_LINE - len(text) + 2))
    assert [type(e) for e in ready().receive(fits + b"\n")] == [Told]
    session = ready()
    assert session.receive(fits + b" ") == [Faulty(Fault.LONG_LINE, f"more than {MAX_LINE} bytes")]
    assert session.receive(b"more of it\n") == []
    assert [type(e) for e in session.receive(told("client.show_message", "back"))] == [Told]


def test_the_password_is_in_no_text() -> None:
    assert "secret" not in repr(WORKER) + str(WORKER) + repr(Session(WORKER))
    session = Session(Credentials("me", 'se"cröt'))
    events = session.receive(b'se"cr\xc3\xb6t se\\"cr\\u00f6t ' * 100 + b"\n")
    assert events == [Faulty(Fault.NOT_JSON, "… " * 80 + "…")]


# Fuzzing

VALID = [
    line(id=1, result={"version-rolling": True, "version-rolling.mask": "1fffe000"}, error=None),
    line(id=2, result=SUBSCRIBED, error=None),
    line(id=3, result=True, error=None),
    line(id=4, result=None, error=[20, "no", None]),
    *(line(id=request, result=True, error=None) for request in range(5, 9)),
    told("mining.set_difficulty", 1e-05),
    told("mining.set_extranonce", "0a000002", 4),
    told("mining.set_version_mask", "00006000"),
    told("mining.notify", *NOTIFY),
    told("client.reconnect", "pool.org", 3333, 1),
    told("client.show_message", "hello"),
    line(id=8, method="mining.ping", params=[]),
    b"\n",
]
GREETED = VALID[0] + VALID[1] + VALID[2] + told("mining.notify", *NOTIFY)
VALUES = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"-1",
    b"0",
    b"1e-05",
    b"1e400",
    b"-0.0",
    b'""',
    b'"00"',
    b'"\\ud800"',
    b"9" * 50,
]
EVENTS = (NewWork, Answered, Faulty, Told, MoveTo, Over)


def stir(rng: random.Random) -> bytes:
    """Messages in a row of which most are good, and some bent in one of the ways that things get bent."""
    stream = bytearray(rng.choice((b"", GREETED)))
    for _ in range(rng.randrange(1, 8)):
        message = bytearray(rng.choice(VALID))
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 5))):
            at = rng.randrange(len(message) + 1)
            match rng.randrange(4):
                case 0:
                    message[at : at + rng.choice((1, 1, 8, 64))] = b""
                case 1:
                    message[at:at] = rng.choice(VALUES)
                case 2:
                    message[at : at + 1] = bytes([rng.randrange(256)])
                case 3:
                    values = bytes(message).split(b",")
                    values[rng.randrange(len(values))] = rng.choice(VALUES)
                    message = bytearray(b",".join(values))
        stream += message
    return bytes(stream)


def withstand(stream: bytes, rng: random.Random) -> list[Event]:
    """Feed a new session with a stream in pieces; what it makes of that can be used."""
    session = Session(WORKER)
    events: list[Event] = []
    while stream:
        size = rng.choice((1, 2, 20, 200, len(stream)))
        new = session.receive(stream[:size])
        stream = stream[size:]
        events += new
        for event in new:
            assert isinstance(event, EVENTS)
            assert "secret" not in repr(event)
            if isinstance(event, NewWork):
                work = event.work
                assert len(work.header(0, work.version, work.time)) == 80
                solution = Solution(work, 0, work.version, work.time, 0, b"")
                if session.objection(solution) is None:
                    session.submit(solution)
    for reply in session.outgoing().splitlines():
        assert isinstance(json.loads(reply), dict)
    return events


@given(st.binary(max_size=500), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_any_pieces(stream: bytes, rng: random.Random) -> None:
    withstand(stream, rng)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=15,
)
METHODS = sorted({json.loads(each).get("method") or "" for each in VALID if each.strip()})


REQUESTS = st.fixed_dictionaries({"id": JSON, "method": st.sampled_from(METHODS), "params": JSON})
REPLIES = st.fixed_dictionaries({"id": st.integers(0, 5), "result": JSON, "error": JSON})


@given(st.lists(REQUESTS | REPLIES, max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_values_in_any_message(messages: list[dict[str, Any]]) -> None:
    stream = VALID[1] + b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    withstand(stream, random.Random(len(stream)))


def fuzz(count: int, seed: int) -> dict[type[Event], int]:
    rng = random.Random(seed)
    seen = dict.fromkeys(EVENTS, 0)
    for _ in range(count):
        for event in withstand(stir(rng), rng):
            seen[type(event)] += 1
    return seen


def test_bent_messages() -> None:
    seen = fuzz(1_000, 1)
    assert all(seen.values()), seen


@pytest.mark.slow
def test_a_million_bent_messages() -> None:
    """Four minutes."""
    assert all(count > 1_000 for count in fuzz(1_000_000, 2).values())
