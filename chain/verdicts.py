"""Scripts and their signatures: all of them in one batch, with the result of checking each in line.

A script needs verdicts while it runs, so scripts run against a table of them. A check that is not in the
table is answered "good" and recorded; then the backend decides all that were recorded, in one call. A run
whose answers were all true is final, whether it passed or failed, since it is the run that checking in line
would have made. The others run again, with what has been learned. Nearly all inputs need one round, and
those of the usual CHECKMULTISIGs, where a signature is not the last key's, two or three; whoever crafts a
script that needs more has its checks verified on the spot after that, so that the rounds are bounded.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..kernels.backend import Backend
from ..kernels.signatures import SignatureBatch
from .batch import decide, decide_beside
from .script.checker import Check, Checker, CheckKind, Verdicts
from .script.errors import ScriptError
from .script.sighash import SignatureHashes
from .script.verify import verify_script
from .transaction import Transaction, TxOut
from .verdict_cache import VerdictCache

BATCHED_ROUNDS = 3
"""What the usual CHECKMULTISIGs need: n - m + 1 for m of n keys. A round costs a run of the scripts that are
left, and a check on the spot a call of the backend."""


class Spend(NamedTuple):
    """A transaction, not a coinbase, and what it spends."""

    transaction: Transaction

    spent: Sequence[TxOut]
    """The output of each input, in their order."""


class ScriptFault(NamedTuple):
    """An input that its script refuses."""

    transaction: int
    """Index among the transactions given."""

    input: int

    error: ScriptError


@dataclass(frozen=True, slots=True)
class ScriptReport:
    """What became of the inputs."""

    errors: tuple[tuple[ScriptError, ...], ...]
    """For each transaction, for each input: `ScriptError.OK` or why it is refused."""

    checks: Counter[CheckKind]
    """How many different checks the backend has decided, by kind."""

    signature_seconds: float
    """Wall time in the backend and in preparing its batches."""

    def first_fault(self) -> ScriptFault | None:
        """The first input that is refused; None when all are fine."""
        for transaction, errors in enumerate(self.errors):
            for index, error in enumerate(errors):
                if error is not ScriptError.OK:
                    return ScriptFault(transaction, index, error)
        return None


class Table:
    """The verdicts that are known, those of a cache included."""

    __slots__ = ("_cache", "_known")

    def __init__(self, cache: VerdictCache | None = None) -> None:
        self._known: dict[Check, bool] = {}
        self._cache = cache

    def look_up(self, check: Check) -> bool | None:
        verdict = self._known.get(check)
        if verdict is None and self._cache is not None and check in self._cache:
            verdict = self._known[check] = True
        return verdict

    def learn(self, verdicts: Mapping[Check, bool]) -> None:
        self._known.update(verdicts)
        if self._cache is not None:
            for check, good in verdicts.items():
                if good:
                    self._cache.add(check)


class Guesses:
    """Verdicts that are good until the contrary is known; what was guessed is recorded."""

    __slots__ = ("_table", "made")

    def __init__(self, table: Table) -> None:
        self._table = table
        self.made: list[Check] = []

    def ask(self, check: Check) -> bool:
        verdict = self._table.look_up(check)
        if verdict is None:
            self.made.append(check)
            return True
        return verdict


class OnTheSpot:
    """Verdicts that are verified when they are asked for, each once."""

    def __init__(self, backend: Backend, table: Table) -> None:
        self._backend = backend
        self._table = table
        self.checks: Counter[CheckKind] = Counter()
        self.seconds = 0.0

    def ask(self, check: Check) -> bool:
        verdict = self._table.look_up(check)
        if verdict is None:
            start = time.perf_counter()
            verdicts = decide([check], self._backend)
            self.seconds += time.perf_counter() - start
            self.checks[check.kind] += 1
            self._table.learn(verdicts)
            verdict = verdicts[check]
        return verdict


@dataclass(slots=True, eq=False)
class Run:
    """One input, and how its script ended when it ran last."""

    hashes: SignatureHashes
    input: int
    error: ScriptError = ScriptError.OK
    guessed: list[Check] = field(default_factory=list)


class Settlement(NamedTuple):
    """What `settle` asked of the backend."""

    checks: Counter[CheckKind]
    """How many different checks, by kind."""

    seconds: float
    """Wall time in the backend and in preparing its batches."""

    beside_good: bool
    """Whether the signatures beside those of the scripts are all valid. Where not, the runs are not settled."""


def verify_input(hashes: SignatureHashes, index: int, flags: int, verdicts: Verdicts) -> ScriptError:
    """Whether one input may spend its output: `ScriptError.OK` or why not."""
    spent = hashes.transaction.inputs[index]
    script_pubkey = hashes.spent[index].script_pubkey
    return verify_script(spent.script_sig, script_pubkey, spent.witness, flags, Checker(hashes, index, verdicts))


def verify_inputs(
    spends: Sequence[Spend], flags: int, backend: Backend, cache: VerdictCache | None = None
) -> ScriptReport:
    """Run the scripts of all inputs, with their signatures in one batch (see the text above).

    `flags` are those of `script/flags.py`. Checks that `cache` knows to be good are not verified again, and it
    learns the others. Raises `UsageError` for a transaction without one output for each input, and what
    `Backend.verify` raises.
    """
    hashes = [SignatureHashes(*spend) for spend in spends]
    runs = [Run(owner, index) for owner in hashes for index in range(len(owner.spent))]
    settlement = settle(runs, flags, backend, cache)
    errors = iter([run.error for run in runs])
    return ScriptReport(
        errors=tuple([tuple([next(errors) for _ in spend.spent]) for spend in spends]),
        checks=settlement.checks,
        signature_seconds=settlement.seconds,
    )


def settle(
    runs: Sequence[Run],
    flags: int,
    backend: Backend,
    cache: VerdictCache | None = None,
    beside: SignatureBatch | None = None,
) -> Settlement:
    """Run the scripts until each ended as in line. Signatures `beside` them are verified in the first batch.

    Raises what `Backend.verify` raises.
    """
    table = Table(cache)
    checks: Counter[CheckKind] = Counter()
    seconds = 0.0

    pending = runs
    for _ in range(BATCHED_ROUNDS):
        for run in pending:
            guesses = Guesses(table)
            run.error = verify_input(run.hashes, run.input, flags, guesses)
            run.guessed = guesses.made
        start = time.perf_counter()
        guessed = dict.fromkeys(check for run in pending for check in run.guessed)
        verdicts, beside_good = decide_beside(beside, guessed, backend)
        table.learn(verdicts)
        seconds += time.perf_counter() - start
        checks.update(check.kind for check in verdicts)
        if not beside_good:
            return Settlement(checks, seconds, False)
        beside = None
        pending = [run for run in pending if not all(verdicts[check] for check in run.guessed)]

    on_the_spot = OnTheSpot(backend, table)
    for run in pending:
        run.error = verify_input(run.hashes, run.input, flags, on_the_spot)
    return Settlement(checks + on_the_spot.checks, seconds + on_the_spot.seconds, True)
