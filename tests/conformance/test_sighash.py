"""What signatures sign: Bitcoin Core's `sighash.json` (legacy) and BIP341's wallet vectors (Taproot)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quorate.chain.address import script_to_address
from quorate.chain.params import network
from quorate.chain.script import taproot
from quorate.chain.script.parse import find_and_delete
from quorate.chain.script.sighash import SignatureHashes
from quorate.chain.transaction import Transaction, TxOut

from ..chain.curve import tweaked


def test_legacy(vectors: Path) -> None:
    rows = json.loads((vectors / "core" / "sighash.json").read_text())[1:]
    assert len(rows) == 500
    for raw, script, index, hash_type, expected in rows:
        transaction = Transaction.parse(bytes.fromhex(raw))
        hashes = SignatureHashes(transaction, [TxOut(0, b"")] * len(transaction.inputs))
        code = find_and_delete(bytes.fromhex(script), b"\xab")
        assert hashes.legacy(index, code, hash_type)[::-1].hex() == expected


def test_taproot_outputs(vectors: Path) -> None:
    cases = _bip341(vectors)["scriptPubKey"]
    assert len(cases) == 7
    for case in cases:
        given, between, expected = case["given"], case["intermediary"], case["expected"]
        leaves: list[tuple[int, str]] = []
        root = _root(given["scriptTree"], leaves) if given["scriptTree"] else b""
        assert root.hex() == (between["merkleRoot"] or "")
        if leaves:
            assert [leaf for _, leaf in sorted(leaves)] == between["leafHashes"]
        internal = bytes.fromhex(given["internalPubkey"])
        tweak = taproot.tweak_hash(internal, root)
        assert tweak.hex() == between["tweak"]
        key, parity = tweaked(internal, tweak)
        assert key.hex() == between["tweakedPubkey"]
        script = b"\x51\x20" + key
        assert script.hex() == expected["scriptPubKey"]
        assert script_to_address(script, network("mainnet")) == expected["bip350Address"]
        for (_, leaf), control in zip(sorted(leaves), expected.get("scriptPathControlBlocks", []), strict=True):
            block = bytes.fromhex(control)
            assert taproot.is_control_block(block)
            assert block[0] & 1 == parity
            assert taproot.internal_key(block) == internal
            assert taproot.root_of_path(bytes.fromhex(leaf), block) == root


def test_taproot_key_path(vectors: Path) -> None:
    [case] = _bip341(vectors)["keyPathSpending"]
    spent = [TxOut(o["amountSats"], bytes.fromhex(o["scriptPubKey"])) for o in case["given"]["utxosSpent"]]
    hashes = SignatureHashes(Transaction.parse(bytes.fromhex(case["given"]["rawUnsignedTx"])), spent)
    assert len(case["inputSpending"]) == 7
    for spending in case["inputSpending"]:
        given, between = spending["given"], spending["intermediary"]
        found = hashes.taproot(given["txinIndex"], given["hashType"])
        assert found
        assert found.hex() == between["sigHash"]


def _bip341(vectors: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((vectors / "core" / "bip341_wallet_vectors.json").read_text())
    return found


def _root(tree: Any, leaves: list[tuple[int, str]]) -> bytes:
    """The hash of a tree of scripts; the leaves' own hashes are collected with their numbers."""
    if isinstance(tree, list):
        one, other = tree
        return taproot.branch_hash(_root(one, leaves), _root(other, leaves))
    leaf = taproot.leaf_hash(tree["leafVersion"], bytes.fromhex(tree["script"]))
    leaves.append((tree["id"], leaf.hex()))
    return leaf
