"""How signatures and keys have to be encoded, before anything is verified."""

from __future__ import annotations

from ...kernels.signatures import KEY_LENGTHS
from .errors import ScriptError, ScriptFailedError
from .flags import DERSIG, LOW_S, STRICTENC, WITNESS_PUBKEYTYPE
from .sighash import ALL, ANYONECANPAY, SINGLE

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2, section 2.4.1)."""

_DER_MATTERS = DERSIG | LOW_S | STRICTENC


def check_signature_encoding(signature: bytes, flags: int) -> None:
    """Refuse a signature (DER and one byte of hash type) that the flags forbid; an empty one is no signature."""
    if not signature:
        return
    if flags & _DER_MATTERS and not is_strict_der(signature):
        raise ScriptFailedError(ScriptError.SIG_DER)
    if flags & LOW_S and _has_high_s(signature):
        raise ScriptFailedError(ScriptError.SIG_HIGH_S)
    if flags & STRICTENC and not ALL <= signature[-1] & ~ANYONECANPAY <= SINGLE:
        raise ScriptFailedError(ScriptError.SIG_HASHTYPE)


def check_key_encoding(key: bytes, flags: int, in_witness_v0: bool) -> None:
    """Refuse a key that the flags forbid."""
    if flags & STRICTENC and not (key[:1] in (b"\x02", b"\x03", b"\x04") and is_key(key)):
        raise ScriptFailedError(ScriptError.PUBKEYTYPE)
    if flags & WITNESS_PUBKEYTYPE and in_witness_v0 and not (key[:1] in (b"\x02", b"\x03") and is_key(key)):
        raise ScriptFailedError(ScriptError.WITNESS_PUBKEYTYPE)


def is_key(key: bytes) -> bool:
    """Whether it has the length that its first byte asks for, hybrid keys included; no more than that is known."""
    return key != b"" and KEY_LENGTHS.get(key[0]) == len(key)


def is_strict_der(signature: bytes) -> bool:
    """BIP66's `IsValidSignatureEncoding`: 30, length, and twice 02, length, integer; then the hash type."""
    size = len(signature)
    if not 9 <= size <= 73 or signature[0] != 0x30 or signature[1] != size - 3:
        return False
    s_at = 4 + signature[3]
    if s_at + 2 >= size or s_at + 2 + signature[s_at + 1] + 1 != size:
        return False
    return _is_strict_integer(signature[2:s_at]) and _is_strict_integer(signature[s_at:-1])


def _is_strict_integer(encoded: bytes) -> bool:
    """Positive, and without a zero in front that its sign does not need; `encoded` has tag and length."""
    if encoded[0] != 0x02 or len(encoded) < 3 or encoded[2] & 0x80:
        return False
    return len(encoded) == 3 or encoded[2] != 0 or encoded[3] & 0x80 != 0


def _has_high_s(signature: bytes) -> bool:
    """Whether s is above n/2, in strict DER. Where r or s is no scalar, the signature fails anyway."""
    s_at = 4 + signature[3]
    r = int.from_bytes(signature[4:s_at])
    s = int.from_bytes(signature[s_at + 2 : -1])
    return r < _ORDER and _ORDER // 2 < s < _ORDER
