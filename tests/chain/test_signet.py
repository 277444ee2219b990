"""Block signatures of the default signet, on its first two blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quorate.chain.block import Block
from quorate.chain.chainstate import Status
from quorate.chain.header import BlockHeader
from quorate.chain.params import network
from quorate.chain.signet import check_signature
from quorate.chain.transaction import TxOut

from .regtest import give, open_chain, verifier

SIGNET = network("signet")

# Bitcoin Core, test/functional/feature_signet.py
BLOCKS = [
    Block.parse(bytes.fromhex(header + coinbase + output + commitment + signature + end))
    for header, coinbase, output, commitment, signature, end in (
        (
            "00000020f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000"
            "f575c83235984e7dc4afc1f30944c170462e84437ab6f2d52e16878a79e4678bd1914d5fae77031eccf40700",
            "01010000000001010000000000000000000000000000000000000000000000000000000000000000"
            "ffffffff025151feffffff02",
            "00f2052a010000001600149243f727dd5343293eb83174324019ec16c2630f",
            "0000000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9",
            "4c4fecc7daa2490047304402205e423a8754336ca99dbe16509b877ef1bf98d008836c725005b3c787c41ebe46"
            "022047246e4467ad7cc7f1ad98662afcaf14c115e0095a227c7b05c5182591c23e7e0100",
            "0120" + "00" * 32 + "00000000",
        ),
        (
            "00000020533b53ded9bff4adc94101d32400a144c54edc5ed492a3b26c63b2d686000000"
            "b38fef50592017cfafbcab88eb3d9cf50b2c801711cad8299495d26df5e54812e7914d5fae77031ecfdd0b00",
            "01010000000001010000000000000000000000000000000000000000000000000000000000000000"
            "ffffffff025251feffffff02",
            "00f2052a01000000160014fd09839740f0e0b4fc6d5e2527e4022aa9b89dfa",
            "0000000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9",
            "4c4fecc7daa24900473044022031d64a1692cdad1fc0ced69838169fe19ae01be524d831b95fcf5ea4e6541c3c"
            "02204f9dea0801df8b4d0cd0857c62ab35c6c25cc47c930630dc7fe723531daa3e9b0100",
            "0120" + "00" * 32 + "00000000",
        ),
    )
]


def reason(block: Block) -> str | None:
    refusal = check_signature(block, SIGNET, verifier())
    return refusal.reason.value if refusal else None


def test_real_blocks_build_a_chain(tmp_path: Path) -> None:
    chain = open_chain(tmp_path, SIGNET)
    assert [give(chain, block).status for block in BLOCKS] == [Status.TIP] * 2


def test_it_is_the_challenge_of_the_network() -> None:
    """Both keys, where the default challenge asks for one of them."""
    strict = replace(SIGNET, signet_challenge=b"\x52" + SIGNET.signet_challenge[1:])
    assert check_signature(BLOCKS[0], strict, verifier())


@pytest.mark.parametrize(
    "header",
    [
        replace(BLOCKS[0].header, version=1),
        replace(BLOCKS[0].header, prev_hash=bytes(32)),
        replace(BLOCKS[0].header, time=BLOCKS[0].header.time + 1),
    ],
    ids=["version", "prev_hash", "time"],
)
def test_the_header_is_signed(header: BlockHeader) -> None:
    assert reason(replace(BLOCKS[0], header=header)) == "bad-signet-blksig"


def test_difficulty_and_nonce_are_not_signed() -> None:
    header = replace(BLOCKS[0].header, bits=1, nonce=1)
    assert reason(replace(BLOCKS[0], header=header)) is None


def with_script(change: bytes | None, keep: int = 38) -> Block:
    """The block whose second output has the first `keep` bytes of its script, and then others."""
    [coinbase] = BLOCKS[0].transactions
    first, second = coinbase.outputs
    outputs = (first,) if change is None else (first, TxOut(0, second.script_pubkey[:keep] + change))
    return replace(BLOCKS[0], transactions=(replace(coinbase, outputs=outputs),))


def test_the_payments_are_signed() -> None:
    [coinbase] = BLOCKS[0].transactions
    outputs = (coinbase.outputs[0]._replace(value=1), coinbase.outputs[1])
    assert reason(replace(BLOCKS[0], transactions=(replace(coinbase, outputs=outputs),))) == "bad-signet-blksig"


@pytest.mark.parametrize(
    "change",
    [
        None,
        b"",
        bytes.fromhex("04ecc7daa2"),
        bytes.fromhex("07ecc7daa2000000"),
        bytes.fromhex("06ecc7daa20500"),
    ],
    ids=["no commitment", "no signature", "an empty one", "bytes behind it", "cut off"],
)
def test_signatures_of_the_wrong_form(change: bytes | None) -> None:
    assert reason(with_script(change)) == "bad-signet-blksig"


def test_a_challenge_that_anyone_meets_needs_no_signature() -> None:
    trivial = replace(SIGNET, signet_challenge=b"\x51")
    assert check_signature(with_script(b""), trivial, verifier()) is None


def test_other_networks_and_genesis_are_not_signed(tmp_path: Path) -> None:
    assert check_signature(BLOCKS[0], network("mainnet"), verifier()) is None
    assert open_chain(tmp_path, SIGNET).tip.height == 0
    assert reason(replace(BLOCKS[0], header=SIGNET.genesis)) is None
