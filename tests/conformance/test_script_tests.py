"""Bitcoin Core's `script_tests.json`: 1,222 spends, each with the error that it ends in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from quorate.chain.script import taproot
from quorate.chain.script.errors import ScriptError
from quorate.chain.script.flags import CLEANSTACK, NAMES, P2SH, WITNESS, parse_flags
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.transaction import COIN, OutPoint, Transaction, TxIn, TxOut
from quorate.chain.verdicts import OnTheSpot, Spend, Table, verify_input, verify_inputs
from quorate.kernels.backend import Backend

from ..chain.curve import tweaked
from .assembler import assemble

# The internal key of these vectors, whose discrete logarithm nobody knows (BIP341).
NUMS = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")


@dataclass(frozen=True)
class Case:
    spend: Spend
    flags: int
    error: str
    text: str


def cases(vectors: Path) -> Iterator[Case]:
    for row in json.loads((vectors / "core" / "script_tests.json").read_text()):
        if len(row) == 1:
            continue  # a comment
        witness: list[bytes] = []
        output_key, value, text = "", 0, json.dumps(row)
        if isinstance(row[0], list):
            *items, coins = row.pop(0)
            value = round(coins * COIN)
            witness, output_key = _witness(items)
        script_sig, script_pubkey, flags, error = row[:4]
        script_pubkey = script_pubkey.replace("#TAPROOTOUTPUT#", "0x" + output_key)
        spend = _spend(assemble(script_sig), assemble(script_pubkey), tuple(witness), value)
        yield Case(spend, _completed(parse_flags(flags)), error, text)


def _witness(items: list[str]) -> tuple[list[bytes], str]:
    """The items, of which two may be made from a script, and then the output key that commits to it."""
    witness, key = [], ""
    for item in items:
        if item.startswith("#SCRIPT#"):
            script = assemble(item.removeprefix("#SCRIPT#"))
            root = taproot.leaf_hash(taproot.TAPSCRIPT_LEAF, script)
            output, parity = tweaked(NUMS, taproot.tweak_hash(NUMS, root))
            control = bytes((taproot.TAPSCRIPT_LEAF | parity,)) + NUMS
            key = output.hex()
            witness.append(script)
        elif item == "#CONTROLBLOCK#":
            witness.append(control)
        else:
            witness.append(bytes.fromhex(item))
    return witness, key


def _spend(script_sig: bytes, script_pubkey: bytes, witness: tuple[bytes, ...], value: int) -> Spend:
    """The two transactions that the vectors describe in their first lines."""
    output = TxOut(value, script_pubkey)
    credit = Transaction(1, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\0\0"),), (output,))
    spending = Transaction(1, (TxIn(OutPoint(credit.txid, 0), script_sig, witness=witness),), (TxOut(value, b""),))
    return Spend(spending, (output,))


def _completed(flags: int) -> int:
    """CLEANSTACK has no meaning without the other two."""
    return flags | P2SH | WITNESS if flags & CLEANSTACK else flags


def in_line(spend: Spend, flags: int, backend: Backend) -> ScriptError:
    return verify_input(SignatureHashes(*spend), 0, flags, OnTheSpot(backend, Table()))


def in_batch(spend: Spend, flags: int, backend: Backend) -> ScriptError:
    [[error]] = verify_inputs([spend], flags, backend).errors
    return error


@pytest.mark.parametrize("way", [in_line, in_batch])
def test_every_script_ends_as_bitcoin_core_says(vectors: Path, verifier: Backend, way: Any) -> None:
    found = [(case, way(case.spend, case.flags, verifier)) for case in cases(vectors)]
    assert len(found) == 1222
    wrong = [f"{case.text}: {error}" for case, error in found if error != case.error]
    assert not wrong, "\n".join(wrong)


def test_rules_only_forbid(vectors: Path, verifier: Backend) -> None:
    """A spend that passes does so with any flag less, and one that fails does so with any flag more."""
    for case in cases(vectors):
        passes = case.error == "OK"
        for bit in NAMES.values():
            flags = _trimmed(case.flags & ~bit) if passes else _filled(case.flags | bit)
            assert (in_line(case.spend, flags, verifier) is ScriptError.OK) == passes, (case.text, flags)


def _trimmed(flags: int) -> int:
    if not flags & P2SH:
        flags &= ~WITNESS
    return flags if flags & WITNESS else flags & ~CLEANSTACK


def _filled(flags: int) -> int:
    if flags & CLEANSTACK:
        flags |= WITNESS
    return flags | P2SH if flags & WITNESS else flags
