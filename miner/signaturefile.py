"""Signatures in text files: CSV or JSON lines with a column each for message, signature and key.

    what                          names of its column
    scheme                        scheme, kind, algorithm; a cell begins with ecdsa, schnorr, bip340 or ed25519
    hash of the message           sighash, hash, message hash, msg hash, digest
    message                       message, msg
    signature                     signature, sig, sig hex; sig der, which is for ECDSA
    key                           public key, pubkey, key, pk

Capitals, spaces and underscores make no difference. Cells are hexadecimal, in either case, with or without 0x.
ECDSA signs a hash; where a file has messages instead, the hash is their SHA-256. The other schemes sign a
message, and a file of theirs may call it a hash.
"""

from __future__ import annotations

import hashlib
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import compress
from string import hexdigits
from typing import Any

import numpy as np

from ..kernels.backend import Bytes2D, UsageError
from ..kernels.encodings import Encoding, parse
from ..kernels.signatures import (
    HASH_BYTES,
    SIGNATURE_BYTES,
    Codes,
    Rules,
    Scheme,
    SignatureBatch,
    Verdict,
)
from .tablefile import Lines, Malformed, Rows, open_table, plain
from .wording import counted, printable

NAMES = {
    "scheme": ("scheme", "kind", "algorithm"),
    "hash": ("sighash", "hash", "message hash", "msg hash", "digest"),
    "message": ("message", "msg"),
    "signature": ("signature", "sig", "sig der", "sig hex"),
    "key": ("public key", "pubkey", "key", "pk"),
}
MESSAGE_NAMES = NAMES["hash"] + NAMES["message"]
ROLES = {plain(name): role for role, names in NAMES.items() for name in names}

SCHEMES = {
    "ecdsa": Scheme.ECDSA,
    "schnorr": Scheme.SCHNORR,
    "bip340": Scheme.SCHNORR,
    "ed25519": Scheme.ED25519,
}
"""How a cell that names a scheme begins."""

OTHER_KEY_BYTES = 32
"""Of a key of BIP 340 or Ed25519."""


class Reason(StrEnum):
    """Why a signature is invalid: a `Verdict` in words, or what no backend gets to see."""

    VALID = "valid"
    KEY = "key"
    RANGE = "range"
    HIGH_S = "high-s"
    EQUATION = "equation"
    ENCODING = "encoding"
    """Not DER as the encoding asks for it, or not 64 bytes long where it has to be."""


REASONS = (*(Reason[verdict.name] for verdict in Verdict), Reason.ENCODING)
"""By code: those of `Verdict`, then one more."""

ENCODING = REASONS.index(Reason.ENCODING)


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file."""

    scheme: Scheme | None = None
    """Of all lines; None: each line names its own."""

    encoding: Encoding | None = None
    """Of ECDSA signatures; None is DER as BIP 66 asks for it, and a file of 64-byte signatures is refused."""

    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a file, to be verified together."""

    lines: Sequence[int]
    """Where each signature of the batch stands."""

    batch: SignatureBatch

    faults: Codes
    """What is known without verification, as codes of `REASONS`; 0 where a backend decides."""

    malformed: list[Malformed]
    """The other lines, in their order."""

    def reasons(self, verdicts: Codes) -> Codes:
        """A code of `REASONS` for each signature. Of a fault of the key and another, the key's is the reason."""
        decided = (self.faults != 0) & ((self.faults == Verdict.KEY) | (verdicts != Verdict.KEY))
        return np.where(decided, self.faults, verdicts)


class _RowError(Exception):
    """Of one line, in words that go on where "line 7" left off."""


