"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Mapping
from string import hexdigits
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..miner.signaturefile import Reading

Choice = TypeVar("Choice")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; all else goes to stderr.")]
Header = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="A header: 160 hex digits (its nonce is ignored), or 152 without nonce."),
]
Start = Annotated[int | None, typer.Option(metavar="N", help="First nonce of the window. [default: 0]")]
Count = Annotated[int | None, typer.Option(metavar="N", help="Nonces in the window.")]
Target = Annotated[str | None, typer.Option(metavar="HEX64", help="Target, 64 hex digits, highest first.")]

SchemeName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="ecdsa, schnorr or ed25519: the scheme of every line. [default: what its column says]",
    ),
]
EncodingName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of ECDSA signatures: der as BIP 66 asks for it, lax-der as blocks before it, or compact, "
        "which is r and s of 32 bytes each. [default: der]",
    ),
]
LowS = Annotated[bool, typer.Option("--low-s", help="ECDSA: refuse s above n/2, as relaying nodes do.")]
Hybrid = Annotated[
    bool, typer.Option("--hybrid", help="ECDSA: accept keys that begin with 06 or 07, as Bitcoin's blocks may.")
]
Ed25519RuleName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="rfc8032: R is compared as encoded, and keys have to be canonical; zip215: other encodings pass, "
        "and the equation is multiplied by the cofactor 8. [default: rfc8032]",
    ),
]


def parse_reading(
    scheme: str | None, encoding: str | None, low_s: bool, hybrid: bool, ed25519_rule: str | None
) -> Reading:
    """How to read a file of signatures, from the options above."""
    from ..kernels.encodings import ENCODINGS
    from ..kernels.signatures import ED25519_RULES, Rules, Scheme
    from ..miner.signaturefile import Reading

    return Reading(
        _choice("--scheme", scheme, {its.name.lower(): its for its in Scheme}) if scheme is not None else None,
        _choice("--encoding", encoding, {its: its for its in ENCODINGS}) if encoding is not None else None,
        Rules(
            low_s,
            hybrid,
            _choice("--ed25519-rule", ed25519_rule or "rfc8032", {its: its for its in ED25519_RULES}),
        ),
    )


def parse_header(text: str) -> bytes:
    """80 bytes in wire order from 160 or 152 hex digits; a missing nonce becomes zero."""
    header = _parse_hex("--header", text)
    if len(header) not in (76, 80):
        from ..kernels.backend import UsageError

        raise UsageError(
            f"--header has {len(header)} bytes; a header has 80 (160 hex digits), or 76 without its nonce"
        )
    return header.ljust(80, b"\0")


def parse_target(text: str) -> int:
    target = _parse_hex("--target", text)
    if len(target) != 32:
        from ..kernels.backend import UsageError

        raise UsageError(f"--target has {len(text)} hex digits; a target has 64, the highest first")
    return int.from_bytes(target, "big")


def header_target(header: bytes) -> int:
    """The target in the header's own nBits."""
    from ..chain.pow import bits_to_target
    from ..kernels.backend import UsageError

    try:
        return bits_to_target(int.from_bytes(header[72:76], "little"))
    except UsageError as error:
        raise UsageError(f"the header's {error}; give one with --target") from None


def open_devices(names: str, verifying: bool = False) -> list[Backend]:
    """Backends from names separated by commas; such as verify signatures, if that is what they are for."""
    from ..kernels.backend import UsageError
    from ..kernels.catalog import open_searcher, open_verifier

    if not all(names.split(",")):
        raise UsageError(f"{names!r} has an empty name in it; devices are named like cpu,opencl:0")
    open_one = open_verifier if verifying else open_searcher
    return [open_one(name.strip()) for name in names.split(",")]


def _choice(option: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    from ..kernels.backend import UsageError

    if name not in choices:
        raise UsageError(f"{option} is one of {', '.join(choices)}, not {name!r}")
    return choices[name]


def _parse_hex(option: str, text: str) -> bytes:
    from ..kernels.backend import UsageError

    wrong = next((place for place, digit in enumerate(text) if digit not in hexdigits), None)
    if wrong is not None:
        raise UsageError(f"{option} is not hexadecimal: {text[wrong]!r} at digit {wrong + 1}")
    if len(text) % 2:
        raise UsageError(f"{option} has {len(text)} hex digits, an odd number: one is missing or too many")
    return bytes.fromhex(text)
