"""Scripts in Bitcoin Core's words. Transactions of mainnet and shapes of scripts are those of its RPC tests."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.hashes import hash160
from quorate.chain.script import taproot
from quorate.chain.script.disassemble import disassemble, revealed
from quorate.chain.script.parse import is_p2sh, push, witness_program
from quorate.chain.transaction import OutPoint, Transaction, TxIn
from quorate.chain.validate_block import read_prevouts

SIGNATURE = (
    "3045022100ae3b4e589dfc9d48cb82d41008dc5fa6a86f94d5c54f9935531924602730ab8002202f88cf464414c4ed9fa11b773c5ee944"
    "f66e9b05cc1e51d97abc22ce098937ea"
)
SECOND = (
    "3045022100b44883be035600e9328a01b66c7d8439b74db64187e76b99a68f7893b701d5380220225bf286493e4c4adcf928c40f785422"
    "572eb232f84a0b83b0dea823c3a19c75"
)
REDEEM = (
    "5221020743d44be989540d27b1b4bbbcfd17721c337cb6bc9af20eb8a32520b393532f2102c0120a1dda9e51a938d39ddd9fe0ebc45ea9"
    "7e1d27a7cbd671d5431416d3dd87210213820eb3d5f509d7438c9eeecb4157b2f595105e7cd564b3cdbb9ead3da41eed53ae"
)
MULTISIG = bytes.fromhex(
    "01000000018d1f5635abd06e2c7e2ddf58dc85b3de111e4ad6e0ab51bb0dcf5e84126d927300000000fdfe000048"
    f"{SIGNATURE}0148{SECOND}014c69{REDEEM}"
    "ffffffff02611e0000000000001976a914dc863734a218bfe83ef770ee9d41a27f824a6e5688acee2a02000000000017a9142a5edea399"
    "71049a540474c6a99edf0aa4074c588700000000"
)
"""Mainnet's 8e3730608c3b0bb5df54f09076e196bc292a8e39a78e73b44b6ba08c78f5cbb0."""

KEY = "03b0da749730dc9b4b1f4a14d6902877a92541f5368778853d9c4a0cb7802dcfb2"


def test_a_transaction_of_mainnet() -> None:
    transaction = Transaction.parse(MULTISIG)
    script_sig = transaction.inputs[0].script_sig
    assert disassemble(script_sig, hash_types=True) == f"0 {SIGNATURE}[ALL] {SECOND}[ALL] {REDEEM}"
    assert disassemble(script_sig) == f"0 {SIGNATURE}01 {SECOND}01 {REDEEM}"
    assert [disassemble(output.script_pubkey) for output in transaction.outputs] == [
        "OP_DUP OP_HASH160 dc863734a218bfe83ef770ee9d41a27f824a6e56 OP_EQUALVERIFY OP_CHECKSIG",
        "OP_HASH160 2a5edea39971049a540474c6a99edf0aa4074c58 OP_EQUAL",
    ]
    keys = [REDEEM[4 + 68 * number :][:66] for number in range(3)]
    assert disassemble(bytes.fromhex(REDEEM)) == f"2 {' '.join(keys)} 3 OP_CHECKMULTISIG"


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("", ""),
        ("5100", "1 0"),
        ("4f60", "-1 16"),
        (f"21{KEY}ac", f"{KEY} OP_CHECKSIG"),
        (
            f"6321{KEY}ad670320a107b1756821{KEY}ac",
            f"OP_IF {KEY} OP_CHECKSIGVERIFY OP_ELSE 500000 OP_CHECKLOCKTIMEVERIFY OP_DROP OP_ENDIF {KEY} "
            "OP_CHECKSIG",
        ),
        ("5120" + "01" * 32, "1 " + "01" * 32),
        ("6a09300602010002010001", "OP_RETURN 300602010002010001"),
        ("04ffffffff", "-2147483647"),  # up to four bytes are a number, whatever they were meant as
        ("0180", "0"),
        ("0502030405ff", "02030405ff"),
        ("0502030405", "[error]"),
        ("51b2bafe", "1 OP_CHECKSEQUENCEVERIFY OP_CHECKSIGADD OP_UNKNOWN"),
        ("ff", "OP_INVALIDOPCODE"),
        ("76a914aabb", "OP_DUP OP_HASH160 [error]"),
        ("4c", "[error]"),
    ],
)
def test_words(script: str, text: str) -> None:
    assert disassemble(bytes.fromhex(script)) == text


@pytest.mark.parametrize(
    ("byte", "name"),
    [
        ("01", "[ALL]"),
        ("02", "[NONE]"),
        ("03", "[SINGLE]"),
        ("81", "[ALL|ANYONECANPAY]"),
        ("82", "[NONE|ANYONECANPAY]"),
        ("83", "[SINGLE|ANYONECANPAY]"),
        ("00", "00"),
        ("04", "04"),
    ],
)
def test_hash_types(byte: str, name: str) -> None:
    """An undefined one stays a byte, and so does all that is no strict DER."""
    assert disassemble(push(bytes.fromhex(SIGNATURE + byte)), hash_types=True) == SIGNATURE + name
    assert (
        disassemble(push(bytes.fromhex("31" + SIGNATURE[2:] + byte)), hash_types=True)
        == f"31{SIGNATURE[2:]}{byte}"
    )
    assert disassemble(b"\x6a" + push(bytes.fromhex(SIGNATURE + byte)), hash_types=True).endswith(SIGNATURE + byte)


def test_what_the_inputs_of_a_block_reveal(vectors: Path) -> None:
    """Block 866342: each script has the hash to which its output commits, and none is missing."""
    block = Block.parse((vectors / "blocks" / "mainnet_866342.raw").read_bytes())
    coins = read_prevouts(vectors / "blocks" / "mainnet_866342_prevouts.json")
    sources = [source for transaction in block.transactions[1:] for source in transaction.inputs]
    redeemed = by_hash = tapscripts = 0
    for source, coin in zip(sources, coins, strict=True):
        script_pubkey = coin.output.script_pubkey
        redeem, witness = revealed(source, script_pubkey)
        assert (redeem is not None) == is_p2sh(script_pubkey)
        if redeem is not None:
            redeemed += 1
            assert hash160(redeem) == script_pubkey[2:22]
        program = witness_program(redeem or script_pubkey)
        if program and program.version == 0 and len(program.program) == 32:
            by_hash += 1
            assert witness
            assert sha256(witness).digest() == program.program
        elif program and program.version == 1 and len(source.witness) > 1:
            tapscripts += 1
            assert witness
            assert taproot.is_control_block(source.witness[-1])
            assert witness == source.witness[-2]
            assert "[error]" not in disassemble(witness)
        else:
            assert witness is None
    assert (redeemed, by_hash, tapscripts) == (246, 97, 150)


def test_an_annex_is_no_script() -> None:
    output_key = b"\x51\x20" + bytes(32)
    control = bytes((taproot.TAPSCRIPT_LEAF,)) + bytes(32)

    def shown(*witness: bytes) -> bytes | None:
        return revealed(TxIn(OutPoint(bytes(32), 0), b"", witness=witness), output_key).witness_script

    assert shown(b"\x51", control) == b"\x51"
    assert shown(b"\x51", control, b"\x50 annex") == b"\x51"
    assert shown(bytes(64), b"\x50 annex") is None
    assert shown(bytes(64)) is None
    assert shown(b"\x51", b"\xc2" + bytes(32)) is None  # a leaf version without a meaning