class SignatureFile:
    """A file that is read piece by piece."""

    def __init__(self, lines: Lines, reading: Reading) -> None:
        """Raises `UsageError` for a file that cannot be read, or that lacks a column."""
        self._reading = reading
        self._unsure = reading.encoding is None
        self._empty = True
        self.lines = lines
        self._table = open_table(lines, ROLES)
        columns = self._table.columns
        self._default = Scheme.ECDSA if plain(columns.get("signature", "")) == "sigder" else None
        if self._table.header:
            self._require_columns(columns, self._table.header)

    def read(self, count: int, keep_going: bool = False) -> Piece | None:
        """The signatures of the next `count` lines or fewer; None at the end of the file.

        Raises `UsageError` for the first malformed line, unless it is to `keep_going`; for a file without
        signatures; where reading fails; and where all ECDSA signatures look like another encoding.
        """
        rows = self._table.read(count)
        if not rows.lines and not rows.malformed:
            if self._empty and not self.lines.stop.is_set():
                raise UsageError(f"{self.lines.name} has a header and no signatures below it")
            return None
        self._empty = False
        try:
            piece = self._piece(rows)
        except _RowError:
            rows = self._readable(rows)
            piece = self._piece(rows)
        if piece.malformed and not keep_going:
            first = piece.malformed[0]
            raise UsageError(f"line {first.line} of {self.lines.name} {first.error}")
        if self._unsure:
            self._doubt_encoding(rows, piece)
        return piece

    def _require_columns(self, columns: Mapping[str, str], header: Sequence[str]) -> None:
        missing = [role for role in ("signature", "key") if role not in columns]
        if missing or not columns.keys() & {"hash", "message"}:
            what, names = (missing[0], NAMES[missing[0]]) if missing else ("message", MESSAGE_NAMES)
            raise UsageError(
                f"{self.lines.name} has no column for the {what}, named {either(names)}; "
                f"its header has {', '.join(map(printable, header))}"
            )
        if "scheme" not in columns and self._default is None and self._reading.scheme is None:
            raise UsageError(
                f"{self.lines.name} does not say of which scheme its signatures are: it has no column named "
                f"{either(NAMES['scheme'])}; --scheme ecdsa, schnorr or ed25519 says it for all of them"
            )

    def _doubt_encoding(self, rows: Rows, piece: Piece) -> None:
        """Signatures of 64 bytes are r and s as they are, and not one of them will ever be valid as DER."""
        ecdsa = np.flatnonzero(piece.batch.schemes == Scheme.ECDSA)
        self._unsure = not len(ecdsa)
        if len(ecdsa) and (piece.faults[ecdsa] == ENCODING).all():
            cells = [rows.columns["signature"][row] for row in ecdsa]
            if all(len(cell or b"") == SIGNATURE_BYTES for cell in _bytes("signature", cells)):
                raise UsageError(
                    f"the ECDSA signatures of {self.lines.name} are no DER and have {SIGNATURE_BYTES} bytes: "
                    "--encoding compact reads them as r and s of 32 bytes each"
                )

    def _readable(self, rows: Rows) -> Rows:
        """The rows that can be read alone, and an error for each of the others."""
        places = []
        malformed = list(rows.malformed)
        for place, line in enumerate(rows.lines):
            try:
                self._piece(Rows([line], {role: [cells[place]] for role, cells in rows.columns.items()}))
                places.append(place)
            except _RowError as error:
                malformed.append(Malformed(line, str(error)))
        columns = {role: [cells[place] for place in places] for role, cells in rows.columns.items()}
        return Rows([rows.lines[place] for place in places], columns, sorted(malformed, key=lambda m: m.line))

    def _piece(self, rows: Rows) -> Piece:
        """Raises `_RowError` if any of these rows is malformed; of a row alone it says why."""
        named = self._schemes(rows)
        schemes = np.array(named, np.uint8)
        hashes, texts, signatures, keys = (
            _bytes(role, rows.columns.get(role, [None] * len(rows.lines)))
            for role in ("hash", "message", "signature", "key")
        )
        faults = np.zeros(len(schemes), np.uint8)
        numbers = self._numbers(schemes, _present("signature", signatures), faults)
        fitting = _fitting(schemes, _present("key", keys), faults)
        messages = [_message(*its) for its in zip(named, hashes, texts, strict=True)]
        batch = SignatureBatch.of(named, fitting, numbers, messages, self._reading.rules)
        return Piece(rows.lines, batch, faults, rows.malformed)

    def _schemes(self, rows: Rows) -> list[Scheme]:
        if self._reading.scheme is not None:
            return [self._reading.scheme] * len(rows.lines)
        cells = rows.columns.get("scheme", [None] * len(rows.lines))
        default = self._default
        return [
            default if cell is None and default is not None else _scheme("" if cell is None else str(cell))
            for cell in cells
        ]

    def _numbers(self, schemes: Codes, signatures: list[bytes], faults: Codes) -> Bytes2D:
        """Of each signature the 64 bytes that a batch takes; where there are none, that is a fault."""
        numbers = np.empty((len(schemes), SIGNATURE_BYTES), np.uint8)
        ecdsa = schemes == Scheme.ECDSA
        for rows, encoding in ((ecdsa, self._reading.encoding or "der"), (~ecdsa, "compact")):
            numbers[rows], malformed = parse(list(compress(signatures, rows.tolist())), encoding)
            faults[rows] = np.where(malformed, ENCODING, 0)
        return numbers


