"""A list of pools, the best first: which one is mined for, and where shares go meanwhile."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..work import Answer, Outcome, SourceError
from .address import PoolAddress
from .connection import Connection, Share, Timing
from .jobs import StratumWork
from .protocol import Credentials, Event, Faulty, NewWork, Session, Told
from .tally import Counting

log = logging.getLogger(__name__)

MAX_SHARES = 4096
"""Shares without an answer, until new ones are turned away: with an easy target and a silent pool they would
fill the memory otherwise."""

MAX_JOBS = 256
"""Jobs in a row of which none makes the ones before it stale, until the source says so itself: a miner keeps
them all. Pools give two a minute, and one in 400,000 blocks takes that long."""

_MAX_REMARKS = 20
"""Lines in the log about what one connection says."""


@dataclass(eq=False, slots=True)
class _Pool:
    """What is known of one pool between two connections."""

    home: PoolAddress
    address: PoolAddress
    """`home`, or for the next attempt where the pool has sent us."""

    failures: int = 0
    """Attempts in a row of which none came to last."""

    due: float = 0.0
    """Until then, in the loop's time, the pool is left alone."""

    session: str | None = None
    extensions: bool = True
    remarks: int = 0
    """How much has been logged about its present connection."""


class Failover:
    """Keeps a connection that gives work, to the best pool that is well. All of it runs in one event loop.

    `publish` gets the work to mine on, and the pool that it is from.
    """

    def __init__(
        self,
        pools: Sequence[PoolAddress],
        credentials: Credentials,
        timing: Timing,
        counting: Counting,
        publish: Callable[[PoolAddress, StratumWork], None],
    ) -> None:
        self._pools = [_Pool(pool, pool) for pool in pools]
        self._credentials = credentials
        self._timing = timing
        self._counting = counting
        self._publish = publish
        self._current: Connection | None = None
        self._rising: Connection | None = None
        self._leaving: dict[Connection, asyncio.Task[None]] = {}
        self._waiting: list[Share] = []
        self._connections = 0
        self._newest: StratumWork | None = None
        self._turns: dict[int, int] = {}
        """How often each of the latest jobs was given out before."""
        self._jobs = 0
        """How many of the newest work's era there have been."""

    async def run(self) -> None:
        """Until it is cancelled; `stop` comes then."""
        while True:
            current = self._current
            reach = len(self._pools) if current is None else current.session.pool
            seek = asyncio.create_task(self._seek(reach)) if reach else None
            awaited: list[asyncio.Task[Any]] = [seek] if seek else []
            if current is not None:
                awaited.append(current.life)
            try:
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if seek is not None and not seek.done():
                    seek.cancel()
                    await asyncio.wait({seek})
            if current is not None and current.life.done():
                self._current = None
                self._ended(current)
            if seek is not None and not seek.cancelled():
                self._adopt(seek.result())

    async def stop(self) -> None:
        """Wait a little for the answers that are due, and close all connections."""
        if self._rising is not None:
            await self._rising.close(0)
        if self._current is not None:
            self._leave(self._current)
        await asyncio.gather(*self._leaving.values())
        for share in self._waiting:
            share.future.set_exception(SourceError("mining ended before the pool said what became of a share"))

    def take(self, share: Share) -> None:
        """Send a share to where its job came from, or keep it until there is a connection again."""
        share.future.add_done_callback(self._counting.share)
        under_way = len(self._waiting) + sum(len(connection.under_way) for connection in self._connected())
        if under_way >= MAX_SHARES:
            share.future.set_exception(SourceError(f"{MAX_SHARES} shares wait for the pool's answer already"))
        else:
            self._place(share)

    # Shares

    def _connected(self) -> list[Connection]:
        return [*self._leaving] if self._current is None else [self._current, *self._leaving]

    def _place(self, share: Share) -> None:
        objections = []
        for connection in self._connected():
            objection = connection.session.objection(share.solution)
            if objection is None:
                connection.send(share)
                return
            objections.append(objection)
        if self._current is None:
            self._waiting.append(share)
        else:
            share.future.set_result(Answer(Outcome.STALE, objections[0]))

    def _take_back(self, connection: Connection) -> None:
        """Shares that an ended connection leaves without an answer."""
        shares = list(connection.under_way.values())
        connection.under_way.clear()
        for share in shares:
            share.again = True
            self._place(share)

    # Connections

    async def _seek(self, reach: int) -> Connection:
        """A connection that gives work, to the first of the best `reach` pools that is well."""
        clock = asyncio.get_running_loop().time
        while True:
            for rank, pool in enumerate(self._pools[:reach]):
                wait = pool.due - clock()
                if wait > self._timing.backoff:
                    continue  # the next best is better than waiting
                await asyncio.sleep(max(0.0, wait))
                connection = await self._bring_up(rank, pool)
                if connection is not None:
                    return connection
            await asyncio.sleep(max(0.0, min(pool.due for pool in self._pools[:reach]) - clock()))

    async def _bring_up(self, rank: int, pool: _Pool) -> Connection | None:
        self._connections += 1
        session = Session(
            self._credentials,
            connection=self._connections,
            pool=rank,
            resume=pool.session,
            extensions=pool.extensions,
        )
        pool.remarks = 0
        connection = Connection(pool.home, pool.address, session, self._timing, self._heard)
        well = asyncio.create_task(connection.well.wait())
        self._rising = connection
        try:
            await asyncio.wait({well, connection.life}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await connection.close(0)
            self._rising = None
            raise
        finally:
            well.cancel()
        if connection.life.done():
            self._rising = None
            self._ended(connection)
            return None
        return connection

    def _adopt(self, connection: Connection) -> None:
        before, self._current, self._rising = self._current, connection, None
        pool = self._pools[connection.session.pool]
        log.info("%s gives work", pool.home)
        self._counting.connected()
        if before is not None:
            self._leave(before)
        work = connection.work
        assert work is not None
        last = self._newest
        resumed = last is not None and (last.pool, last.extranonce) == (work.pool, work.extranonce)
        self._show(work, replaces=not resumed or connection.clean)
        waiting, self._waiting = self._waiting, []
        for share in waiting:
            self._place(share)

    def _leave(self, connection: Connection) -> None:
        async def leave() -> None:
            await connection.close(self._timing.linger)
            del self._leaving[connection]
            self._take_back(connection)

        if self._current is connection:
            self._current = None
        self._leaving[connection] = asyncio.create_task(leave())

    def _ended(self, connection: Connection) -> None:
        """Note how a connection ended, and when the pool is tried again."""
        ending = connection.life.result()
        pool = self._pools[connection.session.pool]
        now = asyncio.get_running_loop().time()
        was_well = connection.well.is_set()
        if was_well:
            pool.session = connection.session.name
            if now - connection.well_since >= self._timing.settled:
                pool.failures = 0
        elif ending.hung_up:
            # Perhaps over a message that it does not know: BIP 310 warns of such pools.
            pool.extensions = not pool.extensions
        wait = min(self._timing.backoff * 2 ** min(pool.failures, 30), self._timing.backoff_most)
        wait *= random.uniform(0.5, 1.0)
        pool.failures += 1
        pool.address = pool.home
        if ending.move is not None:
            wait = max(wait, ending.move.wait)
            pool.address = pool.home.moved(ending.move.host, ending.move.port) or pool.home
        pool.due = now + wait
        log.info("%s: %s; the next attempt is in %.0f s", pool.home, ending.reason, wait)
        self._take_back(connection)

    # Work

    def _heard(self, connection: Connection, event: Event) -> None:
        pool = self._pools[connection.session.pool]
        match event:
            case NewWork(work):
                if connection is self._current:
                    self._show(work, work.replaces)
            case Told(text):
                self._remark(pool, f"says: {text}")
            case Faulty(fault, detail):
                self._counting.fault(fault)
                self._remark(pool, f"{fault} ({detail})")

    def _remark(self, pool: _Pool, remark: str) -> None:
        pool.remarks += 1
        if pool.remarks <= _MAX_REMARKS:
            log.warning("%s: %s", pool.home, remark)
        if pool.remarks == _MAX_REMARKS:
            log.warning("%s: that is enough; the rest of this connection is only counted", pool.home)

    def _show(self, work: StratumWork, replaces: bool) -> None:
        newest = self._newest
        headers = work.headers
        known = newest is not None and (newest.headers, newest.target, newest.version_mask)
        if known == (headers, work.target, work.version_mask):
            return  # said again, as after a reconnect, and the miner has it at hand
        turn = self._turns.pop(headers, -1) + 1
        self._turns[headers] = turn
        if len(self._turns) > MAX_JOBS:
            del self._turns[next(iter(self._turns))]
        work = work.apart(turn)
        self._jobs = 1 if replaces or self._jobs == MAX_JOBS else self._jobs + 1
        era = (0 if newest is None else newest.era) + (self._jobs == 1)
        self._newest = replace(work, era=era)
        self._publish(self._pools[work.pool].home, self._newest)
