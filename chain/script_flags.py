"""Which script rules hold in which block."""

from __future__ import annotations

from .params import Network
from .script.flags import CHECKLOCKTIMEVERIFY, CHECKSEQUENCEVERIFY, DERSIG, NULLDUMMY, P2SH, TAPROOT, WITNESS


def script_flags(network: Network, height: int, block_hash: str) -> int:
    """The flags of `script/flags.py` for a block, whose hash is in display order.

    P2SH, witnesses and Taproot hold from the first block on, with the few blocks excepted that break them: the
    rest of the chain keeps them all, as Bitcoin Core found (its `GetBlockScriptFlags`).
    """
    flags = network.flag_exceptions.get(block_hash, P2SH | WITNESS | TAPROOT)
    if height >= network.bip66_height:
        flags |= DERSIG
    if height >= network.bip65_height:
        flags |= CHECKLOCKTIMEVERIFY
    if height >= network.csv_height:
        flags |= CHECKSEQUENCEVERIFY
    if height >= network.segwit_height:
        flags |= NULLDUMMY
    return flags
