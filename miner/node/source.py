"""A node as a source of work: templates in, blocks out.

Three threads talk to the node, each over a connection of its own: one long-polls for the next tip, one asks
every now and then (for newer transactions, and in case long polling fails), one hands in blocks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from threading import Condition, Event, Lock, Thread
from typing import Any

from ...chain.address import address_to_script
from ...chain.params import Network, network
from ..work import Answer, Solution, SourceError, Work
from .backoff import Backoff
from .credentials import Credentials
from .errors import NodeError, printable
from .propose import propose
from .rpc import Rpc
from .submit import Submitter
from .template import NodeWork, read_template

POLL_SECONDS = 30.0
"""Between two templates on the same tip, where long polling tells of a new one."""

POLL_SECONDS_ALONE = 1.0
"""The same where the node offers no long polling."""

_ANSWER_SECONDS = 30.0

_LONG_POLL_SECONDS = 3600.0
"""Long, since Bitcoin Core keeps a thread for a long poll even after we have hung up."""

_RENEW_SECONDS = 60
"""How far the node's clock is ahead of a work's time before that work is renewed for the time alone."""

_CLOSING_SECONDS = 0.1
"""How long a block may still be under way in the end, and how long threads may take."""

_AT_ONCE_SECONDS = 1.0
"""A long poll that is answered earlier, and without a new tip, is no long poll."""

_TOO_MANY_REFUSALS = 2
"""Of proposals, one after the other."""

_REQUEST: dict[str, object] = {
    "rules": ["segwit"],
    "capabilities": ["coinbasevalue", "longpoll", "proposal", "workid"],
}

_NETWORKS = {"main": "mainnet", "test": "testnet3", "testnet4": "testnet4", "regtest": "regtest"}
"""Ours by Bitcoin Core's names."""

logger = logging.getLogger(__name__)


