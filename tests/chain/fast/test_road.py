"""Where the fast road accepts, the plain road accepts with the same result; real blocks are accepted by both."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.check_block_context import BlockContext
from quorate.chain.coins import Coin, MemoryCoins
from quorate.chain.params import network
from quorate.chain.refusal import Refusal
from quorate.chain.script.opcodes import Op
from quorate.chain.transaction import OutPoint, Transaction, TxOut
from quorate.kernels.backend import Backend

from ..regtest import block_verifier
from .roads import EASY, HEIGHT, Case, by_fast_road, by_plain_road, made_valid, shortened, whole


@pytest.fixture(scope="module")
def backend() -> Backend:
    return block_verifier()


@pytest.fixture(scope="module")
def short(vectors: Path) -> Case:
    """Of a hundred transactions."""
    return shortened(vectors, 100)


def test_the_whole_block(vectors: Path, backend: Backend) -> None:
    case = whole(vectors)
    accepted = by_plain_road(case, backend)
    assert not isinstance(accepted, Refusal)
    assert by_fast_road(case, backend) == accepted
    assert accepted.fees == 5_026_183


def test_the_first_blocks(vectors: Path, backend: Backend) -> None:
    """Coinbases and the first payments, from genesis on: BIP30 is checked in each."""
    data = (vectors / "blocks" / "mainnet_1_255.dat").read_bytes()
    rules, coins, at, height = network("mainnet"), MemoryCoins(), 0, 0
    while at < len(data):
        begin = at + 8
        at, height = begin + int.from_bytes(data[at + 4 : begin], "little"), height + 1
        raw = data[begin:at]
        context = BlockContext(rules, height, Block.parse(raw).header.time - 1, lambda _: 0, None)
        case = Case(raw, coins, context)
        accepted = by_plain_road(case, backend)
        assert not isinstance(accepted, Refusal)
        assert by_fast_road(case, backend) == accepted
        accepted.changes.apply(coins)
    assert height == 255
    # All coinbases but those that were spent; block 170 is among the blocks.
    assert len(coins) >= 255


def changed_transaction(index: int, **fields: object) -> Callable[[list[Transaction]], None]:
    def change(transactions: list[Transaction]) -> None:
        transactions[index] = replace(transactions[index], **fields)  # type: ignore[arg-type]

    return change


def pay(value: int, index: int = 1) -> Callable[[list[Transaction]], None]:
    def change(transactions: list[Transaction]) -> None:
        outputs = transactions[index].outputs
        first = outputs[0]._replace(value=value)
        transactions[index] = replace(transactions[index], outputs=(first, *outputs[1:]))

    return change


def spend(outpoint: OutPoint | None = None, sequence: int | None = None) -> Callable[[list[Transaction]], None]:
    def change(transactions: list[Transaction]) -> None:
        inputs = transactions[1].inputs
        first = inputs[0]
        first = first._replace(outpoint=outpoint or first.outpoint, sequence=sequence or first.sequence)
        transactions[1] = replace(transactions[1], inputs=(first, *inputs[1:]))

    return change


def repeat_one(transactions: list[Transaction]) -> None:
    transactions.append(transactions[-1])


def spend_twice(transactions: list[Transaction]) -> None:
    transactions.append(replace(transactions[1], locktime=0, version=1))


def spend_what_comes_later(transactions: list[Transaction]) -> None:
    names = {transaction.txid: index for index, transaction in enumerate(transactions)}
    child, parent = next(
        (index, names[source.outpoint.txid])
        for index, transaction in enumerate(transactions)
        for source in transaction.inputs
        if source.outpoint.txid in names
    )
    transactions[child], transactions[parent] = transactions[parent], transactions[child]


def spend_what_a_transaction_has_not(transactions: list[Transaction]) -> None:
    spend(OutPoint(transactions[-1].txid, 10_000))(transactions)


def ask_for_signatures(transactions: list[Transaction]) -> None:
    pay(0)(transactions)
    script = bytes((Op.OP_CHECKMULTISIG,)) * 1_001
    transactions[1] = replace(transactions[1], outputs=(TxOut(0, script),))


def second_coinbase(transactions: list[Transaction]) -> None:
    transactions.append(replace(transactions[0], locktime=1))


def another_height(transactions: list[Transaction]) -> None:
    first = transactions[0].inputs[0]
    transactions[0] = replace(transactions[0], inputs=(first._replace(script_sig=b"\3" + bytes(3)),))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pay(-1), "bad-txns-vout-negative"),
        (pay(21 * 10**14 + 1), "bad-txns-vout-toolarge"),
        (pay(10**14), "bad-txns-in-belowout"),
        (pay(10**12, index=0), "bad-cb-amount"),
        (changed_transaction(1, outputs=()), "bad-txns-vout-empty"),
        (changed_transaction(1, locktime=HEIGHT), "bad-txns-nonfinal"),
        (changed_transaction(1, locktime=2**32 - 1), "bad-txns-nonfinal"),
        (spend(sequence=0xFFFF), "bad-txns-nonfinal"),
        (spend(sequence=0x40FFFF), "bad-txns-nonfinal"),
        (spend(OutPoint(b"\7" * 32, 5)), "bad-txns-inputs-missingorspent"),
        (spend(OutPoint(bytes(32), 2**32 - 1)), "bad-cb-multiple"),
        (repeat_one, "bad-txns-duplicate"),
        (spend_twice, "bad-txns-inputs-missingorspent"),
        (spend_what_comes_later, "bad-txns-inputs-missingorspent"),
        (spend_what_a_transaction_has_not, "bad-txns-inputs-missingorspent"),
        (ask_for_signatures, "bad-blk-sigops"),
        (second_coinbase, "bad-cb-multiple"),
        (another_height, "bad-cb-height"),
        (lambda _: None, None),
    ],
)
def test_rules_that_are_broken(
    short: Case, backend: Backend, change: Callable[[list[Transaction]], None], reason: str | None
) -> None:
    block = Block.parse(short.raw)
    transactions = list(block.transactions)
    # Relative locktimes need a version, and absolute ones an input that is not final.
    first = transactions[1]
    waiting = tuple(source._replace(sequence=min(source.sequence, 2**32 - 2)) for source in first.inputs)
    transactions[1] = replace(first, version=2, inputs=waiting) if reason == "bad-txns-nonfinal" else first
    change(transactions)
    case = short._replace(raw=made_valid(block, transactions).serialise())
    found = by_plain_road(case, backend)
    if reason is None:
        assert by_fast_road(case, backend) == found
        assert not isinstance(found, Refusal)
    else:
        assert isinstance(found, Refusal)
        assert found.reason == reason
        assert by_fast_road(case, backend) is None


def test_bytes_that_a_block_commits_to(short: Case, backend: Backend) -> None:
    """Root, target, commitment."""
    for place, value in ((36, short.raw[36] ^ 1), (67, short.raw[67] ^ 0x80), (75, 0x1D)):
        raw = short.raw[:place] + bytes((value,)) + short.raw[place + 1 :]
        assert by_fast_road(short._replace(raw=raw), backend) is None
    block = Block.parse(short.raw)
    bare = replace(block.transactions[0], inputs=(block.transactions[0].inputs[0]._replace(witness=()),))
    remade = replace(block, transactions=(bare, *block.transactions[1:]))
    assert by_fast_road(short._replace(raw=remade.serialise()), backend) is None


@pytest.mark.parametrize("rich", [-1, 21 * 10**14 + 1, 2**70])
def test_coins_that_cannot_be(short: Case, backend: Backend, rich: int) -> None:
    outpoint = Block.parse(short.raw).transactions[1].inputs[0].outpoint
    coin = short.coins[outpoint]
    output = coin.output._replace(value=rich)
    coins = MemoryCoins(short.coins | {outpoint: coin._replace(output=output)})
    assert by_fast_road(short._replace(coins=coins), backend) is None


def test_young_coinbases(short: Case, backend: Backend) -> None:
    outpoint = Block.parse(short.raw).transactions[1].inputs[0].outpoint
    for age in (99, 100):
        young = short.coins[outpoint]._replace(height=HEIGHT - age, is_coinbase=True)
        context = replace(short.context, median_time_before=lambda _: 0)
        case = short._replace(coins=MemoryCoins(short.coins | {outpoint: young}), context=context)
        accepted = by_fast_road(case, backend)
        assert (accepted is None) == (age == 99)
        assert accepted is None or accepted == by_plain_road(case, backend)


def test_an_unspent_namesake(short: Case, backend: Backend) -> None:
    """BIP30, where BIP34 does not make coinbases unique."""
    coinbase = Block.parse(short.raw).transactions[0]
    old = Coin(coinbase.outputs[0], 1, True)
    coins = MemoryCoins(short.coins | {OutPoint(coinbase.txid, 0): old})
    unknown = replace(short.context, bip34_block=None)
    assert by_fast_road(short._replace(context=unknown), backend) is not None
    assert by_fast_road(short._replace(coins=coins), backend) is not None
    assert by_fast_road(short._replace(coins=coins, context=unknown), backend) is None


def test_blocks_that_have_to_be_signed(short: Case, backend: Backend) -> None:
    signed = replace(EASY, signet_challenge=b"\x51")
    context = replace(short.context, network=signed)
    assert by_fast_road(short._replace(context=context), backend) is None


def test_damaged_spends(short: Case, backend: Backend) -> None:
    """One bit of what inputs and outputs hold, or of the coins, in blocks that commit to the damage."""
    rng = random.Random(1)
    block = Block.parse(short.raw)
    reasons: set[str] = set()
    for trial in range(300):
        transactions, coins = list(block.transactions), MemoryCoins(short.coins)
        index = rng.randrange(1, len(transactions))
        if rng.random() < 0.2:
            _damage_coin(rng, transactions[index], coins)
        else:
            transactions[index] = _damaged(rng, transactions[index])
        case = Case(made_valid(block, transactions).serialise(), coins, short.context)
        fast = by_fast_road(case, backend)
        if fast is not None or trial % 10 == 0:
            plain = by_plain_road(case, backend)
            assert fast == (None if isinstance(plain, Refusal) else plain)
            reasons.add(plain.reason if isinstance(plain, Refusal) else "accepted")
    assert reasons > {"accepted", "block-script-verify-flag-failed"}


def _damage_coin(rng: random.Random, transaction: Transaction, coins: MemoryCoins) -> None:
    outpoint = rng.choice(transaction.inputs).outpoint
    coin = coins.get(outpoint)
    if coin is not None:  # else it is the block's own
        value, script = coin.output
        output = rng.choice((TxOut(value ^ 1 << rng.randrange(40), script), TxOut(value, _flipped(rng, script))))
        coins[outpoint] = coin._replace(output=output)


def _damaged(rng: random.Random, transaction: Transaction) -> Transaction:
    inputs, outputs = [*transaction.inputs], [*transaction.outputs]
    if rng.random() < 0.2:
        place = rng.randrange(len(outputs))
        value, script = outputs[place]
        outputs[place] = rng.choice((TxOut(value ^ 1, script), TxOut(value, _flipped(rng, script))))
    else:
        place = rng.randrange(len(inputs))
        source = inputs[place]
        items = [*source.witness]
        if items and rng.random() < 0.8:
            number = rng.randrange(len(items))
            items[number] = _flipped(rng, items[number])
            inputs[place] = source._replace(witness=tuple(items))
        else:
            inputs[place] = source._replace(script_sig=_flipped(rng, source.script_sig))
    return replace(transaction, inputs=tuple(inputs), outputs=tuple(outputs))


def _flipped(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\1"
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


@pytest.mark.slow
def test_every_byte_that_is_signed(vectors: Path, backend: Backend) -> None:
    """Every byte of every signature, amount and script of sixty transactions, in blocks that commit to the change.

    The coinbase's outputs are left out: whoever mines such a block chooses them.
    """
    case = shortened(vectors, 60)
    block = Block.parse(case.raw)
    reasons: Counter[str] = Counter()
    for index, transaction in enumerate(block.transactions[1:], start=1):
        for changed in _changed_everywhere(transaction):
            transactions = list(block.transactions)
            transactions[index] = changed
            altered = case._replace(raw=made_valid(block, transactions).serialise())
            assert by_fast_road(altered, backend) is None
            refusal = by_plain_road(altered, backend)
            assert isinstance(refusal, Refusal)
            reasons[refusal.reason] += 1
    assert set(reasons) <= {
        "block-script-verify-flag-failed",
        "bad-txns-in-belowout",
        "bad-txns-inputs-missingorspent",  # of the changed transaction's own outputs, whose name is another now
        "bad-txns-vout-negative",
        "bad-txns-vout-toolarge",
    }
    assert reasons["block-script-verify-flag-failed"] > 5_000


def _changed_everywhere(transaction: Transaction) -> Iterator[Transaction]:
    """With each byte flipped, one at a time."""
    inputs, outputs = transaction.inputs, transaction.outputs
    for place, output in enumerate(outputs):
        others = outputs[:place], outputs[place + 1 :]
        raw = output.value.to_bytes(8, "little")
        for value in _all_flips(raw):
            changed = output._replace(value=int.from_bytes(value, "little", signed=True))
            yield replace(transaction, outputs=(*others[0], changed, *others[1]))
        for script in _all_flips(output.script_pubkey):
            yield replace(transaction, outputs=(*others[0], output._replace(script_pubkey=script), *others[1]))
    for place, source in enumerate(inputs):
        before, after = inputs[:place], inputs[place + 1 :]
        for script in _all_flips(source.script_sig):
            yield replace(transaction, inputs=(*before, source._replace(script_sig=script), *after))
        for number, item in enumerate(source.witness):
            for flipped in _all_flips(item):
                items = (*source.witness[:number], flipped, *source.witness[number + 1 :])
                yield replace(transaction, inputs=(*before, source._replace(witness=items), *after))


def _all_flips(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]
