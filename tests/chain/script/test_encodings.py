from __future__ import annotations

import pytest

from quorate.chain.script.encodings import (
    check_key_encoding,
    check_signature_encoding,
    is_key,
    is_strict_der,
)
from quorate.chain.script.errors import ScriptFailedError
from quorate.chain.script.flags import CONSENSUS, DERSIG, LOW_S, STRICTENC, WITNESS_PUBKEYTYPE
from quorate.kernels.encodings import parse_der

from ..curve import N, der, ecdsa

GOOD = ecdsa(5, bytes(32)) + b"\1"


def mutations() -> list[bytes]:
    """Every one-byte change of the bytes that have a meaning, and every length."""
    found = [GOOD[:length] for length in range(len(GOOD))] + [GOOD + b"\0" * extra for extra in range(1, 12)]
    for at in (0, 1, 2, 3, 4, 5, 4 + GOOD[3], 5 + GOOD[3], 6 + GOOD[3], 7 + GOOD[3]):
        found += [GOOD[:at] + bytes((value,)) + GOOD[at + 1 :] for value in range(256)]
    found += [der(r, s) + b"\1" for r in (0, 1, 127, 128, 2**255) for s in (0, 1, 255, 2**255, 2**256 - 1)]
    return found


def test_strict_der_is_what_the_backends_parser_takes() -> None:
    """Two implementations of BIP66, one for scripts and one for batches."""
    found = mutations()
    malformed = parse_der([signature[:-1] for signature in found], strict=True)[1].tolist()
    assert [not is_strict_der(signature) for signature in found] == malformed
    assert True in malformed
    assert False in malformed


@pytest.mark.parametrize(
    ("signature", "flags", "error"),
    [
        (b"", DERSIG | LOW_S | STRICTENC, None),
        (GOOD, DERSIG | LOW_S | STRICTENC, None),
        (GOOD[:-1] + b"\x83", STRICTENC, None),
        (GOOD[:-1] + b"\x00", STRICTENC, "SIG_HASHTYPE"),
        (GOOD[:-1] + b"\x04", STRICTENC, "SIG_HASHTYPE"),
        (GOOD[:-1] + b"\x04", CONSENSUS, None),
        (der(5, N // 2) + b"\1", LOW_S, None),
        (der(5, N // 2 + 1) + b"\1", LOW_S, "SIG_HIGH_S"),
        (der(5, N // 2 + 1) + b"\1", CONSENSUS, None),
        (der(5, N) + b"\1", LOW_S, None),
        (b"\x31" + GOOD[1:], 0, None),
        (b"\x31" + GOOD[1:], DERSIG, "SIG_DER"),
    ],
)
def test_signatures(signature: bytes, flags: int, error: str | None) -> None:
    if error is None:
        check_signature_encoding(signature, flags)
    else:
        with pytest.raises(ScriptFailedError, match=error):
            check_signature_encoding(signature, flags)


@pytest.mark.parametrize(
    ("key", "lengths", "strict", "compressed"),
    [
        (b"\2" + bytes(32), True, True, True),
        (b"\4" + bytes(64), True, True, False),
        (b"\6" + bytes(64), True, False, False),
        (b"\7" + bytes(64), True, False, False),
        (b"\4" + bytes(32), False, False, False),
        (b"\2" + bytes(64), False, False, False),
        (b"\5" + bytes(32), False, False, False),
        (b"", False, False, False),
    ],
)
def test_keys(key: bytes, lengths: bool, strict: bool, compressed: bool) -> None:
    assert is_key(key) is lengths
    check_key_encoding(key, CONSENSUS, in_witness_v0=True)
    check_key_encoding(key, WITNESS_PUBKEYTYPE, in_witness_v0=False)
    for flag, error, fine in (
        (STRICTENC, "PUBKEYTYPE", strict),
        (WITNESS_PUBKEYTYPE, "WITNESS_PUBKEYTYPE", compressed),
    ):
        if fine:
            check_key_encoding(key, flag, in_witness_v0=True)
        else:
            with pytest.raises(ScriptFailedError, match=f"^{error}$"):
                check_key_encoding(key, flag, in_witness_v0=True)
