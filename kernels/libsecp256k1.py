"""libsecp256k1, the library of Bitcoin Core, through coincurve: ECDSA and BIP 340, one signature at a time.

It is the peer that the other verifiers are measured against, and a further opinion on what they say.
"""

# ruff: noqa: ARG002 (what searches take, it refuses)
from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from .backend import Bytes2D, Device, Hits, UsageError
from .signatures import KEY_BYTES, KEY_LENGTHS, SIGNATURE_BYTES, Codes, Rules, Scheme, SignatureBatch, Verdict

try:
    import coincurve
    from coincurve._libsecp256k1 import ffi, lib
except ImportError as error:
    _import_error = str(error)
else:
    _import_error = ""

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The field and the order of secp256k1 (SEC 2, section 2.4.1)."""


def find() -> list[Device]:
    reason = f"coincurve cannot be imported ({_import_error}); pip install 'quorate[libsecp256k1]' brings it"
    return [
        Device(
            name="libsecp256k1",
            family="libsecp256k1",
            description="libsecp256k1 through coincurve: ECDSA and BIP 340, on one core",
            driver="" if _import_error else f"coincurve {coincurve.__version__}",
            hardware="cpu",
            reason=reason if _import_error else "",
            searches=False,
            verifies=True,
        )
    ]


def open_device(device: Device) -> Libsecp256k1Backend:
    return Libsecp256k1Backend(device)


class Libsecp256k1Backend:
    def __init__(self, device: Device) -> None:
        self.device = device
        self._context = coincurve.GLOBAL_CONTEXT.ctx

    def verify(self, batch: SignatureBatch) -> Codes:
        """A `Verdict` for each signature. Raises `UsageError` for a batch with an Ed25519 signature in it."""
        if (batch.schemes == Scheme.ED25519).any():
            raise UsageError(
                "libsecp256k1 verifies ECDSA and BIP 340 and no Ed25519; the devices cpu and reference do"
            )
        keys = _pointer(batch.keys)
        signatures = _pointer(batch.signatures)
        messages = _pointer(batch.messages)
        verdicts = np.empty(len(batch), np.uint8)
        offsets = batch.offsets.tolist()
        for row, scheme in enumerate(batch.schemes.tolist()):
            key, signature = keys + KEY_BYTES * row, signatures + SIGNATURE_BYTES * row
            begin, end = offsets[row : row + 2]
            if scheme == Scheme.ECDSA:
                verdicts[row] = self._ecdsa(key, signature, messages + begin, batch.rules)
            else:
                verdicts[row] = self._schnorr(key, signature, messages + begin, end - begin)
        return verdicts

    def _ecdsa(self, key: ffi.CData, signature: ffi.CData, digest: ffi.CData, rules: Rules) -> Verdict:
        parsed_key, parsed = ffi.new("secp256k1_pubkey *"), ffi.new("secp256k1_ecdsa_signature *")
        # The library takes a hybrid key with the right parity; a length of 0 is none of its lengths.
        length = KEY_LENGTHS.get(key[0], 0)
        if key[0] in (6, 7) and not rules.hybrid_keys:
            return Verdict.KEY
        if not lib.secp256k1_ec_pubkey_parse(self._context, parsed_key, key, length):
            return Verdict.KEY
        if not lib.secp256k1_ecdsa_signature_parse_compact(self._context, parsed, signature):
            return Verdict.RANGE
        r, s = _number(signature), _number(signature + 32)
        if r == 0 or s == 0:
            return Verdict.RANGE
        # It verifies nothing with a high s, so what the rules allow has to become low first.
        was_high = lib.secp256k1_ecdsa_signature_normalize(self._context, parsed, parsed)
        if was_high and rules.low_s:
            return Verdict.HIGH_S
        valid = lib.secp256k1_ecdsa_verify(self._context, parsed, digest, parsed_key)
        return Verdict.VALID if valid else Verdict.EQUATION

    def _schnorr(self, key: ffi.CData, signature: ffi.CData, message: ffi.CData, length: int) -> Verdict:
        parsed_key = ffi.new("secp256k1_xonly_pubkey *")
        if not lib.secp256k1_xonly_pubkey_parse(self._context, parsed_key, key):
            return Verdict.KEY
        if lib.secp256k1_schnorrsig_verify(self._context, signature, message, length, parsed_key):
            return Verdict.VALID
        r, s = _number(signature), _number(signature + 32)
        return Verdict.RANGE if r >= P or s >= N else Verdict.EQUATION

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        _no_headers()

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        _no_headers()

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        _no_headers()

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        _no_headers()


def _pointer(array: Bytes2D) -> ffi.CData:
    return ffi.from_buffer("unsigned char[]", np.ascontiguousarray(array))


def _number(pointer: ffi.CData) -> int:
    """The 32 bytes there, big-endian."""
    return int.from_bytes(ffi.buffer(pointer, 32))


def _no_headers() -> NoReturn:
    raise UsageError("libsecp256k1 hashes no headers; `quorate devices` lists what does")
