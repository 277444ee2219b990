"""What `mining.notify` says, as work.

Stratum writes hashes of the Merkle branch and both parts of the coinbase as they are hashed, the version,
nBits and time as numbers, and the hash of the block below in eight words of which each has its bytes
reversed: a legacy of `getwork`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ...chain.pow import bits_to_target
from ...chain.transaction import Transaction
from ...kernels.backend import MAX_TARGET, UsageError
from ..work import Work
from .lines import Fault, FaultError

DIFFICULTY_1 = 0xFFFF << 208
"""The target of difficulty 1: nBits 0x1d00ffff."""

ROLL_SECONDS = 600
"""How far a job's time may be rolled forward. The pools ckpool and stratum-mining take about 7,000 seconds, as
does the network; ten minutes are more than a job lives and keep blocks near the true time."""

_MAX_BRANCH = 20
"""A block of 4 million units of weight has room for fewer than 2^17 transactions."""

_MAX_JOB_ID = 256
_MAX_SCRIPT = 100
"""Bytes of a coinbase's script, by consensus; both extranonces lie in it."""

_HEX = re.compile(r"([0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True)
class Extranonce:
    """The pool's part of the extranonce, and how many bytes the miner appends."""

    first: bytes
    size: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StratumWork(Work):
    """Work of a pool's job; what the pool must be told about it goes along, so that nobody keeps a table."""

    job: Job
    extranonce: Extranonce
    connection: int
    """On which of the source's connections it came."""

    pool: int
    """Which pool of the list it is from."""

    era: int = 0
    """Counts what made older work stale: work of one era counts together."""

    prefix: bytes = b""
    """What stands between the pool's part of the extranonce and the miner's."""

    @property
    def headers(self) -> int:
        """The same for all work from which the same headers come: that of one job, whatever its target."""
        return hash((self.pool, self.extranonce, self.job))

    def apart(self, turn: int) -> StratumWork:
        """The same with headers that no miner makes in an earlier turn, so that no share is found twice.

        The first byte of the miner's part tells turns apart; counting from 0, nobody gets as far as to fill
        it. Turn 0 leaves the miner all, and a pool that gives no byte leaves no choice.
        """
        if turn == 0 or self.extranonce.size == 0:
            return self
        prefix = bytes([turn % 256])
        before, after = self.coinbase
        size = self.extranonce.size - 1
        return replace(self, prefix=prefix, coinbase=(before + prefix, after), extranonce_bytes=size)


@dataclass(frozen=True, slots=True)
class Job:
    """The parameters of one `mining.notify`."""

    id: str
    previous: bytes
    coinbase: tuple[bytes, bytes]
    branch: tuple[bytes, ...]
    version: int
    bits: int
    time: int
    clean: bool = field(compare=False)

    def work(
        self,
        extranonce: Extranonce,
        target: int,
        mask: int,
        *,
        replaces: bool,
        name: str,
        connection: int,
        pool: int,
    ) -> StratumWork:
        """Raises `FaultError` where no coinbase comes from it: most often an extranonce of the wrong size."""
        before, after = self.coinbase
        before += extranonce.first
        try:
            whole = Transaction.parse(before + bytes(extranonce.size) + after)
        except UsageError as error:
            raise FaultError(Fault.BAD_JOB, f"with {extranonce} its coinbase is no transaction: {error}") from None
        if not whole.is_coinbase:
            raise FaultError(Fault.BAD_JOB, "its coinbase is a transaction, but no coinbase")
        return StratumWork(
            id=name,
            version=self.version,
            version_mask=mask,
            previous=self.previous,
            time=self.time,
            time_last=min(self.time + ROLL_SECONDS, (1 << 32) - 1),
            bits=self.bits,
            target=target,
            coinbase=(before, after),
            extranonce_bytes=extranonce.size,
            branch=self.branch,
            replaces=replaces,
            job=self,
            extranonce=extranonce,
            connection=connection,
            pool=pool,
        )


def parse_notify(parameters: Any) -> Job:
    """The job in the parameters of `mining.notify`. Raises `FaultError`."""
    if not isinstance(parameters, list) or len(parameters) < 9:
        raise FaultError(Fault.BAD_JOB, "mining.notify takes nine parameters")
    job, previous, before, after, branch, version, bits, time, clean = parameters[:9]
    if not isinstance(job, str) or not 0 < len(job) <= _MAX_JOB_ID:
        raise FaultError(Fault.BAD_JOB, "its name is no short text")
    if not isinstance(branch, list) or len(branch) > _MAX_BRANCH:
        raise FaultError(Fault.BAD_JOB, f"its branch is no list of up to {_MAX_BRANCH} hashes")
    if not isinstance(clean, bool):
        raise FaultError(Fault.BAD_JOB, "it does not say whether older jobs are stale")
    number = _number(bits, "nBits")
    try:
        bits_to_target(number)
    except UsageError as error:
        raise FaultError(Fault.BAD_JOB, str(error)) from None
    words = _hex(previous, "the previous hash", 32)
    return Job(
        id=job,
        previous=b"".join(words[i : i + 4][::-1] for i in range(0, 32, 4)),
        coinbase=(_hex(before, "its coinbase"), _hex(after, "its coinbase")),
        branch=tuple(_hex(sibling, "its branch", 32) for sibling in branch),
        version=_number(version, "its version"),
        bits=number,
        time=_number(time, "its time"),
        clean=clean,
    )


def parse_extranonce(first: Any, size: Any) -> Extranonce:
    """Raises `FaultError`."""
    if not isinstance(first, str) or not _HEX.fullmatch(first):
        raise FaultError(Fault.BAD_EXTRANONCE, "the pool's part is not hexadecimal")
    if type(size) is not int or not 0 <= size <= _MAX_SCRIPT - len(first) // 2:
        raise FaultError(Fault.BAD_EXTRANONCE, f"both parts together take 0 to {_MAX_SCRIPT} bytes")
    return Extranonce(bytes.fromhex(first), size)


def parse_mask(mask: Any) -> int:
    """A version mask as BIP 310 writes it. Raises `FaultError`."""
    if not isinstance(mask, str) or not re.fullmatch("[0-9a-fA-F]{8}", mask):
        raise FaultError(Fault.BAD_MASK, "it is not eight hexadecimal digits")
    return int(mask, 16)


def target_of(difficulty: Any) -> int:
    """The target of a pool's difficulty, rounded down: exact for any fraction. Raises `FaultError`.

    A difficulty is refused where every hash would do, or none: 0 and below, less than about 2^-32, more
    than about 2^224.
    """
    if type(difficulty) is int or isinstance(difficulty, Decimal):
        # Compared as it stands, since 1e-999999999 as a fraction would fill the memory.
        if Decimal("1e-20") < difficulty <= DIFFICULTY_1:
            target = int(DIFFICULTY_1 / Fraction(difficulty))
            if target <= MAX_TARGET:
                return target
        raise FaultError(Fault.BAD_DIFFICULTY, f"{Decimal(difficulty):.6g}")
    raise FaultError(Fault.BAD_DIFFICULTY, "it is not a number")


def _hex(text: Any, what: str, size: int | None = None) -> bytes:
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise FaultError(Fault.BAD_JOB, f"{what} is not hexadecimal")
    if size is not None and len(text) != 2 * size:
        raise FaultError(Fault.BAD_JOB, f"{what} does not have {size} bytes")
    return bytes.fromhex(text)


def _number(text: Any, what: str) -> int:
    return int.from_bytes(_hex(text, what, 4))
