"""The best libraries that verify one signature at a time: what batches are measured against.

Each is called in a loop of Python over everything that can be made ready before, which costs them less than
one part in fifty.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.backends.openssl import backend as openssl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..kernels.backend import Device, UnavailableError
from ..kernels.signatures import Scheme
from .signing import Signed

Check = Callable[[int], bool]
"""Whether the signature at this place is valid."""


def find_peer(signed: Signed) -> tuple[Device, Check]:
    """The best one for this scheme. Raises `UnavailableError` with the reason where there is none."""
    return _ed25519(signed) if signed.scheme == Scheme.ED25519 else _libsecp256k1(signed)


def _libsecp256k1(signed: Signed) -> tuple[Device, Check]:
    """Keys and signatures parsed, and keys decompressed, beforehand."""
    try:
        import coincurve
        from coincurve._libsecp256k1 import ffi, lib
    except ImportError as error:
        raise UnavailableError(
            f"the yardstick, libsecp256k1, is not here ({error}); pip install 'quorate[libsecp256k1]' brings it"
        ) from None
    context = coincurve.GLOBAL_CONTEXT.ctx
    device = _device("libsecp256k1", f"coincurve {coincurve.__version__}", "keys and signatures parsed beforehand")
    messages, signatures = signed.messages, signed.signatures
    keys: list[Any] = []
    if signed.scheme == Scheme.SCHNORR:
        for text in signed.keys:
            keys.append(ffi.new("secp256k1_xonly_pubkey *"))
            lib.secp256k1_xonly_pubkey_parse(context, keys[-1], text)
        verify = lib.secp256k1_schnorrsig_verify
        return device, lambda i: verify(context, signatures[i], messages[i], 32, keys[i])
    parsed: list[Any] = []
    for text, signature in zip(signed.keys, signatures, strict=True):
        keys.append(ffi.new("secp256k1_pubkey *"))
        lib.secp256k1_ec_pubkey_parse(context, keys[-1], text, len(text))
        parsed.append(ffi.new("secp256k1_ecdsa_signature *"))
        lib.secp256k1_ecdsa_signature_parse_compact(context, parsed[-1], signature)
    verify = lib.secp256k1_ecdsa_verify
    return device, lambda i: verify(context, parsed[i], messages[i], keys[i])


def _ed25519(signed: Signed) -> tuple[Device, Check]:
    """The fastest that pip can install, else OpenSSL, which is always here."""
    keys, signatures, messages = signed.keys, signed.signatures, signed.messages
    try:
        verify = import_module("ed25519_zebra").ed_verify
    except ImportError:
        opened = [Ed25519PublicKey.from_public_bytes(key) for key in keys]

        def check(i: int) -> bool:
            try:
                opened[i].verify(signatures[i], messages[i])
            except InvalidSignature:
                return False
            return True

        return _device("OpenSSL", openssl.openssl_version_text(), "keys opened beforehand"), check
    driver = f"py-ed25519-zebra-bindings {version('py-ed25519-zebra-bindings')}"
    device = _device("ed25519-zebra", driver, "keys decompressed in each call")
    return device, lambda i: verify(signatures[i], messages[i], keys[i])


def _device(name: str, driver: str, description: str) -> Device:
    return Device(name, family="library", description=description, driver=driver, hardware="cpu", searches=False)
