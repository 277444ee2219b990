"""All signatures in one batch must come to what checking each in line comes to."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.chain.script.checker import Check, CheckKind
from quorate.chain.script.errors import ScriptError
from quorate.chain.script.flags import CONSENSUS, STANDARD
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.verdict_cache import VerdictCache
from quorate.chain.verdicts import OnTheSpot, Spend, Table, verify_input, verify_inputs
from quorate.kernels.backend import Backend, UsageError
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, SignatureBatch

from .curve import der, public_key
from .spending import number, op, random_spend


class Counting(ReferenceBackend):
    """The reference, which counts how often it is asked, and for how many signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def verify(self, batch: SignatureBatch) -> Codes:
        self.batches.append(len(batch))
        return super().verify(batch)


def in_line(spend: Spend, flags: int, backend: Backend) -> tuple[ScriptError, ...]:
    hashes, verdicts = SignatureHashes(*spend), OnTheSpot(backend, Table())
    return tuple([verify_input(hashes, index, flags, verdicts) for index in range(len(spend.spent))])


@pytest.mark.parametrize("flags", [CONSENSUS, STANDARD])
def test_batches_equal_checking_in_line(verifier: Backend, flags: int) -> None:
    """The spends are such that the test bites: many pass, many fail, and many guesses are wrong."""
    spends = [random_spend(seed) for seed in range(400)]
    expected = tuple(in_line(spend, flags, verifier) for spend in spends)
    report = verify_inputs(spends, flags, verifier)
    assert report.errors == expected
    ends = Counter(error for errors in expected for error in errors)
    assert ends[ScriptError.OK] > 100
    assert sum(ends.values()) - ends[ScriptError.OK] > 100
    assert len(ends) >= 5, ends


@given(st.integers(min_value=400))
@settings(max_examples=60, deadline=None)
def test_batches_equal_checking_in_line_for_any_seed(seed: int) -> None:
    spend = random_spend(seed)
    backend = ReferenceBackend()
    assert verify_inputs([spend], CONSENSUS, backend).errors == (in_line(spend, CONSENSUS, backend),)


def test_guesses_that_were_wrong_are_run_again_in_batches() -> None:
    backend = Counting()
    spends = [random_spend(seed) for seed in range(40)]
    report = verify_inputs(spends, CONSENSUS, backend)
    assert backend.batches[0] > 40
    assert len(backend.batches) > 1
    assert sum(backend.batches) == report.checks.total() + report.checks[CheckKind.COMMITMENT]


def _ladder(steps: int, name: int) -> Spend:
    """Bad signatures only, each of which is reached when the one before it has failed; then it passes."""
    key = push(public_key(1000))
    script = (key + op(Op.OP_CHECKSIG, Op.OP_IF, Op.OP_RETURN, Op.OP_ELSE)) * steps
    script += number(1) + op(Op.OP_ENDIF) * steps
    signatures = b"".join(push(der(name, step + 1) + b"\1") for step in range(steps))
    spending = TxIn(OutPoint(name.to_bytes(32), 0), signatures)
    return Spend(Transaction(1, (spending,), (TxOut(0, b""),)), [TxOut(1, script)])


def test_nobody_can_force_many_rounds() -> None:
    """After three rounds what is still unknown is verified on the spot."""
    backend = Counting()
    report = verify_inputs([_ladder(8, name) for name in range(1, 6)], CONSENSUS, backend)
    assert report.errors == ((ScriptError.OK,),) * 5
    assert backend.batches == [5, 5, 5] + [1] * 25
    assert report.checks == {CheckKind.ECDSA: 40}


def test_on_the_spot_each_check_is_verified_once() -> None:
    backend = Counting()
    verdicts = OnTheSpot(backend, Table())
    checks = [Check(CheckKind.ECDSA, public_key(9), der(1, s), bytes(32)) for s in (1, 2)]
    for check in checks * 3:
        assert not verdicts.ask(check)
    assert backend.batches == [1, 1]
    assert verdicts.checks == {CheckKind.ECDSA: 2}


def test_where_all_guesses_are_right_there_is_one_call() -> None:
    spends = []
    for seed in range(60):
        alone = Counting()
        spend = random_spend(seed)
        verify_inputs([spend], CONSENSUS, alone)
        if len(alone.batches) == 1:
            spends.append(spend)
    assert len(spends) > 10
    together = Counting()
    verify_inputs(spends, CONSENSUS, together)
    assert len(together.batches) == 1


def test_a_cache_spares_the_second_look() -> None:
    spends = [random_spend(seed) for seed in range(40)]
    cache, first, second = VerdictCache(), Counting(), Counting()
    report = verify_inputs(spends, CONSENSUS, first, cache)
    again = verify_inputs(spends, CONSENSUS, second, cache)
    assert again.errors == report.errors
    # What was good is not asked again; what was bad is.
    assert 0 < sum(second.batches) < sum(first.batches)
    assert sum(first.batches) - sum(second.batches) >= len(cache)


def test_the_first_fault_has_its_place() -> None:
    output = TxOut(1, b"\x51")
    good = Spend(Transaction(1, (TxIn(OutPoint(bytes(32), 0), b""),), (output,)), [output])
    two = Transaction(1, (TxIn(OutPoint(bytes(32), 1), b""), TxIn(OutPoint(bytes(32), 2), b"")), (output,))
    bad = Spend(two, [output, TxOut(1, b"\0")])
    report = verify_inputs([good, bad], CONSENSUS, ReferenceBackend())
    assert report.first_fault() == (1, 1, ScriptError.EVAL_FALSE)
    assert verify_inputs([good], CONSENSUS, ReferenceBackend()).first_fault() is None
    assert report.checks.total() == 0


def test_every_input_needs_its_output() -> None:
    output = TxOut(1, b"\x51")
    transaction = Transaction(1, (TxIn(OutPoint(bytes(32), 0), b""),), (output,))
    with pytest.raises(UsageError, match="1 inputs does not spend 2 outputs"):
        verify_inputs([Spend(transaction, [output, output])], CONSENSUS, ReferenceBackend())
