"""The first block of each network: the header of `params.py` and the one transaction that it commits to.

Its output cannot be spent, since Bitcoin's first program never entered it among the coins.
"""

from __future__ import annotations

from .block import Block
from .params import Network
from .script.opcodes import Op
from .script.parse import push
from .transaction import OutPoint, Transaction, TxIn, TxOut

_KEY = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
    "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
)

# The headline with which each coinbase proves that it is not older, and the key that it pays to.
_TIMES = b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks", _KEY
_TESTNET4 = b"03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e", bytes(33)


def genesis_block(network: Network) -> Block:
    """The block at height 0; `ValueError` where its header does not commit to the transaction made here."""
    headline, key = _TESTNET4 if network.name == "testnet4" else _TIMES
    script_sig = push((0x1D00FFFF).to_bytes(4, "little")) + push(b"\x04") + push(headline)
    coinbase = Transaction(
        version=1,
        inputs=(TxIn(OutPoint(bytes(32), 0xFFFFFFFF), script_sig),),
        outputs=(TxOut(network.subsidy(0), push(key) + Op.OP_CHECKSIG.to_bytes(1)),),
    )
    block = Block(network.genesis, (coinbase,))
    if block.merkle_root().root != network.genesis.merkle_root:
        raise ValueError(f"{network.name}'s genesis does not commit to the coinbase that is written here")
    return block
