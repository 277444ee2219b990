"""Bech32 (BIP173) and Bech32m (BIP350): witness programs as text, whose code finds any four wrong characters."""

from __future__ import annotations

from collections.abc import Iterable

from ..kernels.backend import UsageError
from .script.parse import WitnessProgram

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
"""Of the code over the field of 32 elements (BIP173, section "Checksum")."""

_BECH32, _BECH32M = 1, 0x2BC830A3
"""What the code of a whole text comes to. Version 0 has the first, the others the second."""

_LONGEST = 90
_CHECKSUM = 6


def encode(prefix: str, program: WitnessProgram) -> str:
    """The address of a witness program on the network with this prefix."""
    values = [program.version, *_regroup(program.program, 8, 5)]
    code = _polymod([*_expanded(prefix), *values, *bytes(_CHECKSUM)]) ^ _constant(program.version)
    checksum = [code >> 5 * place & 31 for place in reversed(range(_CHECKSUM))]
    return prefix + "1" + "".join([ALPHABET[value] for value in values + checksum])


def decode(text: str) -> tuple[str, WitnessProgram]:
    """The prefix, in small letters, and the witness program; `UsageError` says what is wrong with the text."""
    prefix, separator, data = text.lower().rpartition("1")
    if text not in (text.lower(), text.upper()):
        raise UsageError(f"{text!r} mixes capital and small letters, which bech32 forbids")
    if not separator or not prefix or len(text) > _LONGEST or not all(33 <= ord(letter) <= 126 for letter in text):
        raise UsageError(f"{text!r} is not bech32: a prefix, a 1 and the data, at most {_LONGEST} characters")
    if not set(data) <= set(ALPHABET):
        raise UsageError(f"{text!r} is not bech32: behind the last 1 it has characters that are none of its own")
    values = [ALPHABET.index(letter) for letter in data]
    code = _polymod([*_expanded(prefix), *values])
    if len(values) <= _CHECKSUM or code not in (_BECH32, _BECH32M):
        raise UsageError(f"{text!r} has a wrong bech32 checksum: is it complete and copied without a slip?")
    version = values[0]
    if version > 16 or code != _constant(version):
        raise UsageError(f"{text!r} has the version {version} with the checksum of another")
    program = _ungroup(values[1:-_CHECKSUM], text)
    sizes = (20, 32) if version == 0 else range(2, 41)
    if len(program) not in sizes:
        raise UsageError(f"{text!r} holds {len(program)} bytes, which no witness program of version {version} has")
    return prefix, WitnessProgram(version, program)


def _constant(version: int) -> int:
    return _BECH32M if version else _BECH32


def _polymod(values: Iterable[int]) -> int:
    code = 1
    for value in values:
        top = code >> 25
        code = (code & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                code ^= generator
    return code


def _expanded(prefix: str) -> list[int]:
    """The prefix as the code takes it: the letters' high bits, a zero, their low bits."""
    letters = prefix.encode("ascii")
    return [*[letter >> 5 for letter in letters], 0, *[letter & 31 for letter in letters]]


def _regroup(data: Iterable[int], width: int, new_width: int) -> list[int]:
    """The same bits in groups of another width, the last filled up with zeros."""
    held = bits = 0
    groups = []
    for value in data:
        held, bits = held << width | value, bits + width
        while bits >= new_width:
            bits -= new_width
            groups.append(held >> bits)
            held &= (1 << bits) - 1
    if bits:
        groups.append(held << new_width - bits)
    return groups


def _ungroup(values: list[int], text: str) -> bytes:
    """Bytes from groups of five bits. What fills up the last group is less than a group, and zero."""
    size, padding = divmod(5 * len(values), 8)
    groups = _regroup(values, 5, 8)
    if padding >= 5 or any(groups[size:]):
        raise UsageError(f"{text!r} has bits behind its last byte that should not be there")
    return bytes(groups[:size])
