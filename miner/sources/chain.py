"""The chain on this machine as a source: blocks are built on its tip, and validated and stored when found."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import count

from ...chain.block import Block
from ...chain.build import build_block, complete_block, split_coinbase
from ...chain.chainstate import Chainstate, Status
from ...chain.check_header import MAX_FUTURE_SECONDS
from ...chain.header import BlockHeader
from ...chain.pow import bits_to_target
from ...chain.store import StoreError
from ...chain.tree import Node
from ..job import ROLLED_MASK
from ..work import Answer, Outcome, Solution, SourceError, Work

EXTRANONCE_BYTES = 4

RENEWED_AFTER = 60.0
"""Seconds after which a block that is not found yet gets a new time."""


class ChainSource:
    """A `Source`. Everything that touches the chain runs in one thread, which SQLite asks for."""

    def __init__(self, opening: AbstractContextManager[Chainstate], script_pubkey: bytes) -> None:
        """Opens the chain, which `close` closes; blocks pay to `script_pubkey`. Raises what opening raises."""
        self._opening = opening
        self._script_pubkey = script_pubkey
        self._thread = ThreadPoolExecutor(1, "chain")
        self._changed = threading.Condition()
        self._numbers = count()
        self._blocks: dict[Work, Block] = {}
        """What the works of now are to become."""

        self._newest: Work | None = None
        self._renewed = 0.0
        self._fault: SourceError | None = None
        try:
            self._chain = self._thread.submit(opening.__enter__).result()
            self._thread.submit(self._renew).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self.name = f"the chain of {self._chain.network.name} in {self._chain.store.folder.parent}"

    @property
    def tip(self) -> Node:
        """Of the chain, at this moment."""
        return self._chain.tip

    def work(self, after: Work | None, timeout: float) -> Work | None:
        """As `Source.work`. There is none while the block would be too far ahead of the clock to be valid."""
        if time.monotonic() - self._renewed > RENEWED_AFTER or self._newest is None:
            self._thread.submit(self._renew).result()
        with self._changed:
            self._changed.wait_for(lambda: self._fault or self._newest not in (None, after), timeout)
            if self._fault:
                raise self._fault
            return self._newest if self._newest is not after else None

    def submit(self, solution: Solution) -> Future[Answer]:
        return self._thread.submit(self._accept, solution)

    def close(self) -> None:
        """Close the chain, when all that was handed in is done."""
        closed = self._thread.submit(self._opening.__exit__, None, None, None)
        self._thread.shutdown()
        closed.result()

    def _renew(self) -> None:
        """New work, as there is a new tip or the time has gone on."""
        chain, now = self._chain, int(time.time())
        tip = chain.tip
        self._renewed = time.monotonic()
        block = build_block(chain.tree, tip, self._script_pubkey, now, extra=bytes(EXTRANONCE_BYTES))
        header = block.header
        replaces = self._newest is None or self._newest.previous != tip.hash
        work = Work(
            id=str(next(self._numbers)),
            version=header.version,
            version_mask=ROLLED_MASK,
            previous=tip.hash,
            time=header.time,
            time_last=header.time,
            bits=header.bits,
            target=bits_to_target(header.bits),
            coinbase=split_coinbase(block, EXTRANONCE_BYTES),
            extranonce_bytes=EXTRANONCE_BYTES,
            branch=(),
            replaces=replaces,
            once=True,
            height=tip.height + 1,
        )
        with self._changed:
            if replaces:
                self._blocks.clear()
            if header.time > now + MAX_FUTURE_SECONDS:
                self._newest = None
                return
            self._blocks[work] = block
            self._newest = work
            self._changed.notify_all()

    def _accept(self, solution: Solution) -> Answer:
        block = self._blocks.get(solution.work)
        if block is None:
            return Answer(Outcome.STALE, "stale-prevblk")
        extranonce = solution.extranonce.to_bytes(EXTRANONCE_BYTES)
        try:
            whole = complete_block(block, BlockHeader.parse(solution.header), extranonce)
            outcome = self._chain.accept(whole.serialise())[0]
            self._renew()
        except StoreError as error:
            fault = SourceError(str(error))
            with self._changed:
                self._fault = fault
                self._changed.notify_all()
            raise fault from error
        if outcome.status is Status.TIP:
            return Answer(Outcome.ACCEPTED)
        if outcome.refusal:
            return Answer(Outcome.REJECTED, outcome.refusal.reason.value)
        return Answer(Outcome.STALE, str(outcome.status))
