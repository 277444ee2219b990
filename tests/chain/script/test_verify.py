"""Beside Bitcoin Core's vectors, which `tests/conformance/` reads: any bytes at all, and Tapscript's limits."""

from __future__ import annotations

import time
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quorate.chain.script import taproot
from quorate.chain.script.checker import Check
from quorate.chain.script.errors import ScriptError
from quorate.chain.script.flags import CONSENSUS, MINIMALIF, NAMES
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.verdicts import verify_input


class Always:
    """The same verdict on every check, which are kept."""

    def __init__(self, verdict: bool) -> None:
        self.verdict = verdict
        self.asked: list[Check] = []

    def ask(self, check: Check) -> bool:
        self.asked.append(check)
        return self.verdict


KEY = b"\2" + bytes(range(32))
SIGNATURE = bytes.fromhex("3006020101020101") + b"\1"
OUTPUT = b"\x51\x20" + KEY[1:]
CONTROL = b"\xc0" + bytes(32)


def verify(
    script_pubkey: bytes,
    script_sig: bytes = b"",
    witness: tuple[bytes, ...] = (),
    flags: int = CONSENSUS,
    verdicts: Always | None = None,
) -> ScriptError:
    spending = TxIn(OutPoint(bytes(32), 0), script_sig, 0, witness)
    transaction = Transaction(2, (spending,), (TxOut(0, b""),))
    hashes = SignatureHashes(transaction, [TxOut(1, script_pubkey)])
    return verify_input(hashes, 0, flags, verdicts or Always(True))


def tapscript(
    script: bytes, *items: bytes, control: bytes = CONTROL, verdicts: Always | None = None
) -> ScriptError:
    return verify(OUTPUT, witness=(*items, script, control), verdicts=verdicts)


# Scripts that get far: opcodes are likelier than pushes of what follows.
likely = st.lists(
    st.one_of(
        st.sampled_from(list(Op)).map(lambda op: bytes((op,)) if op not in (0x4C, 0x4D, 0x4E) else b"\x51"),
        st.binary(max_size=5).map(push),
        st.sampled_from([push(KEY), push(KEY[1:]), push(SIGNATURE), push(bytes(64)), b"\x51", b"\x52"]),
    ),
    max_size=24,
).map(b"".join)

scripts = st.one_of(likely, st.binary(max_size=60))
flag_sets = st.sets(st.sampled_from(list(NAMES.values()))).map(sum)


@given(scripts, scripts, st.lists(st.binary(max_size=40), max_size=4).map(tuple), flag_sets, st.booleans())
@example(OUTPUT, b"", (b"", b"\x50"), sum(NAMES.values()), True)
@settings(max_examples=400, deadline=None)
def test_any_bytes_end_in_a_verdict(
    script_pubkey: bytes, script_sig: bytes, witness: tuple[bytes, ...], flags: int, verdict: bool
) -> None:
    assert verify(script_pubkey, script_sig, witness, flags, Always(verdict)) in ScriptError


