"""Inputs of the usual shapes, and of nearly those, come to the end that the interpreter says, by the same checks.

What a signature's verdict is does not matter here, as long as both roads get the same one. So an oracle answers
that calls nine of ten signatures good, whatever they sign, and no test has to sign.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b, sha256

import numpy as np
import pytest

from quorate.chain.coins import Coin
from quorate.chain.fast import scripts, sighashes
from quorate.chain.fast.hashes import names
from quorate.chain.fast.sources import collect, sources
from quorate.chain.fast.table import Numbers, Table, read
from quorate.chain.fast.templates import KIND, OTHER, templates
from quorate.chain.hashes import hash160
from quorate.chain.script.flags import CONSENSUS, DERSIG
from quorate.chain.script.parse import push
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.serialise import compact_size
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.verdicts import Spend, verify_inputs
from quorate.kernels.reference import ReferenceBackend
from quorate.kernels.signatures import Codes, SignatureBatch, Verdict

from ..spending import random_spend


class Oracle(ReferenceBackend):
    """Whether a signature is good follows from its bytes, for nine of ten."""

    def verify(self, batch: SignatureBatch) -> Codes:
        rows = zip(batch.schemes, batch.keys, batch.signatures, map(batch.message, range(len(batch))), strict=True)
        digests = [blake2b(b"".join(map(bytes, ((row[0],), *row[1:])))).digest() for row in rows]
        return np.array([Verdict.VALID if digest[0] < 230 else Verdict.EQUATION for digest in digests], np.uint8)


class Paid:
    """A coin for each input."""

    def __init__(self, outputs: list[TxOut]) -> None:
        self.outputs = outputs

    def spent(self, _: Table, rows: Numbers) -> list[Coin]:
        return [Coin(self.outputs[row], 1, False) for row in (rows - 1).tolist()]

    def has_any(self, _: Iterable[OutPoint]) -> bool:
        return False


COINBASE = Transaction(1, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\1\1"),), (TxOut(0, b""),))


def prepared(spends: list[Spend], flags: int = CONSENSUS) -> tuple[scripts.Scripts, Numbers]:
    transactions = [COINBASE, *[spend.transaction for spend in spends]]
    table = read(bytes(80) + compact_size(len(transactions)) + b"".join([t.raw for t in transactions]))
    assert table
    inside = sources(table, names(table).txids)
    assert inside is not None
    spent = collect(table, inside, 1, Paid([output for spend in spends for output in spend.spent]))
    assert spent
    return scripts.prepare(table, spent, flags), templates(table, spent)[:, KIND]


def assert_same(spends: list[Spend], flags: int = CONSENSUS) -> tuple[bool, Numbers]:
    """Whether both roads are satisfied, and the kinds of the spends."""
    work, kinds = prepared(spends, flags)
    found = scripts.satisfied(work, Oracle())
    report = verify_inputs(spends, flags, Oracle())
    assert (found is None) == (report.first_fault() is not None)
    assert found is None or found.checks == report.checks
    return found is not None, kinds


def integer(rng: random.Random) -> bytes:
    """In DER, most of the time: of all lengths that occur, and some that do not."""
    size = rng.choices((32, 33, 31, 1, 2, 0, 34), (60, 20, 8, 3, 3, 2, 2))[0]
    data = bytearray(rng.randbytes(size))
    if size and rng.random() < 0.9:
        data[0] &= 0x7F
    if size == 33 and rng.random() < 0.9:
        data[0], data[1] = 0, data[1] | 0x80
    return b"\2" + bytes((size,)) + bytes(data)


def signature(rng: random.Random) -> bytes:
    body = integer(rng) + integer(rng)
    if rng.random() < 0.03:
        body += b"\0"
    hash_type = rng.choice((1, 1, 1, 1, 1, 1, 0x81, 2, 3, 0, 0x41))
    return b"\x30" + bytes((len(body),)) + body + bytes((hash_type,))


def key(rng: random.Random) -> bytes:
    size, prefixes = rng.choices(((33, b"\2\3"), (65, b"\4\6\7"), (33, b"\4\0"), (64, b"\4")), (8, 4, 1, 1))[0]
    return bytes((rng.choice(prefixes),)) + rng.randbytes(size - 1)


def flipped(rng: random.Random, data: bytes) -> bytes:
    if not data or rng.random() < 0.97:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def usual(rng: random.Random, kind: str) -> tuple[bytes, list[bytes], bytes]:
    """An input's script and witness, and the script that it spends."""
    signed, by = signature(rng), key(rng)
    key_program = b"\0\x14" + flipped(rng, hash160(by))
    if kind == "p2pkh":
        return push(signed) + push(by), [], b"\x76\xa9\x14" + flipped(rng, hash160(by)) + b"\x88\xac"
    if kind == "p2wpkh":
        return b"", [signed, by], key_program
    if kind == "p2sh":
        return push(key_program), [signed, by], b"\xa9\x14" + flipped(rng, hash160(key_program)) + b"\x87"
    item = rng.randbytes(rng.choices((64, 63), (9, 1))[0])
    if rng.random() < 0.4:
        item += rng.choice((b"\1", b"\1", b"\0", b"\2", b"\x83"))
    program = rng.choices((rng.randbytes(32), bytes(32), bytes(31) + b"\x80"), (18, 1, 1))[0]
    return b"", [item, b"\x50annex"] if rng.random() < 0.05 else [item], b"\x51\x20" + program


