from __future__ import annotations

import pytest

from quorate.chain.params import network
from quorate.chain.script.flags import CONSENSUS, NONE, P2SH, WITNESS, parse_flags
from quorate.chain.script_flags import script_flags

ALWAYS = "P2SH,WITNESS,TAPROOT"


@pytest.mark.parametrize(
    ("height", "names"),
    [
        (0, ALWAYS),
        (363_724, ALWAYS),
        (363_725, ALWAYS + ",DERSIG"),
        (388_381, ALWAYS + ",DERSIG,CHECKLOCKTIMEVERIFY"),
        (419_328, ALWAYS + ",DERSIG,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY"),
        (481_824, ALWAYS + ",DERSIG,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY,NULLDUMMY"),
    ],
)
def test_mainnet(height: int, names: str) -> None:
    assert script_flags(network("mainnet"), height, "00") == parse_flags(names)


def test_the_excepted_blocks() -> None:
    mainnet = network("mainnet")
    before_p2sh = "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"
    before_taproot = "0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"
    assert script_flags(mainnet, 170_060, before_p2sh) == NONE
    assert script_flags(mainnet, 0, before_taproot) == P2SH | WITNESS


@pytest.mark.parametrize("name", ["testnet4", "signet", "regtest"])
def test_young_networks_have_them_all(name: str) -> None:
    assert script_flags(network(name), 1, "00") == CONSENSUS
