"""Bitcoin Core's `tx_valid.json` and `tx_invalid.json`: whole transactions, with what they spend and the flags."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quorate.chain.check_transaction import check_transaction
from quorate.chain.script.errors import ScriptError
from quorate.chain.script.flags import CLEANSTACK, NAMES, P2SH, WITNESS, parse_flags
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.transaction import OutPoint, Transaction, TxOut
from quorate.chain.verdicts import OnTheSpot, Spend, Table, verify_input, verify_inputs
from quorate.kernels.backend import Backend

from .assembler import assemble

ALL_FLAGS = sum(NAMES.values())


@dataclass(frozen=True)
class Case:
    transaction: Transaction
    spend: Spend | None
    """None where an input's output is not given."""
    flags: str
    text: str


def cases(path: Path) -> Iterator[Case]:
    for row in json.loads(path.read_text()):
        if not isinstance(row[0], list):
            continue  # a comment
        outputs, raw, flags = row
        coins = {
            OutPoint(bytes.fromhex(txid)[::-1], index & 0xFFFFFFFF): TxOut(
                value[0] if value else 0, assemble(script)
            )
            for txid, index, script, *value in outputs
        }
        transaction = Transaction.parse(bytes.fromhex(raw))
        spent = [coins.get(spent.outpoint) for spent in transaction.inputs]
        known = [output for output in spent if output is not None]
        spend = Spend(transaction, known) if len(known) == len(spent) else None
        yield Case(transaction, spend, flags, json.dumps(row))


Verify = Callable[[Spend, int, Backend], bool]


def in_line(spend: Spend, flags: int, backend: Backend) -> bool:
    hashes, verdicts = SignatureHashes(*spend), OnTheSpot(backend, Table())
    return all(verify_input(hashes, index, flags, verdicts) is ScriptError.OK for index in range(len(spend.spent)))


def in_batch(spend: Spend, flags: int, backend: Backend) -> bool:
    return verify_inputs([spend], flags, backend).first_fault() is None


both_ways = pytest.mark.parametrize("verify", [in_line, in_batch])


@both_ways
def test_valid(vectors: Path, verifier: Backend, verify: Verify) -> None:
    """The flags named are those that would refuse it: it passes all others, and fewer."""
    found = list(cases(vectors / "core" / "tx_valid.json"))
    assert len(found) == 121
    for case in found:
        assert case.spend, case.text
        assert check_transaction(case.transaction) is None, case.text
        flags = ALL_FLAGS & ~parse_flags(case.flags)
        assert verify(case.spend, flags, verifier), case.text
        for bit in NAMES.values():
            assert verify(case.spend, _trimmed(flags & ~bit), verifier), (case.text, bit)


@both_ways
def test_invalid(vectors: Path, verifier: Backend, verify: Verify) -> None:
    """The flags named are those that refuse it; BADTX stands for what no flag is needed for."""
    found = list(cases(vectors / "core" / "tx_invalid.json"))
    assert len(found) == 93
    for case in found:
        if case.flags == "BADTX":
            assert check_transaction(case.transaction), case.text
            continue
        assert check_transaction(case.transaction) is None, case.text
        assert case.spend, case.text
        flags = parse_flags(case.flags)
        assert not verify(case.spend, flags, verifier), case.text
        for bit in NAMES.values():
            assert not verify(case.spend, _filled(flags | bit), verifier), (case.text, bit)


@both_ways
def test_every_flag_named_is_needed(vectors: Path, verifier: Backend, verify: Verify) -> None:
    for case in cases(vectors / "core" / "tx_valid.json"):
        named = parse_flags(case.flags)
        for bit in NAMES.values():
            if named & bit:
                flags = _filled(ALL_FLAGS & ~named | bit)
                assert case.spend
                assert not verify(case.spend, flags, verifier), (case.text, bit)
    for case in cases(vectors / "core" / "tx_invalid.json"):
        if case.flags != "BADTX":
            flags = parse_flags(case.flags)
            for bit in NAMES.values():
                if flags & bit:
                    assert case.spend
                    assert verify(case.spend, _trimmed(flags & ~bit), verifier), (case.text, bit)


def _trimmed(flags: int) -> int:
    if not flags & P2SH:
        flags &= ~WITNESS
    return flags if flags & WITNESS else flags & ~CLEANSTACK


def _filled(flags: int) -> int:
    if flags & CLEANSTACK:
        flags |= WITNESS
    return flags | P2SH if flags & WITNESS else flags