def either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


@lru_cache(maxsize=1024)
def _scheme(cell: str) -> Scheme:
    for beginning, scheme in SCHEMES.items():
        if cell.lower().startswith(beginning):
            return scheme
    raise _RowError(f"is of no scheme known here: {cell!r} does not begin with {either(tuple(SCHEMES))}")


NO_KEYS = {Scheme.SCHNORR: bytes(32), Scheme.ED25519: b"\2" + bytes(31)}
"""Of the right length, and no point by any rule: there is none with x = 0, and none with y = 2."""


def _fitting(schemes: Codes, keys: list[bytes], faults: Codes) -> list[bytes]:
    """The keys, of a length that a batch takes; where they have another, that is a fault."""
    for row in np.flatnonzero(schemes != Scheme.ECDSA).tolist():
        if len(keys[row]) != OTHER_KEY_BYTES:
            faults[row], keys[row] = Verdict.KEY, NO_KEYS[Scheme(schemes[row])]
    return keys


def _message(scheme: Scheme, hashed: bytes | None, text: bytes | None) -> bytes:
    """What was signed, of the two that a file may have."""
    if hashed is None and text is None:
        raise _RowError(f"has no message: nothing in it is named {either(MESSAGE_NAMES)}")
    if scheme != Scheme.ECDSA:
        return text or hashed or b""
    if not hashed and text is not None:
        return hashlib.sha256(text).digest()
    if len(hashed or b"") != HASH_BYTES:
        length = counted(len(hashed or b""), "byte")
        raise _RowError(f"has a hash of {length}; one that ECDSA signs has {HASH_BYTES}")
    return hashed or b""


def _present(role: str, cells: list[bytes | None]) -> list[bytes]:
    present = [cell for cell in cells if cell is not None]
    if len(present) < len(cells):
        raise _RowError(f"has no {role}: nothing in it is named {either(NAMES[role])}")
    return present


def _bytes(role: str, cells: list[Any]) -> list[bytes | None]:
    try:
        return list(map(unhexlify, cells))
    except (TypeError, ValueError):  # rows with 0x, without such a cell, or malformed: one of them alone says it
        return [None if cell is None else _unhex(role, cell) for cell in cells]


def _unhex(role: str, cell: Any) -> bytes:
    if not isinstance(cell, str):
        raise _RowError(f"has a {role} that is no text: {cell!r:.40}")
    digits = cell.strip()
    digits = digits[2:] if digits[:2] in ("0x", "0X") else digits
    wrong = next((place for place, digit in enumerate(digits) if digit not in hexdigits), None)
    if wrong is not None:
        raise _RowError(f"has a {role} that is not hexadecimal: {digits[wrong]!r} at digit {wrong + 1}")
    if len(digits) % 2:
        raise _RowError(f"has a {role} of {counted(len(digits), 'hex digit')}, an odd number")
    return unhexlify(digits)
