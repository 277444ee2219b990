"""One connection to one pool, from its opening to its end, in an event loop."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from ..work import Answer, Outcome, Solution, SourceError
from .address import PoolAddress
from .jobs import StratumWork
from .lines import Fault
from .protocol import Answered, Event, Faulty, MoveTo, NewWork, Over, Session

MAX_UNREAD = 1 << 20
"""Bytes that wait for a pool to read them, until it is not worth talking to."""

_READ = 1 << 16
_LINGER_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Timing:
    """Patience, in seconds."""

    connect: float = 10.0
    """Until TCP and TLS stand."""

    greet: float = 30.0
    """From there to the first work."""

    silence: float = 300.0
    """Without a sound message; after half of it the pool is asked for a sign of life."""

    answer: float = 60.0
    """For what became of a share."""

    backoff: float = 1.0
    """Before the second attempt at a pool, then twice as long each time; all of it less up to a half, at random,
    so that a pool's miners do not return all at once."""

    backoff_most: float = 60.0

    settled: float = 10.0
    """For how long a pool must have given work until its earlier failures are forgotten."""

    linger: float = 3.0
    """For the answers to shares under way, before a connection is closed."""


@dataclass(eq=False, slots=True)
class Share:
    """A solution on its way."""

    solution: Solution
    future: Future[Answer]
    again: bool = False
    """It was sent before, on a connection that ended without the answer."""

    deadline: float = 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended."""

    reason: str
    move: MoveTo | None = None
    hung_up: bool = False
    """The pool closed it without a word."""


class Connection:
    """Opens when created; `life` ends with it, and `well` says that it gives work.

    `hear` is told of what the pool says besides; the answers to shares go into the shares.
    """

    def __init__(
        self,
        home: PoolAddress,
        address: PoolAddress,
        session: Session,
        timing: Timing,
        hear: Callable[[Connection, Event], None],
    ) -> None:
        self.session = session
        self.work: StratumWork | None = None
        """The newest; None until the pool has given some."""
        self.clean = False
        """Whether some work has made all that was before it stale."""
        self.well = asyncio.Event()
        self.well_since = 0.0
        self.under_way: dict[int, Share] = {}
        """By the number of the request."""
        self._home = home
        self._address = address
        self._timing = timing
        self._hear = hear
        self._writer: asyncio.StreamWriter | None = None
        self.life: asyncio.Task[Ending] = asyncio.create_task(self._live())

    def send(self, share: Share) -> None:
        """Hand in a share to which the session has no objection."""
        request = self.session.submit(share.solution)
        share.deadline = _now() + self._timing.answer
        self.under_way[request] = share
        self._flush()

    async def close(self, linger: float) -> None:
        """Wait some seconds for the answers that are due, and end; what is left stays in `under_way`."""
        until = _now() + linger
        while self.under_way and not self.life.done() and _now() < until:
            await asyncio.sleep(_LINGER_STEP)
        self.life.cancel()
        await asyncio.wait({self.life})

    async def _live(self) -> Ending:
        try:
            async with asyncio.timeout(self._timing.connect):
                reader, self._writer = await asyncio.open_connection(
                    self._address.host,
                    self._address.port,
                    ssl=_tls(self._address),
                    ssl_shutdown_timeout=1.0 if self._address.tls else None,
                )
        except TimeoutError:
            return Ending(f"it did not let us in within {self._timing.connect:g} s")
        except OSError as error:
            return Ending(_why_not(error))
        try:
            return await self._converse(reader)
        except OSError as error:
            return Ending(f"the connection broke: {_why_not(error)}")
        finally:
            self._writer.transport.abort()
            with suppress(OSError):  # how it ended has been said
                await self._writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader) -> Ending:
        assert self._writer is not None
        self._flush()
        opened = last_sound = _now()
        pinged = False
        tick = min(self._timing.silence, self._timing.answer, self._timing.greet) / 8
        while True:
            data: bytes | None = None
            try:
                async with asyncio.timeout(tick) as limit:
                    data = await reader.read(_READ)
            except TimeoutError:
                if not limit.expired():
                    raise  # the network's own, an OSError
            if data == b"":
                return Ending("it hung up", hung_up=True)
            sound = self.session.sound
            if data and (ending := self._receive(data)) is not None:
                return ending
            now = _now()
            if self.session.sound > sound:
                last_sound, pinged = now, False
            elif now - last_sound > self._timing.silence:
                return Ending(f"it said nothing that makes sense for {self._timing.silence:g} s")
            elif now - last_sound > self._timing.silence / 2 and not pinged:
                pinged = True
                self.session.ping()
            if not self.well.is_set() and now - opened > self._timing.greet:
                return Ending(f"it gave no work within {self._timing.greet:g} s")
            self._give_up_overdue(now)
            self._flush()
            if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
                return Ending("it does not read what we say")

    def _receive(self, data: bytes) -> Ending | None:
        ending = None
        for event in self.session.receive(data):
            match event:
                case Answered():
                    self._answer(event)
                case NewWork(work):
                    self.work = work
                    self.clean |= work.replaces
                    self._hear(self, event)
                case MoveTo(host, port) if self._home.moved(host, port) is None:
                    self._hear(self, Faulty(Fault.BAD_RECONNECT, f"{host}:{port}"))
                case MoveTo():
                    ending = Ending("it asked for a reconnect", move=event)
                case Over(reason):
                    ending = Ending(reason)
                case _:
                    self._hear(self, event)
        if self.work is not None and self.session.authorized and not self.well.is_set():
            self.well_since = _now()
            self.well.set()
        return ending

    def _answer(self, event: Answered) -> None:
        share = self.under_way.pop(event.request)
        answer = event.answer
        if share.again and event.duplicate:
            answer = Answer(Outcome.ACCEPTED)  # it is the first sending that the pool has counted
        share.future.set_result(answer)

    def _give_up_overdue(self, now: float) -> None:
        for request, share in list(self.under_way.items()):
            if now > share.deadline:
                del self.under_way[request]
                self.session.forget(request)
                text = f"{self._address} did not say within {self._timing.answer:g} s what became of a share"
                share.future.set_exception(SourceError(text))

    def _flush(self) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(self.session.outgoing())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _tls(address: PoolAddress) -> ssl.SSLContext | None:
    if not address.tls:
        return None
    context = ssl.create_default_context()
    if not address.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _why_not(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not to be trusted ({error.verify_message}); SSL_CERT_FILE names a file with "
            "authorities of your own, and stratum+ssl-unverified:// takes any certificate"
        )
    if error.errno is not None and (error.strerror or "").startswith("Connect call failed"):
        return os.strerror(error.errno)  # asyncio has put addresses in its place
    return error.strerror or str(error) or type(error).__name__
