"""Signatures in batches: what `Backend.verify` takes and gives. Shapes, dtypes and byte order stand here, once.

A batch holds n signatures of any schemes, mixed:

- ECDSA over secp256k1 (SEC 1): key 33 bytes (02 or 03, x) or 65 (04, x, y; hybrid 06 or 07 where the rules allow
  it), signature r then s, message the 32 bytes of the hash that was signed;
- BIP 340 Schnorr: key 32 bytes (x), signature r then s, message of any length;
- Ed25519 (RFC 8032): key 32 bytes, signature R then S, message of any length.

Numbers of secp256k1 are big-endian and those of Ed25519 little-endian, as their standards have them.

Nothing here is secret: signatures, keys and messages are public, so verification takes as long as it takes and no
backend runs in constant time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .backend import Bytes2D, UsageError

KEY_BYTES = 65
SIGNATURE_BYTES = 64
HASH_BYTES = 32

NO_SIGNATURE = b"\xff" * SIGNATURE_BYTES
"""What stands in a batch for bytes that are no signature at all: every scheme refuses it for its range."""

Codes = npt.NDArray[np.uint8]


class Scheme(IntEnum):
    ECDSA = 0
    SCHNORR = 1
    ED25519 = 2


class Verdict(IntEnum):
    """What became of one signature. Where several faults apply, the first in this order is the verdict."""

    VALID = 0
    KEY = 1
    """The key is no point of the curve, or is encoded as the rules forbid."""
    RANGE = 2
    """A number of the signature is too large, or zero where that is forbidden."""
    HIGH_S = 3
    """s is above n/2 and the rules ask for the lower of the two that are equally good (BIP 62, BIP 146)."""
    EQUATION = 4
    """Well formed, but not this key's signature of this message."""


Ed25519Rule = Literal["rfc8032", "zip215"]

ED25519_RULES: tuple[Ed25519Rule, ...] = get_args(Ed25519Rule)


@dataclass(frozen=True, slots=True)
class Rules:
    """Where honest verifiers differ, by name. The defaults are what the standards say."""

    low_s: bool = False
    """ECDSA: refuse s above n/2. A policy of relaying nodes; blocks may hold either s."""

    hybrid_keys: bool = False
    """ECDSA: accept the prefixes 06 and 07, whose parity has to be that of y, as Bitcoin's consensus does."""

    ed25519: Ed25519Rule = "rfc8032"
    """`rfc8032`: R = SB - kA is compared as encoded, without the cofactor, and a key whose y is 2^255 - 19 or
    more, or whose x is 0 with the sign bit set, is refused; keys of small order are accepted when the equation
    holds. `zip215`: such keys and such R are accepted, and 8R = 8SB - 8kA decides, so that batches and single
    checks never differ. Both refuse S >= L."""


