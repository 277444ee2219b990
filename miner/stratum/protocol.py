"""A client's part of Stratum v1 as a state machine without a socket: bytes in, events and bytes out.

Sources: the Bitcoin Wiki's page on the Stratum mining protocol and the announcement of the protocol by
slush's pool; BIP 310 for `mining.configure` and version rolling; NiceHash for `mining.extranonce.subscribe`.
No bytes at all raise anything: what is wrong becomes an event with a name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..work import Answer, Outcome, Solution
from .jobs import Extranonce, Job, StratumWork, parse_extranonce, parse_mask, parse_notify, target_of
from .lines import MAX_LINE, Fault, FaultError, Lines, decode, encode, printable

AGENT = "quorate"
ROLLED_MASK = 0x1FFFE000
"""The version bits that miners may use: 13 to 28 (BIP 320)."""

MAX_FAULTS = 100
"""In a row, without one sound message in between, until a pool is not worth listening to."""

MAX_WAIT = 300.0
"""Seconds that `client.reconnect` may ask for."""

_JOB_NOT_FOUND = 21
_DUPLICATE = 22
_SECRET = 4
"""Characters from which on a password is looked for in what a pool says: `x` stands in every other word."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who mines. The password is in no text that this package makes."""

    user: str
    password: str = field(default="x", repr=False)
    """Most pools want some and read none."""


