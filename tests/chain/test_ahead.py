"""Blocks whose scripts are run together: the same chain as one by one, with fewer calls of the backend."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.chain import ahead
from quorate.chain.block import Block
from quorate.chain.chainstate import Chainstate, Outcome
from quorate.chain.check_store import check_store
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push
from quorate.chain.script.sighash import ALL, SignatureHashes
from quorate.chain.store import Store
from quorate.chain.transaction import OutPoint, Transaction, TxOut
from quorate.kernels.backend import DeviceError
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, SignatureBatch

from .curve import ecdsa, public_key
from .regtest import (
    ANYONE_BY_WITNESS,
    REGTEST,
    block_on,
    give,
    grow,
    open_chain,
    reward,
    spend,
    utxo_digest,
    verifier,
)

KEY = 5
TO_KEY = push(public_key(KEY)) + bytes((Op.OP_CHECKSIG,))


class Counting(ReferenceBackend):
    """Keeps the sizes of the batches that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def verify(self, batch: SignatureBatch) -> Codes:
        self.sizes.append(len(batch))
        return super().verify(batch)


class Failing(ReferenceBackend):
    def verify(self, batch: SignatureBatch) -> Codes:
        raise DeviceError("it fell off the bus")


@pytest.fixture
def source(tmp_path: Path) -> Chainstate:
    return open_chain(tmp_path / "source")


def signed(outpoint: OutPoint, value: int, secret: int = KEY) -> Transaction:
    """From and to the key."""
    blank = spend(outpoint, value=value, to=TO_KEY)
    message = SignatureHashes(blank, [TxOut(value, TO_KEY)]).legacy(0, TO_KEY, ALL)
    script_sig = push(ecdsa(secret, message) + bytes((ALL,)))
    return Transaction(2, (blank.inputs[0]._replace(script_sig=script_sig),), blank.outputs)


def payments(source: Chainstate, count: int) -> list[Block]:
    """Empty blocks until the first reward can be spent, then so many that each spend what the last one paid."""
    first = block_on(source, source.tip, script=TO_KEY)
    give(source, first)
    blocks = [first, *grow(source, 2)]
    value = first.transactions[0].outputs[0].value
    at = reward(first)
    for _ in range(count):
        payment = signed(at, value)
        blocks.append(block_on(source, source.tip, [payment]))
        assert give(source, blocks[-1]).status == "tip"
        at = OutPoint(payment.txid, 0)
    return blocks


def offer_all(chain: Chainstate, blocks: list[Block]) -> list[Outcome]:
    outcomes = [outcome for block in blocks for outcome in chain.offer(block.serialise())]
    return outcomes + chain.settle()


def test_one_call_for_many_blocks(source: Chainstate, tmp_path: Path) -> None:
    blocks = payments(source, 7)
    backend = Counting()
    chain = Chainstate(Store(tmp_path / "chain", REGTEST), backend, clock=lambda: 4_000_000_000)
    assert [chain.offer(block.serialise()) for block in blocks] == [[]] * len(blocks)
    assert chain.tip.height == 0
    assert [outcome.height for outcome in chain.settle()] == [*range(1, 11)]
    assert backend.sizes == [7]
    assert utxo_digest(chain) == utxo_digest(source)
    assert chain.settle() == []


