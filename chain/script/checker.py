"""What a script asks about the transaction around it: are its signatures good, and its locktimes met?

The checker builds what was signed and leaves the verdict to somebody else, `Verdicts`, who may verify
on the spot or answer first and verify later (`chain/verdicts.py`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

from ..transaction import FINAL_SEQUENCE
from . import taproot
from .encodings import is_key
from .errors import ScriptError, ScriptFailedError
from .opcodes import Op
from .parse import find_and_delete
from .sighash import DEFAULT, NO_CODE_SEPARATOR, SignatureHashes

LOCKTIME_THRESHOLD = 500_000_000
"""Locktimes from here on are seconds since 1970, those below are heights."""

SEQUENCE_DISABLED = 1 << 31
SEQUENCE_IS_TIME = 1 << 22
SEQUENCE_VALUE = 0xFFFF
"""BIP68: the parts of a sequence. Its time counts units of 512 seconds."""

_CODE_SEPARATOR = Op.OP_CODESEPARATOR.to_bytes(1)


class CheckKind(IntEnum):
    ECDSA = 0
    SCHNORR = 1
    COMMITMENT = 2
    """Whether an output key is the internal key with this tweak (BIP341)."""


class Check(NamedTuple):
    """A question with one true answer, which depends on nothing else."""

    kind: CheckKind

    key: bytes
    """ECDSA: as encoded, with a length that fits its first byte. Schnorr: 32 bytes. Commitment: the output key in
    33 bytes, 02 or 03 for its parity and then x."""

    signature: bytes
    """ECDSA: DER of any strictness, without hash type. Schnorr: 64 bytes. Commitment: the internal key's 32."""

    message: bytes
    """The 32 bytes that were signed; the tweak's 32 bytes."""


class Verdicts(Protocol):
    def ask(self, check: Check) -> bool: ...


class Checker:
    """Answers for one input of a transaction."""

    __slots__ = ("_hashes", "_index", "_verdicts")

    def __init__(self, hashes: SignatureHashes, index: int, verdicts: Verdicts) -> None:
        self._hashes = hashes
        self._index = index
        self._verdicts = verdicts

    def ecdsa(self, signature: bytes, key: bytes, script_code: bytes, in_witness_v0: bool) -> bool:
        """`signature` is DER and a byte of hash type. Empty ones are never good, nor keys that cannot be one."""
        if not signature or not is_key(key):
            return False
        if in_witness_v0:
            message = self._hashes.witness_v0(self._index, script_code, signature[-1])
        else:
            code = find_and_delete(script_code, _CODE_SEPARATOR)
            message = self._hashes.legacy(self._index, code, signature[-1])
        return self._verdicts.ask(Check(CheckKind.ECDSA, key, signature[:-1], message))

    def schnorr(
        self,
        signature: bytes,
        key: bytes,
        annex_hash: bytes | None,
        leaf: bytes | None = None,
        code_separator: int = NO_CODE_SEPARATOR,
    ) -> None:
        """Refuse unless good: Taproot knows no signature that may fail. `key` has 32 bytes."""
        hash_type = DEFAULT
        if len(signature) == 65:
            hash_type = signature[64]
            if hash_type == DEFAULT:
                raise ScriptFailedError(ScriptError.SCHNORR_SIG_HASHTYPE)
        elif len(signature) != 64:
            raise ScriptFailedError(ScriptError.SCHNORR_SIG_SIZE)
        message = self._hashes.taproot(self._index, hash_type, annex_hash, leaf, code_separator)
        if message is None:
            raise ScriptFailedError(ScriptError.SCHNORR_SIG_HASHTYPE)
        if not self._verdicts.ask(Check(CheckKind.SCHNORR, key, signature[:64], message)):
            raise ScriptFailedError(ScriptError.SCHNORR_SIG)

    def commits(self, output_key: bytes, control: bytes, leaf: bytes) -> bool:
        """Whether the output key, 32 bytes, commits to a tree with this leaf at the control block's path."""
        internal = taproot.internal_key(control)
        tweak = taproot.tweak_hash(internal, taproot.root_of_path(leaf, control))
        parity = (2 + (control[0] & 1)).to_bytes(1)
        return self._verdicts.ask(Check(CheckKind.COMMITMENT, parity + output_key, internal, tweak))

    def locktime_reached(self, wanted: int) -> bool:
        """BIP65: whether the transaction has to wait until `wanted` or longer; a final input has no locktime."""
        transaction = self._hashes.transaction
        locktime = transaction.locktime
        same_kind = (wanted < LOCKTIME_THRESHOLD) == (locktime < LOCKTIME_THRESHOLD)
        is_final = transaction.inputs[self._index].sequence == FINAL_SEQUENCE
        return same_kind and wanted <= locktime and not is_final

    def sequence_reached(self, wanted: int) -> bool:
        """BIP112: whether the input may only be spent so long after its output as `wanted` says, or later."""
        transaction = self._hashes.transaction
        sequence = transaction.inputs[self._index].sequence
        if transaction.version < 2 or sequence & SEQUENCE_DISABLED:
            return False
        same_kind = (wanted ^ sequence) & SEQUENCE_IS_TIME == 0
        return same_kind and wanted & SEQUENCE_VALUE <= sequence & SEQUENCE_VALUE
