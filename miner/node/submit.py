"""Solutions on their way to the node: each is sent until the node has answered."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

from ...chain.header import display_hash
from ..work import Answer, Outcome
from .answers import answer_to, explain
from .backoff import Backoff
from .errors import CallRefusedError, NodeError
from .rpc import WARMING_UP, Rpc
from .template import NodeWork

_SECONDS = 60.0
"""For one attempt; the largest blocks take a slow node some seconds."""

logger = logging.getLogger(__name__)


class _Found(NamedTuple):
    name: str
    block: bytes
    identity: str | None
    future: Future[Answer]


class Submitter:
    """A thread that hands in blocks one after the other."""

    def __init__(self, rpc: Rpc, answered: Event) -> None:
        """`answered` is set whenever a block has been accepted."""
        self._rpc, self._answered = rpc, answered
        self._found: SimpleQueue[_Found | None] = SimpleQueue()
        self._given_up = Event()
        self._thread = Thread(target=self._run, name="node submit", daemon=True)
        self._thread.start()

    def submit(self, work: NodeWork, block: bytes, digest: bytes) -> Future[Answer]:
        """Never blocks; the future gets the answer, or a `NodeError` where there was none before the end."""
        future: Future[Answer] = Future()
        name = f"block {display_hash(digest)}, height {work.height},"
        self._found.put(_Found(name, block, work.identity, future))
        return future

    def close(self, seconds: float) -> None:
        """End the thread; what is under way may take so long.

        A thread that waits for an address or a connection ends when that has failed, or with the process.
        """
        self._found.put(None)
        self._thread.join(seconds)
        self._given_up.set()
        self._rpc.close()
        self._thread.join(seconds)

    def _run(self) -> None:
        while found := self._found.get():
            try:
                found.future.set_result(self._answer(found))
            except NodeError as error:
                found.future.set_exception(error)

    def _answer(self, found: _Found) -> Answer:
        params: list[object] = [found.block.hex()]
        if found.identity is not None:
            params.append({"workid": found.identity})
        backoff = Backoff()
        sent_before = False
        while True:
            try:
                answer = answer_to(self._rpc.call("submitblock", params, _SECONDS), sent_before)
                break
            except CallRefusedError as error:
                if error.code != WARMING_UP:
                    answer = Answer(Outcome.REJECTED, error.message)
                    break
                trouble: NodeError = error
            except NodeError as error:
                trouble = error
                sent_before = True
            if self._given_up.is_set():
                raise NodeError(
                    f"{found.name} was found, and the node has not answered to it: {trouble}"
                ) from trouble
            logger.warning("%s is sent again: %s", found.name, trouble)
            backoff.wait(self._given_up)
        if answer.outcome is Outcome.ACCEPTED:
            self._answered.set()
        else:
            why = explain(answer.reason)
            logger.warning("%s is %s: %s%s", found.name, answer.outcome, answer.reason, why and f": {why}")
        return answer