def usual_spend(rng: random.Random) -> Spend:
    inputs, spent = [], []
    for _ in range(rng.choice((1, 1, 2, 3, 20))):
        script_sig, witness, script = usual(rng, rng.choice(("p2pkh", "p2wpkh", "p2sh", "key path")))
        script_sig, script = flipped(rng, script_sig), flipped(rng, script)
        outpoint = OutPoint(rng.randbytes(32), rng.randrange(4))
        items = tuple(flipped(rng, item) for item in witness)
        inputs.append(TxIn(outpoint, script_sig, rng.choice((0xFFFFFFFF, 0, 7)), items))
        spent.append(TxOut(rng.randrange(21 * 10**14), script))
    outputs = [
        TxOut(rng.randrange(10**9), rng.randbytes(rng.choice((22, 34, 0, 300)))) for _ in range(rng.randint(0, 3))
    ]
    return Spend(Transaction(rng.choice((1, 2)), tuple(inputs), tuple(outputs), rng.randrange(10)), spent)


@pytest.mark.parametrize("seed", range(20))
def test_usual_spends_and_what_looks_like_them(seed: int) -> None:
    rng = random.Random(seed)
    kinds: Counter[int] = Counter()
    good = 0
    for _ in range(60):
        satisfied, found = assert_same(
            [usual_spend(rng)], CONSENSUS if rng.random() < 0.7 else CONSENSUS & ~DERSIG
        )
        good += satisfied
        kinds.update(found.tolist())
    assert good > 3
    assert min(kinds[kind] for kind in range(OTHER, 5)) > 3


def test_spends_of_every_kind() -> None:
    assert sum(assert_same([random_spend(seed)])[0] for seed in range(300)) > 10


def test_hashes_are_those_of_the_plain_road(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of so many inputs that their messages have to be written in parts."""
    rng = random.Random(5)
    signed = b"\x30\x44" + 2 * (b"\2\x20" + b"\1" * 32) + b"\1"
    keys = [b"\2" + rng.randbytes(32) for _ in range(300)]
    inputs = [TxIn(OutPoint(rng.randbytes(32), 1), push(signed) + push(by)) for by in keys]
    spent = [TxOut(5, b"\x76\xa9\x14" + hash160(by) + b"\x88\xac") for by in keys]
    spend = Spend(Transaction(2, tuple(inputs), (TxOut(1, b"\x51"),)), spent)
    hashes = SignatureHashes(*spend)
    expected = b"".join([hashes.legacy(index, output.script_pubkey, 1) for index, output in enumerate(spent)])
    for room in (1 << 21, 1 << 15):
        monkeypatch.setattr(sighashes, "_ROOM", room)
        work, _ = prepared([spend])
        assert work.rows.messages.tobytes() == expected
        assert not work.runs


@pytest.mark.parametrize(
    "script",
    [
        b"\0\x14" + bytes(20),
        b"\0\x14" + bytes(19) + b"\x80",
        b"\x51\x20" + bytes(32),
        b"\x51\x20" + bytes(31) + b"\x80",
        b"\0\x20" + sha256(b"\x51").digest(),
        b"\x52\x20" + b"\1" * 32,
    ],
)
def test_programs_that_are_no_template(script: bytes) -> None:
    for witness in ((b"\1" * 64,), (b"\x30\x06\2\1\1\2\1\1\1", b"\2" * 33), (b"\x51",)):
        source = TxIn(OutPoint(b"\1" * 32, 0), b"", witness=witness)
        work, kinds = prepared([Spend(Transaction(2, (source,), (TxOut(0, b""),)), [TxOut(1, script)])])
        assert kinds.tolist() == [OTHER]
        assert len(work.runs) == 1