@dataclass(frozen=True, slots=True, eq=False)
class SignatureBatch:
    """n signatures to verify. Raises `UsageError` when its arrays do not fit together."""

    schemes: Codes
    """Shape (n,): a `Scheme` each."""

    keys: Bytes2D
    """Shape (n, 65): the key as it is encoded, padded with anything. The scheme, and for ECDSA the first byte, say
    how many bytes count."""

    signatures: Bytes2D
    """Shape (n, 64)."""

    messages: npt.NDArray[np.uint8]
    """All messages end to end, shape (total,)."""

    offsets: npt.NDArray[np.int64]
    """Where they begin, and where the last one ends: shape (n + 1,)."""

    rules: Rules = Rules()

    def __post_init__(self) -> None:
        n = len(self.schemes)
        for name, dtype, shape in (
            ("schemes", np.uint8, (n,)),
            ("keys", np.uint8, (n, KEY_BYTES)),
            ("signatures", np.uint8, (n, SIGNATURE_BYTES)),
            ("messages", np.uint8, (len(self.messages),)),
            ("offsets", np.int64, (n + 1,)),
        ):
            array: npt.NDArray[np.generic] = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                wanted = f"{np.dtype(dtype)} of shape {shape}"
                raise UsageError(f"{name} of a batch is {wanted}, not {array.dtype} of shape {array.shape}")
            object.__setattr__(self, name, np.ascontiguousarray(array))  # as kernels take them
        # Compared, because a difference could wrap.
        descends = (self.offsets[1:] < self.offsets[:-1]).any()
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.messages) or descends:
            raise UsageError("offsets of a batch ascend from 0 to the end of its messages")
        lengths = np.diff(self.offsets)
        if n and self.schemes.max() > max(Scheme):
            raise UsageError(f"there is no signature scheme {self.schemes.max()}")
        if (lengths[self.schemes == Scheme.ECDSA] != HASH_BYTES).any():
            raise UsageError(f"an ECDSA message is the {HASH_BYTES} bytes of the hash that was signed")
        if self.rules.ed25519 not in ED25519_RULES:
            raise UsageError(
                f"there is no Ed25519 rule {self.rules.ed25519!r}; there is {' and '.join(ED25519_RULES)}"
            )

    def __len__(self) -> int:
        return len(self.schemes)

    @classmethod
    def of(
        cls,
        schemes: Scheme | Sequence[Scheme],
        keys: Sequence[bytes],
        signatures: Sequence[bytes] | Bytes2D,
        messages: Sequence[bytes],
        rules: Rules = Rules(),
    ) -> SignatureBatch:
        """A batch from one item each; `kernels.encodings` makes signatures of 64 bytes from DER.

        An ECDSA key whose length is not what its first byte says becomes one that is refused. Raises `UsageError`
        for any other key that is not 32 bytes long, a signature that is not 64 bytes long, or lists of different
        lengths.
        """
        n = len(keys)
        if len(signatures) != n or len(messages) != n:
            raise UsageError(f"a batch of {n} keys has {len(signatures)} signatures and {len(messages)} messages")
        codes = np.full(n, schemes, np.uint8) if isinstance(schemes, Scheme) else np.array(schemes, np.uint8)
        if len(codes) != n:
            raise UsageError(f"a batch of {n} keys has {len(codes)} schemes")
        if any(len(signature) != SIGNATURE_BYTES for signature in signatures):
            raise UsageError(f"a signature in a batch has {SIGNATURE_BYTES} bytes")
        if isinstance(signatures, np.ndarray):
            rows = signatures
        else:
            rows = np.frombuffer(b"".join(signatures), np.uint8).reshape(n, SIGNATURE_BYTES)
        padded = b"".join([_padded(scheme, key) for scheme, key in zip(codes.tolist(), keys, strict=True)])
        offsets = np.zeros(n + 1, np.int64)
        np.cumsum([len(message) for message in messages], out=offsets[1:])
        return cls(
            codes,
            np.frombuffer(padded, np.uint8).reshape(n, KEY_BYTES),
            rows,
            np.frombuffer(b"".join(messages), np.uint8),
            offsets,
            rules,
        )

    def take(self, rows: npt.NDArray[np.int64]) -> SignatureBatch:
        """The batch of these rows alone, in their order."""
        starts, lengths = self.offsets[rows], np.diff(self.offsets)[rows]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        places = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        arrays = (self.schemes[rows], self.keys[rows], self.signatures[rows], self.messages[places])
        return SignatureBatch(*arrays, offsets, self.rules)

    def part(self, start: int, stop: int) -> SignatureBatch:
        """The batch of the rows from `start` to before `stop`, without copying what is long."""
        first, last = self.offsets[start], self.offsets[stop]
        rows = slice(start, stop)
        arrays = (self.schemes[rows], self.keys[rows], self.signatures[rows], self.messages[first:last])
        return SignatureBatch(*arrays, self.offsets[start : stop + 1] - first, self.rules)

    def message(self, row: int) -> bytes:
        return self.messages[self.offsets[row] : self.offsets[row + 1]].tobytes()


KEY_LENGTHS = {2: 33, 3: 33, 4: 65, 6: 65, 7: 65}
"""Bytes of an ECDSA key by its first byte (SEC 1, section 2.3.3, and X9.62 for the hybrid ones)."""


def _padded(scheme: int, key: bytes) -> bytes:
    if scheme == Scheme.ECDSA:
        fits = bool(key) and KEY_LENGTHS.get(key[0]) == len(key)
        return key.ljust(KEY_BYTES, b"\0") if fits else bytes(KEY_BYTES)
    if len(key) != 32:
        raise UsageError(f"a key of {Scheme(scheme).name.lower()} has 32 bytes, not {len(key)}")
    return key.ljust(KEY_BYTES, b"\0")
