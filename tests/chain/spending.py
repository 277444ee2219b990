"""Spends of every kind with good and bad signatures, and scripts that branch on what becomes of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256

from quorate.chain.hashes import hash160
from quorate.chain.script import taproot
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push
from quorate.chain.script.sighash import ANYONECANPAY, DEFAULT, SINGLE, SignatureHashes
from quorate.chain.transaction import OutPoint, Transaction, TxIn, TxOut
from quorate.chain.verdicts import Spend

from .curve import ecdsa, public_key, schnorr, tweaked

SECRETS = range(1000, 1006)

INTERNAL = public_key(77)[1:]

Sign = Callable[[int, int], bytes]
"""From a secret and a hash type to a signature with its hash type."""


def op(*opcodes: Op) -> bytes:
    return bytes(opcodes)


def number(value: int) -> bytes:
    return bytes((Op.OP_RESERVED + value,)) if value else b"\0"


class Author:
    """Writes scripts at random, and the items that satisfy them or nearly do."""

    def __init__(self, rng: random.Random, tapscript: bool) -> None:
        self.rng = rng
        self.tapscript = tapscript
        self.items: list[Callable[[Sign], bytes]] = []
        """What the script takes from the stack, in the order in which it does."""

    def key(self, secret: int) -> bytes:
        return push(public_key(secret)[1:] if self.tapscript else public_key(secret))

    def signature(self, secret: int) -> Callable[[Sign], bytes]:
        """By that secret, most of the time."""
        how, hash_type = self.rng.random(), self.rng.choice((1, 1, 2, 3, 0x81))
        if how < 0.12:
            return lambda _: b""
        if how < 0.3:
            return lambda sign: sign(self.rng.choice(SECRETS), hash_type)
        if how < 0.35:
            return lambda sign: sign(secret, hash_type)[:-2]
        return lambda sign: sign(secret, hash_type)

    def clause(self, depth: int = 0) -> bytes:
        """Leaves the stack as it was, or ends the script."""
        condition = self.condition()
        ending = self.rng.random()
        if ending < 0.3:
            return condition + op(Op.OP_VERIFY)
        if ending < 0.45:
            return condition + op(Op.OP_NOT, Op.OP_VERIFY)
        if ending < 0.6 or depth == 2:
            return condition + op(Op.OP_DROP)
        opener = self.rng.choice((Op.OP_IF, Op.OP_NOTIF))
        # Only one branch takes its items, so the other's would be in its way: one of them is always without.
        first, second = self.rng.choice(((self.clause(depth + 1), b""), (b"", self.clause(depth + 1))))
        return condition + op(opener) + first + op(Op.OP_ELSE) + second + op(Op.OP_ENDIF)

    def condition(self) -> bytes:
        """Pushes a truth that depends on signatures."""
        if self.tapscript:
            return self.sum_of_signatures() if self.rng.random() < 0.4 else self.check_sig()
        return self.multisig() if self.rng.random() < 0.5 else self.check_sig()

    def check_sig(self) -> bytes:
        secret = self.rng.choice(SECRETS)
        self.items.append(self.signature(secret))
        return self.key(secret) + op(Op.OP_CHECKSIG)

    def sum_of_signatures(self) -> bytes:
        secrets = self.rng.sample(SECRETS, self.rng.randint(1, 3))
        script = b"\0"
        for secret in secrets:
            self.items.append(self.signature(secret))
            script += self.key(secret) + op(Op.OP_CHECKSIGADD)
        return script + number(self.rng.randint(0, 3)) + op(Op.OP_GREATERTHANOREQUAL)

    def multisig(self) -> bytes:
        secrets = self.rng.sample(SECRETS, self.rng.randint(1, 4))
        signers = sorted(self.rng.sample(range(len(secrets)), self.rng.randint(0, len(secrets))))
        if self.rng.random() < 0.2:
            self.rng.shuffle(signers)
        for index in reversed(signers):
            self.items.append(self.signature(secrets[index]))
        self.items.append(lambda _: b"")  # the dummy
        keys = b"".join(self.key(secret) for secret in secrets)
        return number(len(signers)) + keys + number(len(secrets)) + op(Op.OP_CHECKMULTISIG)

    def script(self) -> bytes:
        clauses = b"".join(self.clause() for _ in range(self.rng.randint(1, 3)))
        return clauses + number(1)

    def stack(self, sign: Sign) -> list[bytes]:
        """The deepest first."""
        return [item(sign) for item in reversed(self.items)]


def random_spend(seed: int) -> Spend:
    """A transaction whose inputs have scripts of every kind, each written at random."""
    rng = random.Random(seed)
    inputs = rng.randint(1, 4)
    kinds = [rng.choice(("bare", "p2sh", "p2wsh", "tapscript", "p2wpkh", "key path")) for _ in range(inputs)]
    authors = [Author(rng, kind == "tapscript") for kind in kinds]
    scripts = [author.script() for author in authors]
    spent = [TxOut(rng.randrange(10**9), _output(*pair)) for pair in zip(kinds, scripts, strict=True)]
    outputs = tuple(TxOut(rng.randrange(10**8), rng.randbytes(22)) for _ in range(rng.randint(1, 4)))
    blank = tuple(TxIn(OutPoint(rng.randbytes(32), rng.randrange(5)), b"") for _ in range(inputs))
    hashes = SignatureHashes(Transaction(2, blank, outputs), spent)
    signed = []
    for index, (kind, author, script) in enumerate(zip(kinds, authors, scripts, strict=True)):
        script_sig, witness = _input(kind, author, script, hashes, index)
        if witness and rng.random() < 0.05:
            witness = [*witness[:-1], witness[-1][:-1] + bytes((witness[-1][-1] ^ 1,))]
        signed.append(blank[index]._replace(script_sig=script_sig, witness=tuple(witness)))
    return Spend(Transaction(2, tuple(signed), outputs), spent)


def _output(kind: str, script: bytes) -> bytes:
    if kind == "p2sh":
        return b"\xa9\x14" + hash160(script) + b"\x87"
    if kind == "p2wsh":
        return b"\0\x20" + sha256(script).digest()
    if kind == "p2wpkh":
        return b"\0\x14" + hash160(public_key(SECRETS[0]))
    if kind == "tapscript":
        root = taproot.leaf_hash(taproot.TAPSCRIPT_LEAF, script)
        return b"\x51\x20" + tweaked(INTERNAL, taproot.tweak_hash(INTERNAL, root))[0]
    if kind == "key path":
        return b"\x51\x20" + public_key(SECRETS[0])[1:]
    return script


def _input(
    kind: str, author: Author, script: bytes, hashes: SignatureHashes, index: int
) -> tuple[bytes, list[bytes]]:
    """Its script and its witness."""
    leaf = taproot.leaf_hash(taproot.TAPSCRIPT_LEAF, script) if kind == "tapscript" else None

    def sign_legacy(secret: int, hash_type: int) -> bytes:
        return ecdsa(secret, hashes.legacy(index, script, hash_type)) + bytes((hash_type,))

    def sign_v0(secret: int, hash_type: int) -> bytes:
        return ecdsa(secret, hashes.witness_v0(index, script, hash_type)) + bytes((hash_type,))

    def sign_taproot(secret: int, hash_type: int) -> bytes:
        if hash_type & ~ANYONECANPAY == SINGLE and index >= len(hashes.transaction.outputs):
            hash_type = 1
        message = hashes.taproot(index, hash_type, leaf_hash=leaf)
        assert message
        return schnorr(secret, message) + (b"" if hash_type == DEFAULT else bytes((hash_type,)))

    if kind in ("bare", "p2sh"):
        pushes = b"".join(push(item) for item in author.stack(sign_legacy))
        return pushes + (push(script) if kind == "p2sh" else b""), []
    if kind == "p2wsh":
        return b"", [*author.stack(sign_v0), script]
    if kind == "tapscript":
        assert leaf
        parity = tweaked(INTERNAL, taproot.tweak_hash(INTERNAL, leaf))[1]
        return b"", [*author.stack(sign_taproot), script, bytes((taproot.TAPSCRIPT_LEAF | parity,)) + INTERNAL]
    secret = author.rng.choice((SECRETS[0], SECRETS[0], SECRETS[1]))
    if kind == "key path":
        return b"", [sign_taproot(secret, author.rng.choice((DEFAULT, 1, 3)))]
    script = b"\x76\xa9\x14" + hash160(public_key(SECRETS[0])) + b"\x88\xac"
    return b"", [sign_v0(secret, 1), public_key(SECRETS[0])]