@dataclass(frozen=True, slots=True)
class NewWork:
    work: StratumWork


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a share; `request` is what `Session.submit` returned."""

    request: int
    answer: Answer
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Faulty:
    """The pool did something wrong, and the conversation goes on."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """Words of the pool for whoever mines (`client.show_message`)."""

    text: str


@dataclass(frozen=True, slots=True)
class MoveTo:
    """The pool wants the miner elsewhere, or wants it to connect anew (`client.reconnect`)."""

    host: str
    """Empty for the same."""

    port: int
    """0 for the same."""

    wait: float
    """Seconds, from 0 to `MAX_WAIT`."""


@dataclass(frozen=True, slots=True)
class Over:
    """This conversation leads nowhere; the text says why."""

    reason: str


Event = NewWork | Answered | Faulty | Told | MoveTo | Over


class Session:
    """One conversation with one pool. Not for several threads.

    `resume` is the name of an earlier session, for a pool that remembers it; without `extensions` nothing
    is asked for that came after 2012, for pools that hang up on what they do not know.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        connection: int = 0,
        pool: int = 0,
        resume: str | None = None,
        extensions: bool = True,
    ) -> None:
        self.name: str | None = None
        """What the pool calls the session; a later one may be its continuation."""
        self.extranonce: Extranonce | None = None
        """That of the next job; None until the pool has answered the subscription."""
        self.authorized = False
        self.sound = 0
        """How many messages have made sense: a sign of life that garbage is not."""

        self.connection = connection
        self.pool = pool
        self._credentials = credentials
        self._resume = resume
        self._extensions = extensions
        self._lines = Lines()
        self._out = bytearray()
        self._asked: dict[int, str] = {}
        self._last_request = 0
        self._ping = 0
        self._works = 0
        self._faults_in_a_row = 0
        self._target = target_of(1)
        self._rolling = False
        self._mask = 0
        self._extranonce_told = False
        self._job: tuple[Job, Extranonce, int] | None = None

        if extensions:
            bits = {"version-rolling.mask": f"{ROLLED_MASK:08x}", "version-rolling.min-bit-count": 1}
            self._ask("mining.configure", [["version-rolling", "subscribe-extranonce"], bits])
        self._subscribe()

    # What the miner says

    def outgoing(self) -> bytes:
        """The bytes to send, each once."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def ping(self) -> None:
        """Ask for a sign of life; a pool that does not know the question answers with an error."""
        self.forget(self._ping)
        self._ping = self._ask("mining.ping", [])

    def objection(self, solution: Solution) -> str | None:
        """Why a share cannot be handed in here; None when it can.

        A job of an earlier connection goes on where the pool gave the same extranonce again. Whether a job
        still lives is for the pool to say, which alone knows what its jobs were.
        """
        work = solution.work
        if not isinstance(work, StratumWork) or work.pool != self.pool or not self.authorized:
            return "its session has ended"
        if work.connection != self.connection and work.extranonce != self.extranonce:
            return "its session has ended"
        if (solution.version ^ work.version) & ~self._mask:
            return "its version bits have been withdrawn"
        return None

    def submit(self, solution: Solution) -> int:
        """Hand in a share to which there is no `objection`; the number comes back in `Answered`."""
        work = solution.work
        assert isinstance(work, StratumWork)
        parameters = [
            self._credentials.user,
            work.job.id,
            (work.prefix + solution.extranonce.to_bytes(work.extranonce_bytes)).hex(),
            f"{solution.time:08x}",
            f"{solution.nonce:08x}",
        ]
        if self._rolling:
            parameters.append(f"{solution.version & self._mask:08x}")
        return self._ask("mining.submit", parameters)

    def forget(self, request: int) -> None:
        """The answer to this request is no longer waited for."""
        self._asked.pop(request, None)

    def _subscribe(self) -> None:
        self._ask("mining.subscribe", [AGENT] if self._resume is None else [AGENT, self._resume])

    def _ask(self, method: str, parameters: list[Any]) -> int:
        self._last_request += 1
        self._asked[self._last_request] = method
        self._out += encode({"id": self._last_request, "method": method, "params": parameters})
        return self._last_request

    # What the pool says

    def receive(self, data: bytes) -> list[Event]:
        """Take in what came, in pieces of any size, and say what it means."""
        events: list[Event] = []
        for line in self._lines.feed(data):
            try:
                if line is None:
                    raise FaultError(Fault.LONG_LINE, f"more than {MAX_LINE} bytes")
                events += self._message(decode(line))
                self._faults_in_a_row = 0
                self.sound += 1
            except FaultError as error:
                events.append(Faulty(error.fault, self._clean(error.detail)))
                self._faults_in_a_row += 1
            if self._faults_in_a_row >= MAX_FAULTS:
                events.append(Over(f"it said {MAX_FAULTS} things in a row that make no sense"))
            if events and isinstance(events[-1], Over):
                break
        return events

    def _message(self, message: dict[str, Any]) -> list[Event]:
        method = message.get("method")
        if isinstance(method, str):
            return self._told(method, message.get("params"), message.get("id"))
        if "result" not in message and "error" not in message:
            raise FaultError(Fault.NOT_A_MESSAGE, "it has neither a method nor a result")
        request = message.get("id")
        if type(request) is not int or request not in self._asked:
            raise FaultError(
                Fault.WRONG_ID, repr(request) if isinstance(request, int | str) else "it has no number"
            )
        return self._answered(self._asked.pop(request), request, message)

    def _told(self, method: str, parameters: Any, request: Any) -> list[Event]:
        first, second = _two(parameters)
        match method:
            case "mining.notify":
                job = parse_notify(parameters)
                if self.extranonce is None:
                    raise FaultError(Fault.BAD_JOB, "it came before the extranonce")
                return self._work(job, self.extranonce, self._target)
            case "mining.set_difficulty":
                self._target = target_of(first)  # from the next job on, as is the extranonce
            case "mining.set_extranonce":
                self.extranonce = parse_extranonce(first, second)
            case "mining.set_version_mask":
                return self._set_mask(parse_mask(first))
            case "client.reconnect":
                return [_move(parameters)]
            case "client.show_message":
                if not isinstance(first, str):
                    raise FaultError(Fault.BAD_PARAMETERS, "client.show_message shows no text")
                return [Told(self._clean(first))]
            case "mining.ping":
                self._reply(request, "pong", None)
            case "client.get_version":
                self._reply(request, AGENT, None)
            case _:
                self._reply(request, None, [-3, "unknown method", None])
                raise FaultError(Fault.UNKNOWN_METHOD, method)
        return []

    def _answered(self, method: str, request: int, message: dict[str, Any]) -> list[Event]:
        result = message.get("result")
        reason, code = _reason(message)
        reason = self._clean(reason)
        match method:
            case "mining.submit":
                return [Answered(request, _answer(result, reason, code), code == _DUPLICATE)]
            case "mining.subscribe":
                return self._subscribed(result, reason)
            case "mining.configure" if isinstance(result, dict):
                self._extranonce_told = result.get("subscribe-extranonce") is True
                if result.get("version-rolling") is True:
                    self._rolling = True
                    return self._set_mask(parse_mask(result.get("version-rolling.mask")))
            case "mining.authorize":
                if result is not True:
                    return [Over(f"it refuses the worker {self._credentials.user!r}: {reason}")]
                self.authorized = True
                if self._extensions and not self._extranonce_told:
                    self._ask("mining.extranonce.subscribe", [])
        return []

    def _subscribed(self, result: Any, reason: str) -> list[Event]:
        if not isinstance(result, list) or len(result) < 3:
            if self._resume is None:
                return [Over(f"it refuses the subscription: {reason}")]
            self._resume = None  # it may only dislike the question for the earlier session
            self._subscribe()
            return []
        try:
            self.extranonce = parse_extranonce(result[1], result[2])
        except FaultError as error:
            return [Over(str(error))]
        self.name = _session_name(result[0])
        self._ask("mining.authorize", [self._credentials.user, self._credentials.password])
        return []

    def _set_mask(self, mask: int) -> list[Event]:
        """Valid at once (BIP 310): the job at hand becomes new work, and old work is stale if it lost bits."""
        before = self._mask
        self._mask = mask & ROLLED_MASK if self._rolling else 0
        if self._job is None or self._mask == before:
            return []
        return self._work(*self._job, replaces=before & ~self._mask != 0)

    def _work(self, job: Job, extranonce: Extranonce, target: int, replaces: bool | None = None) -> list[Event]:
        work = job.work(
            extranonce,
            target,
            self._mask,
            replaces=job.clean if replaces is None else replaces,
            name=f"{self.connection}.{self._works}",
            connection=self.connection,
            pool=self.pool,
        )
        self._works += 1
        self._job = (job, extranonce, target)
        return [NewWork(work)]

    def _reply(self, request: Any, result: Any, error: Any) -> None:
        if type(request) is int or (isinstance(request, str) and len(request) < 100):
            self._out += encode({"id": request, "result": result, "error": error})

    def _clean(self, text: str) -> str:
        """Without the password, which some pools repeat."""
        password = self._credentials.password
        if len(password) >= _SECRET:
            for written in (password, json.dumps(password)[1:-1]):
                text = text.replace(written, "…")
        return printable(text)


def _two(parameters: Any) -> tuple[Any, Any]:
    """The first two parameters, None for what is missing."""
    given = parameters if isinstance(parameters, list) else []
    return (given[0] if given else None), (given[1] if len(given) > 1 else None)


def _move(parameters: Any) -> MoveTo:
    host, port, wait = [*(parameters if isinstance(parameters, list) else []), None, None, None][:3]
    if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) < 6:
        port = int(port)
    if host is None:
        host = ""
    if not isinstance(host, str) or (type(port) is not int and port is not None):
        raise FaultError(Fault.BAD_PARAMETERS, "client.reconnect names no host and port")
    seconds = float(wait) if type(wait) is int and 0 <= wait <= MAX_WAIT else 0.0
    return MoveTo(host, port or 0, seconds)


def _session_name(subscriptions: Any) -> str | None:
    """The id that belongs to `mining.notify`, in a list of pairs or, with some pools, as a pair of its own."""
    pairs = subscriptions if isinstance(subscriptions, list) else []
    for pair in [*pairs, pairs]:
        if isinstance(pair, list) and len(pair) > 1 and pair[0] == "mining.notify":
            return pair[1] if isinstance(pair[1], str) and 0 < len(pair[1]) < 256 else None
    return None


def _reason(message: dict[str, Any]) -> tuple[str, int | None]:
    """Why, in the pool's words, and the number that it gives for that."""
    error = message.get("error")
    if isinstance(error, dict):
        error = [error.get("code"), error.get("message")]
    code, text = _two(error if isinstance(error, list) else [None, error or message.get("reject-reason")])
    number = code if type(code) is int else None
    if isinstance(text, str) and text.strip():
        return text.strip(), number
    return ("no reason given" if number is None else f"error {number}"), number


def _answer(result: Any, reason: str, code: int | None) -> Answer:
    if result is True:
        return Answer(Outcome.ACCEPTED)
    words = reason.lower()
    stale = code == _JOB_NOT_FOUND or "stale" in words or "job not found" in words
    return Answer(Outcome.STALE if stale else Outcome.REJECTED, reason)
