"""Beside Bitcoin Core's vectors, which `tests/conformance/test_key_io.py` reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.chain import base58, bech32
from quorate.chain.address import PrivateKey, address_to_script, decode_key, encode_key, script_to_address
from quorate.chain.params import network
from quorate.chain.script.parse import WitnessProgram
from quorate.kernels.backend import UsageError

MAINNET, REGTEST = network("mainnet"), network("regtest")


def test_the_first_address() -> None:
    """The genesis block's reward would have gone to it."""
    script = bytes.fromhex("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac")
    assert script_to_address(script, MAINNET) == "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    assert address_to_script("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", MAINNET) == script


@pytest.mark.parametrize(
    "script", [b"", b"\x51", b"\x6a\x01\x00", b"\0\x15" + bytes(21), b"\x76\xa9\x14" + bytes(21)]
)
def test_scripts_without_an_address(script: bytes) -> None:
    assert script_to_address(script, MAINNET) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "the base58 checksum is wrong"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", "'0' is none of its characters"),
        ("1" * 129, "at most 128 characters"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "wrong bech32 checksum"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", "mixes capital and small letters"),
        (
            "bcrt1q6z64a43mjgkcq0ul2znwneq3spghrlau0slpxj",
            "begin with bc1 or are base58, and this is not base58: '0'",
        ),
        (bech32.encode("bc1bc", WitnessProgram(1, bytes(32))), "is no address on mainnet"),
        ("mfnJ8tEkqKNFE5YaHTXFxyHk2mnDK2fvDh", "is no address on mainnet"),
    ],
)
def test_a_refusal_says_why(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        address_to_script(text, MAINNET)


@given(st.text(max_size=100))
def test_any_text_is_refused_or_comes_back(text: str) -> None:
    for known in (MAINNET, REGTEST):
        for texts in (text, known.addresses.bech32 + "1" + text):
            try:
                script = address_to_script(texts, known)
            except UsageError:
                continue
            assert (script_to_address(script, known) or "").lower() == texts.lower()


@given(st.integers(0, 16), st.binary(min_size=2, max_size=40))
def test_witness_programs_come_back(version: int, program: bytes) -> None:
    if version == 0:
        program = program.ljust(20, b"\0")[:20]
    known = WitnessProgram(version, program)
    text = bech32.encode("bcrt", known)
    assert bech32.decode(text) == ("bcrt", known)
    assert bech32.decode(text.upper()) == ("bcrt", known)


@given(st.integers(4, 40), st.integers(1, 31))
def test_one_wrong_character_is_found(at: int, change: int) -> None:
    text = bech32.encode("bc", WitnessProgram(1, bytes(range(32))))
    wrong = bech32.ALPHABET[bech32.ALPHABET.index(text[at]) ^ change]
    with pytest.raises(UsageError):
        bech32.decode(text[:at] + wrong + text[at + 1 :])


@given(st.binary(max_size=90))
def test_base58_comes_back(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data
    assert base58.decode_check(base58.encode_check(data)) == data


@pytest.mark.parametrize("compressed", [True, False])
def test_keys_come_back(compressed: bool) -> None:
    key = PrivateKey(bytes(31) + b"\7", compressed)
    text = encode_key(key, REGTEST)
    assert decode_key(text, REGTEST) == key
    with pytest.raises(UsageError, match="no private key on mainnet"):
        decode_key(text, MAINNET)


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32])
def test_a_secret_is_a_scalar(secret: bytes) -> None:
    with pytest.raises(UsageError, match="order of the curve"):
        decode_key(encode_key(PrivateKey(secret, True), MAINNET), MAINNET)


def test_a_refusal_does_not_repeat_a_secret() -> None:
    text = encode_key(PrivateKey(bytes(31) + b"\7", True), MAINNET)[:-1]
    with pytest.raises(UsageError) as refusal:
        decode_key(text, MAINNET)
    assert text not in str(refusal.value)


def test_a_whole_group_of_padding_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two texts would be one address."""
    program = WitnessProgram(1, bytes(range(20)))
    regroup = bech32._regroup
    with monkeypatch.context() as patched:
        patched.setattr(bech32, "_regroup", lambda *groups: [*regroup(*groups), 0])
        longer = bech32.encode("bc", program)
    assert len(longer) == len(bech32.encode("bc", program)) + 1
    with pytest.raises(UsageError, match="bits behind its last byte"):
        bech32.decode(longer)