@given(scripts, st.lists(st.binary(max_size=40), max_size=4), flag_sets, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_bytes_end_in_a_verdict_as_tapscript(
    script: bytes, items: list[bytes], flags: int, verdict: bool
) -> None:
    witness = (*items, script, CONTROL)
    found = verify(OUTPUT, b"", witness, flags | CONSENSUS, Always(verdict))
    assert found in ScriptError
    if not verdict:
        assert found is ScriptError.WITNESS_PROGRAM_MISMATCH, "the commitment is asked first"


def test_nesting_costs_no_more_than_length() -> None:
    """A hundred thousand open IFs: where each operation looked at all of them, this would take an hour."""
    start = time.perf_counter()
    script = bytes((Op.OP_1, Op.OP_IF)) * 100_000
    assert tapscript(script) is ScriptError.UNBALANCED_CONDITIONAL
    assert tapscript(script + bytes((Op.OP_ENDIF,)) * 100_000 + b"\x51") is ScriptError.OK
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize(
    ("script", "items", "error"),
    [
        (b"\x51", (), ScriptError.OK),
        (b"\x00", (), ScriptError.EVAL_FALSE),
        (b"\x51\x51", (), ScriptError.CLEANSTACK),
        (b"\x61" * 10_100 + b"\x51", (), ScriptError.OK),
        (b"\x4d\x09\x02" + bytes(521), (), ScriptError.PUSH_SIZE),
        (b"\x51", (bytes(521),), ScriptError.PUSH_SIZE),
        (b"\x51", (b"",) * 1001, ScriptError.STACK_SIZE),
        (b"\x51" * 1001, (), ScriptError.STACK_SIZE),
        (b"\x63\x51\x68\x51", (b"\2",), ScriptError.TAPSCRIPT_MINIMALIF),
        (b"\x00\x00\x00\xae", (), ScriptError.TAPSCRIPT_CHECKMULTISIG),
        (b"\x00\xac", (b"",), ScriptError.TAPSCRIPT_EMPTY_PUBKEY),
        (push(KEY[1:]) + b"\xac", (b"",), ScriptError.EVAL_FALSE),
        (push(KEY[1:]) + b"\xac", (bytes(64),), ScriptError.OK),
        (push(KEY[1:]) + b"\xac", (bytes(64) + b"\0",), ScriptError.SCHNORR_SIG_HASHTYPE),
        (push(KEY[1:]) + b"\xac", (bytes(64) + b"\4",), ScriptError.SCHNORR_SIG_HASHTYPE),
        (push(KEY[1:]) + b"\xac", (bytes(63),), ScriptError.SCHNORR_SIG_SIZE),
        (push(KEY) + b"\xac", (b"anything",), ScriptError.OK),
        (b"\x50", (), ScriptError.OK),
        (b"\xfe\x00\x4c", (), ScriptError.OK),
        (b"\xff", (), ScriptError.BAD_OPCODE),
        (b"\x4c\xfe\x50", (), ScriptError.BAD_OPCODE),
        (b"\x52" + push(KEY[1:]) + b"\xba\x53\x87", (bytes(64),), ScriptError.OK),
        (b"\x52" + push(KEY[1:]) + b"\xba\x52\x87", (b"",), ScriptError.OK),
    ],
)
def test_tapscript(script: bytes, items: tuple[bytes, ...], error: ScriptError) -> None:
    assert tapscript(script, *items) is error


def test_a_schnorr_signature_that_fails_ends_the_script() -> None:
    class OnlyCommitments(Always):
        def ask(self, check: Check) -> bool:
            super().ask(check)
            return len(self.asked) == 1

    script = push(KEY[1:]) + bytes((Op.OP_CHECKSIG, Op.OP_NOT))
    assert tapscript(script, bytes(64), verdicts=OnlyCommitments(True)) is ScriptError.SCHNORR_SIG


@pytest.mark.parametrize(("padding", "error"), [(5, ScriptError.OK), (4, ScriptError.TAPSCRIPT_VALIDATION_WEIGHT)])
def test_the_budget(padding: int, error: ScriptError) -> None:
    """Two signatures cost 100. There are 50 for nothing and 45 bytes of witness, without the padding."""
    signature = b"\x51\x51" + bytes((Op.OP_CHECKSIG, Op.OP_DROP))  # a key of an unknown kind keeps it small
    script = 2 * signature + b"\x51" + b"\x61" * padding
    assert 1 + (1 + len(script)) + (1 + len(CONTROL)) == 45 + padding
    assert tapscript(script) is error


@pytest.mark.parametrize("size", [0, 32, 34, 64, 33 + 32 * 129])
def test_control_blocks_have_certain_lengths(size: int) -> None:
    assert tapscript(b"\x51", control=bytes(size)) is ScriptError.TAPROOT_WRONG_CONTROL_SIZE


def test_the_deepest_leaf() -> None:
    assert tapscript(b"\x51", control=CONTROL + bytes(32 * 128)) is ScriptError.OK


def test_an_annex_is_signed() -> None:
    asked = []
    for witness in ((bytes(64),), (bytes(64), b"\x50"), (bytes(64), b"\x50more")):
        verdicts = Always(True)
        assert verify(OUTPUT, witness=witness, verdicts=verdicts) is ScriptError.OK
        asked += verdicts.asked
    assert len(asked) == len({check.message for check in asked}) == 3


def test_unknown_leaf_versions_are_anybodys() -> None:
    assert tapscript(b"\x00", control=b"\xc2" + bytes(32)) is ScriptError.OK


def test_if_in_witness_v0_is_lax_but_for_its_flag() -> None:
    script = b"\x63\x51\x67\x51\x68"
    program = b"\0\x20" + sha256(script).digest()
    assert verify(program, witness=(b"\2", script)) is ScriptError.OK
    assert verify(program, witness=(b"\2", script), flags=CONSENSUS | MINIMALIF) is ScriptError.MINIMALIF


def test_leaf_and_branch_hashes_do_not_depend_on_the_order() -> None:
    assert taproot.branch_hash(b"a" * 32, b"b" * 32) == taproot.branch_hash(b"b" * 32, b"a" * 32)
    assert taproot.leaf_hash(0xC0, b"\x51") != taproot.leaf_hash(0xC2, b"\x51")
