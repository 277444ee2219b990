"""quorate compare: the same work on several backends, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    Count,
    Ed25519RuleName,
    EncodingName,
    Header,
    Hybrid,
    Json,
    LowS,
    SchemeName,
    Start,
    Target,
    open_devices,
    parse_header,
    parse_reading,
    parse_target,
)

if TYPE_CHECKING:
    from ..miner.compare import Comparison


def compare(
    header: Header = None,
    start: Start = None,
    count: Count = None,
    target: Target = None,
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME[,...]",
            help="Devices to compare; faulty:LIE:NAME is NAME telling a lie. [default: all that are here]",
        ),
    ] = None,
    signatures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Compare verdicts on these signatures; a file that `quorate verify` reads."
        ),
    ] = None,
    scheme: SchemeName = None,
    encoding: EncodingName = None,
    low_s: LowS = False,
    hybrid: Hybrid = False,
    ed25519_rule: Ed25519RuleName = None,
    as_json: Json = False,
) -> None:
    """Give several devices the same work and compare their answers bit for bit.

    The default work is 262,144 nonces of mainnet's genesis header with a target that one nonce in 64
    meets. Compared are the complete lists of hits and the XOR of all digests; with --signatures, the verdict
    on each signature, of the devices that verify. What devices disagree about is computed again by the
    reference and by the accused; whoever was wrong, failed, or took more than four times as long as the
    reference to search is named, and the exit code is 1.
    """
    nonces = {"--header": header, "--start": start, "--count": count, "--target": target}
    reading = {
        "--scheme": scheme,
        "--encoding": encoding,
        "--low-s": low_s or None,
        "--hybrid": hybrid or None,
        "--ed25519-rule": ed25519_rule,
    }
    if signatures is None:
        _refuse(reading, "belongs to --signatures, which is missing")
        _compare_nonces(header, start, count, target, devices, as_json)
    else:
        _refuse(nonces, "is about nonces, and --signatures is not")
        from .compare_signatures import compare_signatures

        how = parse_reading(scheme, encoding, low_s, hybrid, ed25519_rule)
        compare_signatures(signatures, how, devices, as_json)


def _refuse(options: dict[str, Any], why: str) -> None:
    from ..kernels.backend import UsageError

    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option} {why}")


def _compare_nonces(
    header: str | None,
    start: int | None,
    count: int | None,
    target: str | None,
    devices: str | None,
    as_json: bool,
) -> None:
    from ..kernels.catalog import usable
    from ..miner.compare import DEFAULT_COUNT, EASY_TARGET
    from ..miner.compare import compare as run
    from ..miner.job import Job
    from ..miner.sources.bundled import BUNDLED
    from . import show

    show.log_to_stderr()
    job = Job(
        parse_header(header) if header is not None else BUNDLED[0].header,
        parse_target(target) if target is not None else EASY_TARGET,
        start or 0,
        count if count is not None else DEFAULT_COUNT,
    )
    backends = open_devices(devices if devices is not None else ",".join(d.name for d in usable()))
    with show.progress("comparing", job.count) as update:
        comparison = run(backends, job, lambda done: update(done, f"{done:,} nonces"))
    if as_json:
        show.document(_document(comparison))
    else:
        _print(comparison)
    if comparison.left:
        show.note(f"quorate: interrupted with {comparison.left:,} nonces not compared")
        raise typer.Exit(130)
    raise typer.Exit(1 if comparison.findings else 0)


def _document(comparison: Comparison) -> dict[str, Any]:
    from . import show

    job = comparison.job
    return {
        "agree": not comparison.findings,
        "header": job.header.hex(),
        "target": f"{job.target:064x}",
        "start": job.start,
        "count": job.count,
        "left": comparison.left,
        "results": [
            {
                "device": result.device.name,
                "family": result.device.family,
                "driver": result.device.driver,
                "hardware": result.device.hardware,
                "hits": len(result.hits),
                "digest": result.hits.digest().hex(),
                "fingerprint": result.fingerprint.hex(),
                "hashes": result.hashes,
                "seconds": result.seconds,
                "failure": result.failure,
            }
            for result in comparison.results
        ],
        "findings": [show.finding(finding) for finding in comparison.findings],
    }


def _print(comparison: Comparison) -> None:
    from . import show

    show.table(
        ("device", "hits", "digest of the hits", "fingerprint", "seconds"),
        [
            (
                r.device.name,
                f"{len(r.hits):,}",
                r.hits.digest().hex()[:16],
                r.fingerprint.hex()[:16],
                f"{r.seconds:.2f}",
            )
            for r in comparison.results
        ],
        right=("hits", "seconds"),
    )
    kinds = {(r.device.family, r.device.driver) for r in comparison.results}
    if not comparison.findings and not comparison.left:
        show.line(f"All agree, bit for bit: {len(comparison.results)} devices, {len(kinds)} of them independent.")
    for finding in comparison.findings:
        show.line(finding.text)
