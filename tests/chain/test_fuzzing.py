"""Every parser of the chain on inputs that somebody mutated: a result or its own error, soon, in little memory.

What is accepted must also be written back as it was, where a writer exists. `pytest -m slow` gives each parser
100,000 inputs; `-rP` shows what became of them.
"""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.chain import base58, bech32
from quorate.chain.address import PrivateKey, address_to_script, decode_key, encode_key, script_to_address
from quorate.chain.block import Block, witness_commitment
from quorate.chain.block_files import BlockFile, frame
from quorate.chain.check_block import check_block
from quorate.chain.coins import Coin, pack, unpack
from quorate.chain.genesis import genesis_block
from quorate.chain.header import BlockHeader
from quorate.chain.headerfile import read_header_file
from quorate.chain.headers import validate_headers
from quorate.chain.params import network
from quorate.chain.script import flags
from quorate.chain.script.disassemble import disassemble, revealed
from quorate.chain.script.errors import ScriptError, ScriptFailedError
from quorate.chain.script.parse import WitnessProgram, find_and_delete, is_push_only, operations, witness_program
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.serialise import Reader, with_size
from quorate.chain.sigops import sigop_cost
from quorate.chain.transaction import Transaction, TxOut
from quorate.chain.validate_block import read_prevouts
from quorate.chain.verdicts import Guesses, Table, verify_input
from quorate.kernels.backend import HEADER_BYTES, UsageError
from quorate.kernels.reference import ReferenceBackend

from .spending import random_spend

MAINNET, REGTEST = network("mainnet"), network("regtest")

SECONDS = 2.0
"""The most that one input may take; they take microseconds, and the machine may be busy."""

MEGABYTES = 64
"""The most by which all inputs of a parser may let the process grow."""

ALL_RULES = (1 << 21) - 1


class Parser(NamedTuple):
    seeds: Callable[[], Sequence[bytes]]
    """Good inputs, which are mutated."""

    parse: Callable[[bytes, Path], object]
    """Raises `UsageError` for what it refuses; the file is there to be written."""


def read_header(data: bytes, _: Path) -> None:
    assert BlockHeader.parse(data).serialise() == data


def read_transaction(data: bytes, _: Path) -> None:
    transaction = Transaction.parse(data)
    again = Transaction(transaction.version, transaction.inputs, transaction.outputs, transaction.locktime)
    assert (again.raw, again.txid) == (data, transaction.txid)
    sigop_cost(transaction, [TxOut(1, b"\x51")] * len(transaction.inputs), ALL_RULES)


def read_block(data: bytes, _: Path) -> None:
    block = Block.parse(data)
    assert block.serialise() == data
    assert block.size == len(data)
    check_block(block, block.header.hash(), REGTEST)
    for transaction in block.transactions[:1]:
        witness_commitment(transaction)


def read_script(data: bytes, _: Path) -> None:
    disassemble(data)
    disassemble(data, hash_types=True)
    is_push_only(data)
    address = script_to_address(data, MAINNET)
    assert address is None or address_to_script(address, MAINNET) == data
    find_and_delete(data, data[1:4])
    if program := witness_program(data):
        assert data.endswith(program.program)
    try:
        found = [*operations(data)]
    except ScriptFailedError as error:
        raise UsageError(str(error)) from error
    assert found == [] or found[-1][2] == len(data)


def run_scripts(data: bytes, _: Path) -> None:
    """A transaction and the outputs that it spends, each after its size; every signature is taken for good."""
    reader = Reader(data, "spend")
    transaction = Transaction.parse(reader.sized())
    spent = [TxOut(reader.int64(), reader.sized()) for _ in transaction.inputs]
    reader.finish()
    hashes = SignatureHashes(transaction, spent)
    for index in range(len(spent)):
        for rules in (0, flags.CONSENSUS, ALL_RULES):
            if verify_input(hashes, index, rules, Guesses(Table())) is ScriptError.OK and rules:
                revealed(transaction.inputs[index], spent[index].script_pubkey)


