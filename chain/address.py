"""Addresses and private keys as text: base58check (BIP13), bech32 (BIP173), bech32m (BIP350), WIF."""

from __future__ import annotations

from typing import NamedTuple

from ..kernels.backend import UsageError
from . import base58, bech32
from .params import Network
from .script.parse import is_p2sh, witness_program

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2, section 2.4.1)."""

_P2PKH_BEGIN, _P2PKH_END = b"\x76\xa9\x14", b"\x88\xac"
_P2SH_BEGIN, _P2SH_END = b"\xa9\x14", b"\x87"

_COMPRESSED = b"\1"
"""Behind a private key whose public key is to be written in 33 bytes."""


class PrivateKey(NamedTuple):
    secret: bytes
    """32 bytes, big-endian: a number from 1 to n − 1."""

    compressed: bool
    """Whether addresses are made of the public key in its 33 bytes or its 65."""


def script_to_address(script_pubkey: bytes, network: Network) -> str | None:
    """The address that stands for a script; None for a script that has none."""
    if len(script_pubkey) == 25 and script_pubkey[:3] == _P2PKH_BEGIN and script_pubkey[23:] == _P2PKH_END:
        return base58.encode_check(bytes((network.addresses.p2pkh,)) + script_pubkey[3:23])
    if is_p2sh(script_pubkey):
        return base58.encode_check(bytes((network.addresses.p2sh,)) + script_pubkey[2:22])
    program = witness_program(script_pubkey)
    if program is None or (program.version == 0 and len(program.program) not in (20, 32)):
        return None
    return bech32.encode(network.addresses.bech32, program)


def address_to_script(address: str, network: Network) -> bytes:
    """The script that an address stands for; `UsageError` says why it is none on this network."""
    if address.lower().rpartition("1")[0] == network.addresses.bech32:
        version, program = bech32.decode(address)[1]
        return bytes((0x50 + version if version else 0, len(program))) + program
    try:
        payload = base58.decode_check(address)
    except UsageError as error:
        begin = network.addresses.bech32 + "1"
        raise UsageError(
            f"{address!r} is no address on {network.name}: those begin with {begin} or are base58, and {error}"
        ) from error
    if len(payload) == 21:
        if payload[0] == network.addresses.p2pkh:
            return _P2PKH_BEGIN + payload[1:] + _P2PKH_END
        if payload[0] == network.addresses.p2sh:
            return _P2SH_BEGIN + payload[1:] + _P2SH_END
    raise UsageError(f"{address!r} is no address on {network.name}: is it one of another network, or a key?")


def encode_key(key: PrivateKey, network: Network) -> str:
    """The key in wallet import format."""
    return base58.encode_check(bytes((network.addresses.wif,)) + key.secret + _COMPRESSED * key.compressed)


def decode_key(text: str, network: Network) -> PrivateKey:
    """The key in wallet import format; `UsageError`, which does not repeat the text, says why it is none."""
    payload = base58.decode_check(text)
    secret, end = payload[1:33], payload[33:]
    if payload[:1] != bytes((network.addresses.wif,)) or len(secret) != 32 or end not in (b"", _COMPRESSED):
        raise UsageError(f"this is no private key on {network.name}: is it one of another network, or an address?")
    if not 0 < int.from_bytes(secret) < _ORDER:
        raise UsageError("the private key is zero or not below the order of the curve")
    return PrivateKey(secret, end == _COMPRESSED)