@pytest.mark.parametrize("limit", ["BLOCKS", "BYTES"])
def test_enough_is_enough(limit: str, source: Chainstate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = grow(source, 5)
    monkeypatch.setattr(ahead, limit, 3 if limit == "BLOCKS" else 2 * len(blocks[0].serialise()) + 1)
    chain = open_chain(tmp_path / "chain")
    assert [len(chain.offer(block.serialise())) for block in blocks] == [0, 0, 3, 0, 0]
    assert chain.tip.height == 3
    assert len(chain.settle()) == 2


def test_a_bad_signature_in_the_middle(source: Chainstate, tmp_path: Path) -> None:
    blocks = payments(source, 5)
    good = blocks[5].transactions[1]
    forged = signed(good.inputs[0].outpoint, good.outputs[0].value, secret=KEY + 1)
    elsewhere = open_chain(tmp_path / "elsewhere")
    offer_all(elsewhere, blocks[:5])
    bad = block_on(elsewhere, elsewhere.tip, [forged])
    above = block_on(elsewhere, elsewhere.tree.add(bad.header, bad.header.hash()))
    blocks[5:] = [bad, above]
    chain = open_chain(tmp_path / "chain")
    outcomes = offer_all(chain, blocks)
    assert [outcome.status for outcome in outcomes] == ["tip"] * 5 + ["refused"] * 2
    first, second = outcomes[5].refusal, outcomes[6].refusal
    assert first
    assert second
    assert first.reason == "block-script-verify-flag-failed"
    assert f"transaction 1 ({forged.txid[::-1].hex()}) fails at input 0" in first.detail
    assert second.reason == "bad-prevblk"
    assert chain.tip.height == 5
    assert check_store(chain, verifier(), 4_000_000_000).valid
    chain.store.close()
    again = open_chain(chain.store.folder)
    assert [node.refusal for node in again.tree] == [node.refusal for node in chain.tree]
    again.reconsider(blocks[5].header.hash())
    assert (again.tip.height, again.tree.tips()[-1].refusal) == (5, second)


def test_a_coin_is_not_spent_twice_among_those_that_wait(source: Chainstate, tmp_path: Path) -> None:
    blocks = grow(source, 4)
    once = spend(reward(blocks[0]), value=1)
    blocks.append(block_on(source, source.tip, [once]))
    give(source, blocks[-1])
    blocks.append(block_on(source, source.tip, [spend(reward(blocks[0]), value=2)]))
    outcomes = offer_all(open_chain(tmp_path / "chain"), blocks)
    assert [outcome.status for outcome in outcomes] == ["tip"] * 5 + ["refused"]
    assert outcomes[5].refusal
    assert outcomes[5].refusal.reason == "bad-txns-inputs-missingorspent"


def test_each_block_has_its_own_flags(tmp_path: Path) -> None:
    """CHECKLOCKTIMEVERIFY is no operation below its height."""
    rules = replace(REGTEST, bip65_height=6)
    source, chain = open_chain(tmp_path / "source", rules), open_chain(tmp_path / "chain", rules)
    locked = b"\x02\xe8\x03" + bytes((Op.OP_CHECKLOCKTIMEVERIFY,))  # of height 1,000
    blocks = []
    for _ in range(2):
        blocks.append(block_on(source, source.tip, script=locked))
        give(source, blocks[-1])
    blocks += grow(source, 2)
    for block in blocks[:2]:
        blocks.append(block_on(source, source.tip, [spend(reward(block), value=1)]))
        give(source, blocks[-1])
    outcomes = offer_all(chain, blocks)
    assert [outcome.status for outcome in outcomes] == ["tip"] * 5 + ["refused"]
    assert outcomes[5].refusal
    assert "fails at input 0: UNSATISFIED_LOCKTIME" in outcomes[5].refusal.detail


def test_the_same_block_again_while_it_waits(source: Chainstate, tmp_path: Path) -> None:
    blocks = grow(source, 3)
    paid = spend(reward(blocks[0]), value=1, to=ANYONE_BY_WITNESS)
    bad = block_on(source, source.tip, [paid, spend(OutPoint(paid.txid, 0), value=1)])  # without its witness
    outcomes = offer_all(open_chain(tmp_path / "chain"), [*blocks, blocks[2], bad, bad])
    assert [outcome.status for outcome in outcomes] == ["tip"] * 3 + ["known"] + ["refused"] * 2
    assert outcomes[4] == outcomes[5]


def test_a_device_that_fails_leaves_what_was_there(source: Chainstate, tmp_path: Path) -> None:
    blocks = payments(source, 3)
    chain = Chainstate(Store(tmp_path / "chain", REGTEST), Failing(), clock=lambda: 4_000_000_000)
    offer_all(chain, blocks[:3])
    for block in blocks[3:]:
        chain.offer(block.serialise())
    with pytest.raises(DeviceError):
        chain.settle()
    assert (chain.tip.height, len(chain.tree), chain.settle()) == (3, 4, [])
    chain.store.close()
    chain = open_chain(chain.store.folder)
    assert [outcome.status for outcome in offer_all(chain, blocks)] == ["known"] * 3 + ["tip"] * 3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_the_same_as_one_by_one(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Random trees with good and bad spends, in nearly their order, some twice."""
    rng = random.Random(seed)
    source = open_chain(tmp_path_factory.mktemp("source"))
    blocks: list[Block] = []
    by_hash: dict[bytes, Block] = {}
    for number in range(16):
        parent = source.tip if rng.random() < 0.8 else rng.choice([*source.tree][-4:])
        below = [by_hash[node.hash] for node in parent.branch() if node.hash in by_hash][1:]
        spends = []
        if below and rng.random() < 0.7:
            spends.append(spend(reward(rng.choice(below)), value=1, to=ANYONE_BY_WITNESS))
            if rng.random() < 0.1:  # without its witness
                spends.append(spend(OutPoint(spends[0].txid, 0), value=1))
        block = block_on(source, parent, spends, bytes((number,)), fees=int(rng.random() < 0.05))
        give(source, block)
        blocks += [block] * (1 + (rng.random() < 0.1))
        by_hash[block.header.hash()] = block
    for _ in range(3):
        at = rng.randrange(len(blocks) - 1)
        blocks[at], blocks[at + 1] = blocks[at + 1], blocks[at]

    one, all_together = (open_chain(tmp_path_factory.mktemp(name)) for name in ("one", "together"))
    expected = [[*one.offer(block.serialise()), *one.settle()] for block in blocks]
    assert offer_all(all_together, blocks) == [outcome for [outcome] in expected]
    assert utxo_digest(all_together) == utxo_digest(one)
    assert [(node.hash, node.refusal) for node in all_together.tree] == [
        (node.hash, node.refusal) for node in one.tree
    ]