def read_undo(data: bytes, _: Path) -> None:
    assert pack(unpack(data)) == data


def read_address(data: bytes, _: Path) -> None:
    text = data.decode("latin-1")
    script = address_to_script(text, MAINNET)
    again = script_to_address(script, MAINNET)
    assert again in (text, text.lower(), None)  # None: a witness version that has no rules yet
    if again is None:
        assert bech32.decode(text)[1] == witness_program(script)


def read_bech32(data: bytes, _: Path) -> None:
    text = data.decode("latin-1")
    assert bech32.encode(*bech32.decode(text)) == text.lower()


def read_base58(data: bytes, _: Path) -> None:
    text = data.decode("latin-1")
    assert base58.encode_check(base58.decode_check(text)) == text


def read_key(data: bytes, _: Path) -> None:
    text = data.decode("latin-1")
    assert encode_key(decode_key(text, MAINNET), MAINNET) == text


def read_block_file(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    file = BlockFile(path, REGTEST)
    found = [*file.blocks()]
    assert sum(len(raw) for _, raw in found) + file.skipped <= len(data)
    for place, raw in found:
        assert data[place.offset : place.offset + place.size] == raw == file.read(place)


def read_headers(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    headers = read_header_file(path)
    report = validate_headers(headers, REGTEST, 0, ReferenceBackend().hash_headers, 4_000_000_000)
    assert report.headers == len(headers) // HEADER_BYTES


def read_spent_outputs(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    for coin in read_prevouts(path):
        assert isinstance(coin.output.value, int)
        assert isinstance(coin.height, int)


@cache
def spends() -> list[bytes]:
    made = [random_spend(seed) for seed in range(12)]
    return [
        with_size(spend.transaction.raw) + b"".join(output.serialise() for output in spend.spent) for spend in made
    ]


@cache
def transactions() -> list[bytes]:
    return [random_spend(seed).transaction.raw for seed in range(12)]


@cache
def blocks() -> list[bytes]:
    genesis = genesis_block(REGTEST)
    made = tuple(random_spend(seed).transaction for seed in range(3))
    return [genesis.serialise(), Block(genesis.header, (*genesis.transactions, *made)).serialise()]


@cache
def scripts() -> list[bytes]:
    made = [random_spend(seed) for seed in range(12)]
    return [
        *[output.script_pubkey for spend in made for output in spend.spent],
        *[source.script_sig for spend in made for source in spend.transaction.inputs if source.script_sig],
    ]


def undo_data() -> list[bytes]:
    made = [random_spend(seed) for seed in range(6)]
    return [
        pack(
            (source.outpoint, Coin(output, 7, is_coinbase=False))
            for source, output in zip(spend.transaction.inputs, spend.spent, strict=True)
        )
        for spend in made
    ]


def witness_addresses() -> list[bytes]:
    programs = ((0, 20), (0, 32), (1, 32), (16, 2), (2, 40))
    return [
        bech32.encode("bc", WitnessProgram(version, bytes(range(size)))).encode() for version, size in programs
    ]


def base58_texts() -> list[bytes]:
    return [base58.encode_check(bytes((version,)) + bytes(range(20))).encode() for version in (0, 5, 111)]


def keys() -> list[bytes]:
    return [encode_key(PrivateKey(sha256(b"key").digest(), kind), MAINNET).encode() for kind in (False, True)]


def block_files() -> list[bytes]:
    files = [b"".join(frame(block, REGTEST) for block in blocks())]
    return [*files, files[0] + bytes(50), b"noise" + files[0]]


def header_files() -> list[bytes]:
    raw = [rules.genesis.serialise() for rules in (REGTEST, MAINNET)]
    return [b"".join(raw), *raw, b"\n".join(header.hex().encode() for header in raw)]


def spent_outputs() -> list[bytes]:
    row = {"txout": {"value": 5000, "script_pubkey": "51"}, "is_coinbase": True, "creation_height": 9}
    return [json.dumps(rows).encode() for rows in ([], [row], [row] * 3)]


PARSERS = {
    "header": Parser(lambda: [MAINNET.genesis.serialise()], read_header),
    "transaction": Parser(transactions, read_transaction),
    "block": Parser(blocks, read_block),
    "script": Parser(scripts, read_script),
    "scripts run": Parser(spends, run_scripts),
    "undo data": Parser(undo_data, read_undo),
    "address": Parser(lambda: witness_addresses() + base58_texts()[:2], read_address),
    "bech32": Parser(witness_addresses, read_bech32),
    "base58": Parser(base58_texts, read_base58),
    "private key": Parser(keys, read_key),
    "block file": Parser(block_files, read_block_file),
    "header file": Parser(header_files, read_headers),
    "spent outputs": Parser(spent_outputs, read_spent_outputs),
}

PIECES = (
    *(b"", b"\0", b"\xff", b"\x7f", b"\x80", b"\xfd\xff\xff", b"\xfe\xff\xff\xff\x01", b"\xff" * 9),
    *(b"\x4c", b"\x4d\xff\xff", b"\x4e\xff\xff\xff\xff", b"\xac" * 30, b"\x63", b"\x68", b"\xab", b"\xae"),
    *(
        b"1",
        b"l",
        b"-1",
        b"1e400",
        b"NaN",
        b"Infinity",
        b"null",
        b"[" * 2000,
        b'{"txout":',
        b'"',
        b"\n",
        b"\xc4\xb0",
    ),
    *(REGTEST.magic, REGTEST.magic + b"\xff\xff\xff\xff", REGTEST.magic + b"\x51\0\0\0"),
)
"""What is put into an input: ends of ranges, sizes that promise more than there is, words of a format."""


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A good input with one to four changes; now and then noise."""
    data = rng.choice(seeds)
    if rng.random() < 0.05:
        data = rng.randbytes(rng.randrange(200))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 4))):
        at = rng.randint(0, len(data))
        match rng.randrange(6):
            case 0 if at < len(data):
                data = data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
            case 1 if at < len(data):
                data = data[:at] + rng.randbytes(1) + data[at + 1 :]
            case 2:
                data = data[:at] + rng.choice(PIECES) + data[at:]
            case 3:
                data = data[:at] + data[rng.randint(at, len(data)) :]
            case 4:
                data = data[:at] + data[max(at - rng.randrange(40), 0) :]
            case _:
                other = rng.choice(seeds)
                data = data[:at] + other[rng.randint(0, len(other)) :]
    return data


def attempt(name: str, data: bytes, path: Path) -> tuple[bool, float]:
    """Whether the parser accepts the input, and its seconds."""
    began = time.perf_counter()
    try:
        PARSERS[name].parse(data, path)
        accepted = True
    except UsageError:
        accepted = False
    except Exception as error:
        raise AssertionError(f"{name}: {data.hex()}") from error
    return accepted, time.perf_counter() - began


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rng=st.randoms(use_true_random=False))
def test_any_input_is_read_or_refused(name: str, rng: random.Random, tmp_path: Path) -> None:
    _, seconds = attempt(name, mutated(rng, PARSERS[name].seeds()), tmp_path / "input")
    assert seconds < SECONDS


@pytest.mark.parametrize("name", PARSERS)
def test_good_inputs_are_accepted(name: str, tmp_path: Path) -> None:
    assert all(attempt(name, seed, tmp_path / "input")[0] for seed in PARSERS[name].seeds())


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_a_hundred_thousand_inputs_each(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    seeds = PARSERS[name].seeds()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [attempt(name, mutated(rng, seeds), tmp_path / "input") for _ in range(100_000)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    accepted, slowest = sum(good for good, _ in found), max(seconds for _, seconds in found)
    total = sum(seconds for _, seconds in found)
    print(
        f"{name}: {len(found):,} inputs, {accepted:,} good, {total:.1f} s, the slowest {slowest * 1e3:.1f} ms; "
        f"{grown:.1f} MB"
    )
    assert 0 < accepted < len(found)
    assert slowest < SECONDS
    assert grown < MEGABYTES
