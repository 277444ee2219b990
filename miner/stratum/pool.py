"""Mining pools as a source of work."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from ...kernels.backend import UsageError
from ..work import Answer, Solution, SourceError, Work
from .address import PoolAddress
from .connection import Share, Timing
from .failover import Failover
from .jobs import StratumWork
from .loop import Loop
from .protocol import Credentials
from .tally import Counting, Tally

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
"""What may be added to `Timing.linger` while a thread ends."""


class PoolSource:
    """Work from the first of some pools that is well (see `miner.work.Source`).

    One thread with an event loop does all that waits for a network, from the beginning. What the pools say
    goes to the log, and into `tally`.
    """

    def __init__(
        self, pools: Sequence[PoolAddress], credentials: Credentials, timing: Timing | None = None
    ) -> None:
        if not pools:
            raise UsageError("there is no pool to mine for; name one as stratum+tcp://HOST:PORT")
        self.name = str(pools[0])
        self._timing = timing or Timing()
        self._counting = Counting()
        self._changed = threading.Condition()
        self._newest: StratumWork | None = None
        self._over = ""
        """Why there will be no work any more; empty while there may be some."""
        self._loop = Loop()
        self._failover = Failover(pools, credentials, self._timing, self._counting, self._publish)
        self._main: asyncio.Task[None] = self._loop.create_task(self._failover.run())
        self._thread = threading.Thread(target=self._run, name="pool", daemon=True)
        self._thread.start()

    def work(self, after: Work | None, timeout: float) -> Work | None:
        """The newest work as soon as it is another than `after`, or None when `timeout` seconds brought none.

        While a connection is down there is none: the work at hand is worth going on with, since its shares
        count where the pool takes the session up again. Raises `SourceError` after `close`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._is_news(after), timeout)
            if self._over:
                raise SourceError(self._over)
            if not self._is_news(after):
                return None
            newest = self._newest
            assert newest is not None
            same_era = isinstance(after, StratumWork) and after.era == newest.era
            return replace(newest, replaces=not same_era)

    def submit(self, solution: Solution) -> Future[Answer]:
        """Hand in a solution of work from here. Without a connection it waits for the next one."""
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()  # whoever waits may stop waiting, but the share is on its way
        with self._changed:
            if self._over:
                future.set_exception(SourceError(self._over))
            else:
                self._loop.call_soon_threadsafe(self._failover.take, Share(solution, future))
        return future

    def tally(self) -> Tally:
        """What has come of the shares so far, and what the pools did wrong."""
        return self._counting.snapshot()

    def close(self) -> None:
        """End all connections, after a few seconds at most for the answers that are due."""
        with self._changed:
            if not self._over:
                self._over = "mining for the pool has ended"
                self._loop.call_soon_threadsafe(self._main.cancel)
                self._changed.notify_all()
        self._thread.join(self._timing.linger + _CLOSE_SECONDS)

    def _is_news(self, after: Work | None) -> bool:
        return self._newest is not None and (after is None or after.id != self._newest.id)

    def _publish(self, pool: PoolAddress, work: StratumWork) -> None:
        with self._changed:
            self._newest = work
            self.name = str(pool)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            log.exception("the pool's thread has ended by a fault of Quorate")
            with self._changed:
                self._over = f"the connection to {self.name} has ended by a fault of Quorate: {error!r}"
                self._changed.notify_all()
        self._loop.run_until_complete(self._failover.stop())
        self._loop.close()
