"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from string import hexdigits
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..kernels.backend import Backend

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; all else goes to stderr.")]
Header = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="A header: 160 hex digits (its nonce is ignored), or 152 without nonce."),
]
Start = Annotated[int | None, typer.Option(metavar="N", help="First nonce of the window. [default: 0]")]
Count = Annotated[int | None, typer.Option(metavar="N", help="Nonces in the window.")]
Target = Annotated[str | None, typer.Option(metavar="HEX64", help="Target, 64 hex digits, highest first.")]


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


def open_devices(names: str) -> list[Backend]:
    """Backends from names separated by commas."""
    from ..kernels.backend import UsageError
    from ..kernels.catalog import open_backend

    if not all(names.split(",")):
        raise UsageError(f"{names!r} has an empty name in it; devices are named like cpu,opencl:0")
    return [open_backend(name.strip()) for name in names.split(",")]


def _parse_hex(option: str, text: str) -> bytes:
    from ..kernels.backend import UsageError

    wrong = next((place for place, digit in enumerate(text) if digit not in hexdigits), None)
    if wrong is not None:
        raise UsageError(f"{option} is not hexadecimal: {text[wrong]!r} at digit {wrong + 1}")
    if len(text) % 2:
        raise UsageError(f"{option} has {len(text)} hex digits, an odd number: one is missing or too many")
    return bytes.fromhex(text)
