"""quorate bench signatures: verification, side by side with the best libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Json, open_devices

if TYPE_CHECKING:
    from ..miner.bench_signatures import SignatureBenchmark, Speed


MOST = 1 << 20
"""Signatures at once. All of them are made before, a thousand or so in a second."""


def signatures(
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]", help="Devices to measure. [default: all that verify, but for the reference]"
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Measurements of each kind.")] = 5,
    sizes: Annotated[
        str, typer.Option(metavar="N[,N...]", help="Signatures that are verified at once.")
    ] = "8,64,256,4096",
    as_json: Json = False,
) -> None:
    """Measure how fast devices verify signatures, side by side with the best library for each scheme.

    ECDSA with keys of 33 bytes, which have to be decompressed, and of 65, BIP 340 Schnorr, and Ed25519 by either
    rule. All signatures are valid and different and their messages have 32 bytes; parsing, hashing and the
    decompression of keys are part of what a device does.

    The yardstick of ECDSA and BIP 340 is libsecp256k1, called through cffi with keys and signatures that were
    parsed beforehand; that of Ed25519 is py-ed25519-zebra-bindings where it is installed, else OpenSSL. Both
    are called one by one in a loop of Python, whose own time counts.

    Shown are medians over rounds that take all in turn, and the spread from the lowest to the highest round.
    Per core means processor time, of all threads together. Ctrl-C shows what was measured.
    """
    from ..kernels.catalog import verifiers
    from ..miner.bench_signatures import bench_signatures
    from . import show

    show.log_to_stderr()
    lengths = _sizes(sizes)
    if devices is None:
        names = [device.name for device in verifiers()]
        devices = ",".join(name for name in names if name != "reference") or "reference"
    backends = open_devices(devices, verifying=True)
    show.note("quorate: signing what will be verified")
    with show.progress("measuring", 0) as update:
        result = bench_signatures(backends, lengths, rounds, update)
    if as_json:
        show.document(_document(result, rounds))
    else:
        _print(result)
    if result.measured.noise:
        show.note(f"quorate: the machine is too noisy to judge: {'; '.join(result.measured.noise)}")
    if result.measured.left:
        show.note(f"quorate: interrupted with {result.measured.left:,} measurements not made")
        raise typer.Exit(130)


def _sizes(text: str) -> list[int]:
    from ..kernels.backend import UsageError

    sizes = [int(size) if size.isascii() and size.isdigit() else 0 for size in text.split(",")]
    if not all(0 < size <= MOST for size in sizes):
        raise UsageError(f"--sizes takes numbers from 1 to {MOST:,} with commas between them, not {text!r}")
    return sizes


def _document(result: SignatureBenchmark, rounds: int) -> dict[str, Any]:
    def entry(speed: Speed) -> dict[str, Any]:
        rates = speed.rates
        return {
            "device": rates.device.name,
            "library": speed.peer is rates,
            "work": speed.work,
            "batch": speed.size,
            "median": rates.median,
            "lowest": min(rates.rates),
            "highest": max(rates.rates),
            "rounds": len(rates.samples),
            "microseconds": 1e6 / rates.median,
            "microseconds_per_core": 1e6 / rates.per_core if rates.per_core else None,
            "times_library": _times(speed),
            "times_library_per_core": _times_per_core(speed),
            "machine": f"{rates.device.description}, {rates.device.driver}",
        }

    return {
        "format": "quorate bench signatures 1",
        "rounds": rounds,
        "unit": "signatures per second",
        "results": [entry(speed) for speed in result.speeds],
        "unavailable": result.measured.unavailable,
        "noise": result.measured.noise,
        "left": result.measured.left,
    }


def _print(result: SignatureBenchmark) -> None:
    from ..miner.bench_signatures import WORKS
    from . import show

    def cells(speed: Speed) -> tuple[str, ...]:
        rates = speed.rates
        times, per_core = _times(speed), _times_per_core(speed)
        return (
            WORKS[speed.work].title,
            f"{speed.size:,}" if speed.peer is not rates else "one by one",
            rates.device.name if speed.peer is not rates else f"library {rates.device.name}",
            f"{1e6 / rates.median:.1f} µs",
            f"{1e6 / rates.per_core:.1f} µs" if rates.per_core else "–",
            f"{100 * rates.spread:.0f} %" if len(rates.samples) > 1 else "–",
            f"{times:.2f}" if times else "–",
            f"{per_core:.2f}" if per_core else "–",
        )

    columns = (
        "work",
        "at once",
        "device",
        "each",
        "each,\none core",
        "spread",
        "×\nlibrary",
        "× library,\none core",
    )
    if result.speeds:
        show.table(columns, [cells(speed) for speed in result.speeds], right=(columns[1], *columns[3:]))
    for work, reasons in result.measured.unavailable.items():
        for name, reason in reasons.items():
            show.line(f"{WORKS[work].title}, {name}: not measured: {reason}")


def _times(speed: Speed) -> float | None:
    """How many times as fast as the library, round by round."""
    return speed.rates.times(speed.peer) if speed.peer and speed.peer.samples else None


def _times_per_core(speed: Speed) -> float | None:
    """The same for a second of processor time."""
    theirs = speed.peer.per_core if speed.peer and speed.peer.samples else None
    mine = speed.rates.per_core
    return mine / theirs if mine and theirs else None