class NodeSource:
    """A node's templates as work. A `Source`."""

    def __init__(self, url: str, credentials: Credentials, address: str, empty: bool = False) -> None:
        """Ask the node for its network and a first template.

        `url` is like `http://127.0.0.1:8332`. The reward is paid to `address`; `empty` leaves out all
        transactions. Raises `SourceError` where there is no work to be had, and `UsageError` for an address
        that is none on the node's network.
        """
        self.name = url
        self._empty = empty
        self._polling, self._watching = Rpc(url, credentials), Rpc(url, credentials)
        self._changed = Condition()
        self._taking = Lock()
        self._ask = Event()
        """Set when the node is to be asked without delay."""

        self._closed = Event()
        self._failure: SourceError | None = None
        self._work: NodeWork | None = None
        self._unproposed: NodeWork | None = None
        self._refusals = 0
        self._document: dict[str, Any] = {}
        self._said = ""
        try:
            self.network = _network_of(self._polling)
            self._script_pubkey = address_to_script(address, self.network)
            self._fetch(self._polling, _REQUEST, _ANSWER_SECONDS)
        except BaseException:
            self._polling.close()
            raise
        self._submitter = Submitter(Rpc(url, credentials), self._ask)
        self._threads = [
            Thread(target=self._guarded, args=(loop,), name=f"node {name}", daemon=True)
            for name, loop in (("poll", self._poll), ("long poll", self._watch))
        ]
        for thread in self._threads:
            thread.start()

    def work(self, after: Work | None, timeout: float) -> NodeWork | None:
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._is_new(after), timeout)
            if self._failure:
                raise self._failure
            assert self._work is not None
            if not self._is_new(after):
                return None
            # Whoever asks may have missed the work with which the tip changed.
            return replace(self._work, replaces=after is None or after.previous != self._work.previous)

    def _is_new(self, after: Work | None) -> bool:
        return after is None or (self._work is not None and self._work.id != after.id)

    def submit(self, solution: Solution) -> Future[Answer]:
        """`ValueError` for a solution of another source's work."""
        if not isinstance(solution.work, NodeWork):
            raise ValueError(f"work {solution.work.id} is not of a node")
        block = solution.work.block(solution.header, solution.extranonce)
        return self._submitter.submit(solution.work, block, solution.digest)

    def close(self) -> None:
        self._closed.set()
        self._fail(SourceError(f"the source {self.name} has been closed"))
        self._ask.set()
        for rpc in (self._polling, self._watching):
            rpc.close()
        end = time.monotonic() + _CLOSING_SECONDS
        self._submitter.close(_CLOSING_SECONDS)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except SourceError as error:
            self._fail(error)
        except BaseException:
            self._fail(SourceError(f"a fault in Quorate has ended the work of {self.name}"))
            raise

    def _fail(self, error: SourceError) -> None:
        """There will be no more work."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _poll(self) -> None:
        backoff = Backoff()
        while not self._failure:
            self._ask.wait(POLL_SECONDS if "longpollid" in self._document else POLL_SECONDS_ALONE)
            self._ask.clear()
            if self._failure:
                break
            try:
                if self._unproposed:
                    self._propose(self._unproposed)
                else:
                    self._fetch(self._polling, _REQUEST, _ANSWER_SECONDS)
                self._well()
                backoff.over()
            except NodeError as error:
                self._trouble(error)
                backoff.wait(self._closed)

    def _watch(self) -> None:
        backoff = Backoff()
        while not self._failure:
            longpollid = self._document.get("longpollid")
            if longpollid is None:
                self._closed.wait(POLL_SECONDS)
                continue
            began = time.monotonic()
            try:
                request = {**_REQUEST, "longpollid": longpollid}
                new_tip = self._fetch(self._watching, request, _LONG_POLL_SECONDS)
                if new_tip or time.monotonic() - began > _AT_ONCE_SECONDS:
                    backoff.over()
                    continue
            except NodeError as error:
                self._trouble(error)
            backoff.wait(self._closed)  # also for a node that answers long polls at once, with nothing new

    def _fetch(self, rpc: Rpc, request: dict[str, object], seconds: float) -> bool:
        """Ask for a template and take it; whether it has a new tip."""
        asked = self._work
        return self._take(rpc.call("getblocktemplate", [request], seconds), asked)

    def _take(self, document: object, asked: NodeWork | None) -> bool:
        """Make work of a template that has something new; whether that is a new tip.

        `asked` is the work that there was when the template was asked for.
        """
        with self._taking:
            before = self._work
            if before and isinstance(document, dict) and self._is_old(document, before):
                self._document = document
                return False
            # On a new tip an empty block is ready at once, where thousands of transactions take a while to check.
            work = self._read(document, True, before)
            new_tip = work.replaces
            if new_tip and before and asked is not before and work.height <= before.height:
                return False  # it was overtaken on its way by the answer to the other thread
            assert isinstance(document, dict)
            if document.get("transactions") and not self._empty:
                if new_tip:
                    self._publish(work)
                work = self._read(document, False, before)
            self._publish(work)
            self._document = document
            if new_tip or self._refusals:
                self._unproposed = work if "proposal" in document.get("capabilities", ()) else None
                self._ask.set()
        return new_tip

    def _read(self, document: object, empty: bool, before: NodeWork | None) -> NodeWork:
        return read_template(document, self.network, self._script_pubkey, empty, before)

    def _publish(self, work: NodeWork) -> None:
        with self._changed:
            self._work = work
            self._changed.notify_all()

    def _is_old(self, document: dict[str, Any], before: NodeWork) -> bool:
        """Whether nothing but the time has changed, and that not by much."""
        now = document.get("curtime")
        renewed = isinstance(now, int) and not before.time <= now < before.time + _RENEW_SECONDS
        return not renewed and not self._refusals and _without_time(document) == _without_time(self._document)

    def _propose(self, work: NodeWork) -> None:
        """Ask whether the block would be valid, the first on each tip; mining has begun already."""
        reason = propose(self._polling, work)
        with self._taking:
            if self._unproposed is work:
                self._unproposed = None
        if reason is None:
            self._refusals = 0
            return
        self._refusals += 1
        self._ask.set()
        text = f"the node at {self.name} would refuse the block that follows from its own template: {reason}"
        if self._refusals == _TOO_MANY_REFUSALS:
            raise SourceError(f"{text}; this is a fault in Quorate or in the node")
        logger.warning("%s; another template is tried", text)

    def _trouble(self, error: NodeError) -> None:
        if error.lasting:
            raise SourceError(str(error))
        if not self._closed.is_set() and str(error) != self._said:
            self._said = str(error)
            logger.warning("%s; trying again", error)

    def _well(self) -> None:
        if self._said:
            self._said = ""
            logger.info("%s answers again", self.name)


def _network_of(rpc: Rpc) -> Network:
    found = rpc.call("getblockchaininfo", (), _ANSWER_SECONDS)
    name = found.get("chain") if isinstance(found, dict) else None
    if name == "signet":
        raise NodeError(
            "the node is on signet, whose blocks need a signature that Quorate cannot make", lasting=True
        )
    if not isinstance(name, str) or name not in _NETWORKS:
        raise NodeError(
            f"the node is on a network that Quorate does not know: {printable(repr(name))}", lasting=True
        )
    return network(_NETWORKS[name])


def _without_time(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("curtime", "longpollid")}
