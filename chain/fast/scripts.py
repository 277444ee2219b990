"""The scripts of a block: usual spends as rows of a batch of signatures, the others by the interpreter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numba import types

from ...kernels.backend import Backend
from ...kernels.py.cache import compiled
from ...kernels.signatures import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, Scheme, SignatureBatch
from ..batch import RULES
from ..script.checker import CheckKind
from ..script.errors import ScriptError
from ..script.sighash import SignatureHashes
from ..verdict_cache import VerdictCache
from ..verdicts import Run, settle
from .messages import put
from .sighashes import signature_hashes
from .sources import Spent
from .table import FLAT, INPUTS, INPUTS_FROM, NUMBERS, OWNER, ROWS, Numbers, Table
from .templates import KEY, KEY_END, KEY_PATH, KIND, OTHER, PROGRAM, SIGNATURE, SIGNATURE_END, templates

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

_INTEGER = 32
"""Bytes of r, and of s."""


@dataclass(frozen=True, slots=True, eq=False)
class Scripts:
    """What is left to do for the inputs of a block."""

    rows: SignatureBatch
    """The checks of the usual spends, each a different one: each message names its input."""

    runs: list[Run]
    """The other inputs."""

    flags: int
    """Of `script/flags.py`."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The scripts of a block have been satisfied."""

    checks: Counter[CheckKind]
    """How many different checks the backend has decided, by kind."""

    signature_seconds: float
    """Wall time in the backend and in preparing its batches."""


def prepare(table: Table, spent: Spent, flags: int) -> Scripts:
    """`flags` have P2SH, WITNESS and TAPROOT among them."""
    spends = templates(table, spent)
    usual = np.flatnonzero(spends[:, KIND] != OTHER)
    rows = _rows(table, spent, spends, usual)
    return Scripts(rows, _runs(table, spent, np.flatnonzero(spends[:, KIND] == OTHER)), flags)


def satisfied(scripts: Scripts, backend: Backend, cache: VerdictCache | None = None) -> Tally | None:
    """None where an input's script refuses it.

    Rows are not looked up in the cache: verifying one in lanes takes as long. Raises what `Backend.verify` raises.
    """
    found = settle(scripts.runs, scripts.flags, backend, cache, scripts.rows)
    if not found.beside_good or any(run.error is not ScriptError.OK for run in scripts.runs):
        return None
    schemes = scripts.rows.schemes
    usual = {
        CheckKind.ECDSA: int((schemes == Scheme.ECDSA).sum()),
        CheckKind.SCHNORR: int((schemes == Scheme.SCHNORR).sum()),
    }
    return Tally(found.checks + Counter(usual), found.seconds)


def _runs(table: Table, spent: Spent, coins: Numbers) -> list[Run]:
    """Objects for these inputs, and for nothing else."""
    hashes: dict[int, SignatureHashes] = {}
    runs = []
    for coin, owner in zip(coins.tolist(), table.inputs[coins + 1, OWNER].tolist(), strict=True):
        first, count = int(table.transactions[owner, INPUTS_FROM]) - 1, int(table.transactions[owner, INPUTS])
        if owner not in hashes:
            outputs = [*map(spent.output, range(first, first + count))]
            hashes[owner] = SignatureHashes(table.transaction(owner), outputs)
        runs.append(Run(hashes[owner], coin - first))
    return runs


def _rows(table: Table, spent: Spent, spends: Numbers, which: Numbers) -> SignatureBatch:
    count = len(which)
    keys = np.zeros((count, KEY_BYTES), np.uint8)
    signatures = np.zeros((count, SIGNATURE_BYTES), np.uint8)
    write_rows()(spent.text, spends, which, keys, signatures)
    return SignatureBatch(
        np.where(spends[which, KIND] == KEY_PATH, Scheme.SCHNORR, Scheme.ECDSA).astype(np.uint8),
        keys,
        signatures,
        signature_hashes(table, spent, spends, which).view(np.uint8).reshape(-1),
        np.arange(count + 1, dtype=np.int64) * HASH_BYTES,
        RULES,
    )


@cache
def write_rows() -> Callable[..., None]:
    """`write_rows(text, spends, which, keys, signatures)` fills the last two, zeros before; no spend is
    `OTHER`."""

    def write_rows(text, spends, which, keys, signatures):  # type: ignore[no-untyped-def]
        for row in range(len(which)):
            spend = spends[which[row]]
            begin, end = spend[SIGNATURE], spend[SIGNATURE_END]
            if spend[KIND] == KEY_PATH:
                put(keys[row], 0, text, spend[PROGRAM], spend[PROGRAM] + 32)
                put(signatures[row], 0, text, begin, end)
            else:
                put(keys[row], 0, text, spend[KEY], spend[KEY_END])
                middle = _put_integer(signatures[row], _INTEGER, text, begin + 2)
                _put_integer(signatures[row], 2 * _INTEGER, text, middle)

    table = types.uint8[:, ::1]
    return compiled(write_rows, types.void(FLAT, ROWS, NUMBERS, table, table))


@numba.njit
def _put_integer(row, end, text, at):  # type: ignore[no-untyped-def]
    """A DER integer of at most 32 significant bytes, to before `end` of the row; returns its end in `text`."""
    begin, after = at + 2, at + 2 + int(text[at + 1])
    if text[begin] == 0:
        begin += 1
    put(row, end - (after - begin), text, begin, after)
    return after
