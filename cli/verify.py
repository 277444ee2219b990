"""quorate verify: the signatures of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Ed25519RuleName, EncodingName, Hybrid, Json, LowS, SchemeName, parse_reading

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..miner.verify import Report

SHOWN, LISTED = 10, 10_000
"""How many lines people and scripts are told of, unless they ask for more."""


def verify(
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines; - is standard input.", metavar="FILE")],
    scheme: SchemeName = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Device that verifies. [default: the fastest that is here]")
    ] = None,
    encoding: EncodingName = None,
    low_s: LowS = False,
    hybrid: Hybrid = False,
    ed25519_rule: Ed25519RuleName = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Pass over lines that cannot be read, and report them all.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help=f"List the first N bad lines. [default: {SHOWN}; with --json {LISTED:,}]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify signatures: ECDSA over secp256k1, BIP 340 Schnorr and Ed25519.

    FILE is CSV with a header row, or JSON lines, with these columns in any order, in hexadecimal: the hash
    that was signed (named sighash, hash, message_hash, msg_hash or digest) or the message (message, msg); the
    signature (signature, sig, sig_hex, or sig_der, which is for ECDSA); the public_key (pubkey, key, pk). A
    column scheme (kind, algorithm), whose cells begin with ecdsa, schnorr, bip340 or ed25519, may mix schemes.
    Other columns are passed over, among them any that say what to expect. ECDSA signs a hash: where there is
    only a message, the hash is its SHA-256.

    The file is streamed, so it may be larger than memory. A line that cannot be read ends it with exit code 2,
    and so, after all others, with --keep-going. A signature in no proper encoding and a key of a wrong length
    are no such lines: they are invalid, exit code 1. Reasons: encoding, key, range (a number of the signature
    is too large or zero), high-s, equation (not this key's signature of this message).

    Verification takes as long as it takes, for nothing in it is secret.
    """
    from ..kernels.backend import UsageError
    from ..kernels.catalog import open_verifier, verifiers
    from ..miner.signaturefile import SignatureFile
    from ..miner.tablefile import Lines
    from ..miner.verify import verify as run
    from ..miner.wording import counted
    from . import show

    show.log_to_stderr()
    reading = parse_reading(scheme, encoding, low_s, hybrid, ed25519_rule)
    if device is None:
        device = verifiers()[0].name
    elif "," in device:
        raise UsageError("--device takes one device here; quorum:NAME+NAME is several that check each other")
    most = limit if limit is not None else LISTED if as_json else SHOWN
    with Lines(file) as lines:
        signatures = SignatureFile(lines, reading)
        backend = open_verifier(device)
        with show.progress("verifying", lines.size) as update:
            report = run(backend, signatures, keep_going, most, update)
    if as_json:
        _document(report, backend)
    else:
        _print(report, backend)
    if report.interrupted:
        show.note(f"quorate: interrupted after {counted(report.checked, 'signature')}")
        raise typer.Exit(130)
    raise typer.Exit(2 if report.malformed_count else 1 if report.invalid_count else 0)


def _document(report: Report, backend: Backend) -> None:
    from . import show

    show.document(
        {
            "valid": report.valid,
            "checked": report.checked,
            "invalid": [{"line": its.line, "reason": its.reason} for its in report.invalid],
            "invalid_count": report.invalid_count,
            "reasons": dict(report.reasons),
            "malformed": [{"line": its.line, "error": its.error} for its in report.malformed],
            "malformed_count": report.malformed_count,
            "device": backend.device.name,
            "seconds": report.seconds,
            "interrupted": report.interrupted,
            "findings": show.quorum_findings([backend]),
        }
    )


def _print(report: Report, backend: Backend) -> None:
    from ..miner.wording import counted
    from . import show

    all_of_them = counted(report.checked, "signature is", "signatures are")
    if report.invalid_count:
        why = ", ".join(f"{count:,} for {reason}" for reason, count in report.reasons.most_common())
        result = f"{report.invalid_count:,} of {all_of_them} invalid ({why})"
    else:
        result = f"{report.checked:,} of {all_of_them} valid"
    rate = report.checked / report.seconds if report.seconds else 0.0
    show.line(f"{result}; {report.seconds:.2f} s, {rate:,.0f} signatures/s on {backend.device.name}")
    for its in report.invalid:
        show.line(f"line {its.line}: {its.reason}")
    for malformed in report.malformed:
        show.line(f"line {malformed.line} {malformed.error}")
    left = report.invalid_count + report.malformed_count - len(report.invalid) - len(report.malformed)
    if report.malformed_count:
        show.line(f"{counted(report.malformed_count, 'line')} could not be read")
    if left:
        bad = counted(left, "more bad line is", "more bad lines are")
        show.line(f"{bad} not listed; --limit N lists N of each kind")
    for finding in show.quorum_findings([backend]):
        show.line(finding["text"])
