"""Real blocks: they parse, come back byte for byte, and all that they commit to is found."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from quorate.chain.block import Block, commit_to_witnesses, witness_commitment
from quorate.chain.check_transaction import check_transaction
from quorate.chain.header import display_hash
from quorate.chain.params import network
from quorate.chain.pow import bits_to_target, meets_target
from quorate.chain.script.checker import CheckKind
from quorate.chain.script.errors import ScriptError
from quorate.chain.script.flags import CONSENSUS
from quorate.chain.script.parse import operations
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.serialise import Reader, compact_size, with_size
from quorate.chain.transaction import Transaction, TxOut
from quorate.chain.validate_block import read_prevouts, validate_block
from quorate.chain.verdicts import OnTheSpot, Spend, Table, verify_input, verify_inputs
from quorate.kernels.backend import Backend
from quorate.kernels.reference import ReferenceBackend

MAGIC = bytes.fromhex("f9beb4d9")

HASHES = {
    170: "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee",
    200000: "000000000000034a7dedef4a161fa058a2d67a173a90155f3a2fe6fc132e0ebf",
    413567: "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069",
    481824: "0000000000000000001c8018d9cb3b742ef25114f27563e3fc4a1902167f9893",
}


def single(vectors: Path, height: int) -> bytes:
    return (vectors / "blocks" / f"mainnet_{height}.raw").read_bytes()


def early(vectors: Path) -> Iterator[bytes]:
    """Blocks 1 to 255, each after a magic and its length."""
    data = (vectors / "blocks" / "mainnet_1_255.dat").read_bytes()
    at = 0
    while at < len(data):
        assert data[at : at + 4] == MAGIC
        begin = at + 8
        at = begin + int.from_bytes(data[at + 4 : begin], "little")
        yield data[begin:at]


def assert_sound(data: bytes) -> Block:
    block = Block.parse(data)
    # Replaced transactions have forgotten the bytes that they were read from.
    again = Block(block.header, tuple(replace(transaction) for transaction in block.transactions))
    assert again == block
    assert again.serialise() == data
    assert block.merkle_root() == again.merkle_root() == (block.header.merkle_root, False)
    assert [t.wtxid for t in again.transactions] == [t.wtxid for t in block.transactions]
    assert block.size == len(data)
    assert all(check_transaction(transaction) is None for transaction in block.transactions)
    coinbase, *others = block.transactions
    assert coinbase.is_coinbase
    assert not any(transaction.is_coinbase for transaction in others)
    return block


@pytest.mark.parametrize("height", [*HASHES, 866342])
def test_single_blocks(vectors: Path, height: int) -> None:
    block = assert_sound(single(vectors, height))
    digest = block.header.hash()
    assert meets_target(digest, bits_to_target(block.header.bits))
    assert display_hash(digest) == HASHES.get(height, display_hash(digest))


def test_the_first_blocks_link(vectors: Path) -> None:
    blocks = [assert_sound(data) for data in early(vectors)]
    assert len(blocks) == 255
    for one, other in pairwise(blocks):
        assert other.header.prev_hash == one.header.hash()


def test_the_first_payment(vectors: Path) -> None:
    """Of 10 bitcoins, from Satoshi Nakamoto to Hal Finney."""
    payment = Block.parse(single(vectors, 170)).transactions[1]
    assert display_hash(payment.txid) == "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
    assert [output.value for output in payment.outputs] == [10 * 10**8, 40 * 10**8]
    assert payment.weight == 4 * 275


@pytest.mark.parametrize("height", [481824, 866342])
def test_the_witness_commitment(vectors: Path, height: int) -> None:
    block = Block.parse(single(vectors, height))
    coinbase = block.transactions[0]
    [reserved] = coinbase.inputs[0].witness
    assert witness_commitment(coinbase) == commit_to_witnesses(block.witness_root(), reserved)


def test_blocks_before_segwit_commit_to_no_witness(vectors: Path) -> None:
    block = Block.parse(single(vectors, 200000))
    assert witness_commitment(block.transactions[0]) is None
    assert block.weight == 4 * block.size == 4 * block.stripped_size


def spends(vectors: Path) -> list[Spend]:
    """Block 866342 and all that it spends."""
    text = (vectors / "blocks" / "mainnet_866342_prevouts.json").read_text()
    facts = [entry["txout"] for entry in json.loads(text)]
    coins = iter([TxOut(fact["value"], bytes.fromhex(fact["script_pubkey"])) for fact in facts])
    transactions = Block.parse(single(vectors, 866342)).transactions[1:]
    return [Spend(t, [next(coins) for _ in t.inputs]) for t in transactions]


def test_all_scripts_of_a_block_are_satisfied_both_ways(vectors: Path, verifier: Backend) -> None:
    block = spends(vectors)
    report = verify_inputs(block, CONSENSUS, verifier)
    assert sum(map(len, report.errors)) == 7972
    assert report.first_fault() is None
    listed = (vectors / "signatures" / "mainnet_866342.csv").read_text().splitlines()[1:]
    assert report.checks[CheckKind.ECDSA] + report.checks[CheckKind.SCHNORR] >= len(listed) == 7725

    verdicts = OnTheSpot(verifier, Table())
    for transaction, spent in block:
        hashes = SignatureHashes(transaction, spent)
        for index in range(len(spent)):
            assert verify_input(hashes, index, CONSENSUS, verdicts) is ScriptError.OK
    # In line asks for the same, and not for what was guessed and turned out not to be asked.
    assert verdicts.checks.total() <= report.checks.total()


def test_the_reference_agrees_on_a_sample(vectors: Path) -> None:
    sample = random.Random(1).sample(spends(vectors), 100)
    report = verify_inputs(sample, CONSENSUS, ReferenceBackend())
    assert report.first_fault() is None
    assert report.checks[CheckKind.ECDSA] > 0 < report.checks[CheckKind.SCHNORR]


def test_damaged_inputs_fail_both_ways_alike(vectors: Path, verifier: Backend) -> None:
    """One bit of a signature, an amount or a script."""
    rng = random.Random(866342)
    damaged = [_damaged(rng, spend) for spend in rng.sample(spends(vectors), 400)]
    report = verify_inputs(damaged, CONSENSUS, verifier)
    for (transaction, spent), errors in zip(damaged, report.errors, strict=True):
        hashes, verdicts = SignatureHashes(transaction, spent), OnTheSpot(verifier, Table())
        found = [verify_input(hashes, index, CONSENSUS, verdicts) for index in range(len(spent))]
        assert tuple(found) == errors
    failing = [errors for errors in report.errors if any(error is not ScriptError.OK for error in errors)]
    # Not every one has to: a legacy signature, for one, does not cover the amount.
    assert len(failing) > 300
    assert len({error for errors in failing for error in errors}) >= 6


def _damaged(rng: random.Random, spend: Spend) -> Spend:
    inputs, spent = [*spend.transaction.inputs], [*spend.spent]
    index = rng.randrange(len(inputs))
    where = rng.random()
    if where < 0.15:
        spent[index] = spent[index]._replace(value=spent[index].value ^ 1 << rng.randrange(40))
    elif where < 0.3:
        spent[index] = spent[index]._replace(script_pubkey=_flipped(rng, spent[index].script_pubkey))
    elif inputs[index].witness:
        items = [*inputs[index].witness]
        place = rng.randrange(len(items))
        items[place] = _flipped(rng, items[place])
        inputs[index] = inputs[index]._replace(witness=tuple(items))
    else:
        inputs[index] = inputs[index]._replace(script_sig=_flipped(rng, inputs[index].script_sig))
    transaction = spend.transaction
    return Spend(Transaction(transaction.version, tuple(inputs), transaction.outputs, transaction.locktime), spent)


def _flipped(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\1"
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


class Part(NamedTuple):
    """Bytes of a block."""

    what: Literal["signature", "amount", "script"]
    begin: int
    end: int
    in_witness: bool = False


def parts(data: bytes) -> Iterator[Part]:
    """Every amount and script of its outputs, and what has a signature's length among its inputs' data."""
    reader = Reader(data, "block")
    reader.take(80)
    for _ in range(reader.compact_size()):
        begin = reader.at
        transaction = Transaction.read(reader)
        at = begin + 4 + 2 * transaction.has_witness + len(compact_size(len(transaction.inputs)))
        for source in transaction.inputs:
            at += 36 + len(compact_size(len(source.script_sig)))
            if source.script_sig and not transaction.is_coinbase:
                yield from _pushed_signatures(source.script_sig, at)
            at += len(source.script_sig) + 4
        at += len(compact_size(len(transaction.outputs)))
        for output in transaction.outputs:
            yield Part("amount", at, at + 8)
            at += len(output.serialise())
            yield Part("script", at - len(output.script_pubkey), at)
        for source in transaction.inputs if transaction.has_witness else ():
            at += len(compact_size(len(source.witness)))
            for item in source.witness:
                at += len(with_size(item))
                if len(item) in SIGNATURE_SIZES:
                    yield Part("signature", at - len(item), at, in_witness=True)
        assert at + 4 == reader.at
    reader.finish()


SIGNATURE_SIZES = range(64, 74)


def _pushed_signatures(script_sig: bytes, at: int) -> Iterator[Part]:
    for _, pushed, end in operations(script_sig):
        if pushed and len(pushed) in SIGNATURE_SIZES:
            yield Part("signature", at + end - len(pushed), at + end)


def flip_a_byte(data: bytes, place: int, bits: int) -> bytes:
    return data[:place] + bytes((data[place] ^ bits,)) + data[place + 1 :]


def assert_flips_are_found(vectors: Path, verifier: Backend, count: int, seed: int) -> None:
    """So many of each part's bytes, anywhere in block 866342 as it was mined."""
    data = single(vectors, 866342)
    coins = read_prevouts(vectors / "blocks" / "mainnet_866342_prevouts.json")
    rng = random.Random(seed)
    for what in ("signature", "amount", "script"):
        found = [part for part in parts(data) if part.what == what]
        assert len(found) > 7_000
        for part in rng.sample(found, count):
            place = rng.randrange(part.begin, part.end)
            flipped = flip_a_byte(data, place, rng.randrange(1, 256))
            report = validate_block(flipped, coins, network("mainnet"), 866_342, verifier)
            assert report.refusal
            expected = "bad-witness-merkle-match" if part.in_witness else "bad-txnmrklroot"
            assert report.refusal.reason == expected, place


def test_a_flipped_byte_of_a_mined_block_is_found(vectors: Path, verifier: Backend) -> None:
    assert_flips_are_found(vectors, verifier, 4, 1)


@pytest.mark.slow
def test_hundreds_of_flipped_bytes_are_found(vectors: Path, verifier: Backend) -> None:
    assert_flips_are_found(vectors, verifier, 300, 2)
