"""A new block, complete but for its proof of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .block import Block, commit_to_witnesses
from .check_block_context import height_push
from .header import BlockHeader
from .script.opcodes import Op
from .script.parse import push
from .transaction import OutPoint, Transaction, TxIn, TxOut
from .tree import BlockTree, Node

_VERSION = 0x20000000
"""No deployment is signalled (BIP9)."""

_RESERVED = bytes(32)
"""What the coinbase's witness holds until later rules give it a meaning (BIP141)."""


def build_block(
    tree: BlockTree,
    parent: Node,
    script_pubkey: bytes,
    now: int,
    transactions: Sequence[Transaction] = (),
    fees: int = 0,
    extra: bytes = b"",
) -> Block:
    """The block on `parent` with these transactions, whose subsidy and fees are paid to `script_pubkey`.

    `now` is Unix seconds; the header's time is later where the median of those below demands it. `fees` is
    what the transactions pay, in satoshis. `extra` follows the height in the coinbase, up to 90 bytes: two
    blocks that differ in it have different hashes. The nonce is 0. A signet's block lacks its signature.
    """
    context = tree.context(parent)
    time = max(now, context.median_time + 1)
    bits = tree.ancestry(parent).required_bits(time)
    assert bits is not None  # the tree begins at genesis, so nothing is open
    coinbase = Transaction(
        version=2,
        # One byte more than BIP34's, since a low height alone is too short for a coinbase.
        inputs=(TxIn(OutPoint(bytes(32), 0xFFFFFFFF), height_push(context.height) + push(extra)),),
        outputs=(TxOut(context.network.subsidy(context.height) + fees, script_pubkey),),
    )
    header = BlockHeader(_VERSION, parent.hash, bytes(32), time, bits, 0)
    block = Block(header, (coinbase, *transactions))
    if context.height >= context.network.segwit_height:
        block = commit(block)
    return replace(block, header=replace(header, merkle_root=block.merkle_root().root))


def commit(block: Block) -> Block:
    """The block with a witness commitment as the coinbase's last output; the header's root is left as it was."""
    coinbase, *others = block.transactions
    commitment = commit_to_witnesses(block.witness_root(), _RESERVED)
    output = TxOut(0, Op.OP_RETURN.to_bytes(1) + push(b"\xaa\x21\xa9\xed" + commitment))
    [spent] = coinbase.inputs
    committed = replace(
        coinbase,
        inputs=(spent._replace(witness=(_RESERVED,)),),
        outputs=(*coinbase.outputs, output),
    )
    return replace(block, transactions=(committed, *others))


def split_coinbase(block: Block, size: int) -> tuple[bytes, bytes]:
    """The coinbase without its witness, before and behind the last `size` bytes of its script: the extranonce."""
    [coinbase] = block.transactions[:1]
    [spent] = coinbase.inputs
    end = 4 + 1 + 36 + 1 + len(spent.script_sig)  # version, number of inputs, outpoint, size of the script
    return coinbase.stripped[: end - size], coinbase.stripped[end:]


def complete_block(block: Block, header: BlockHeader, extranonce: bytes) -> Block:
    """The block with a mined header, and with its extranonce as the last bytes of the coinbase's script."""
    coinbase, *others = block.transactions
    [spent] = coinbase.inputs
    script = spent.script_sig[: -len(extranonce)] + extranonce
    return Block(header, (replace(coinbase, inputs=(spent._replace(script_sig=script),)), *others))
