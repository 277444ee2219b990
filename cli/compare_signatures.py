"""quorate compare --signatures: the verdicts of several devices on the signatures of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .options import open_devices

if TYPE_CHECKING:
    from ..miner.compare_signatures import SignatureComparison
    from ..miner.signaturefile import Reading


def compare_signatures(path: Path, reading: Reading, devices: str | None, as_json: bool) -> None:
    from ..kernels.catalog import verifiers
    from ..miner.compare_signatures import compare_signatures as run
    from ..miner.signaturefile import SignatureFile
    from ..miner.tablefile import Lines
    from ..miner.wording import counted
    from . import show

    show.log_to_stderr()
    with Lines(path) as lines:
        file = SignatureFile(lines, reading)
        names = devices if devices is not None else ",".join(device.name for device in verifiers())
        backends = open_devices(names, verifying=True)
        with show.progress("comparing", lines.size) as update:
            comparison = run(backends, file, update)
    if as_json:
        show.document(_document(comparison))
    else:
        _print(comparison)
    if comparison.interrupted:
        show.note(f"quorate: interrupted after {counted(comparison.checked, 'signature')}")
        raise typer.Exit(130)
    raise typer.Exit(1 if comparison.findings else 0)


def _document(comparison: SignatureComparison) -> dict[str, Any]:
    from . import show

    return {
        "agree": not comparison.findings,
        "checked": comparison.checked,
        "interrupted": comparison.interrupted,
        "results": [
            {
                "device": result.device.name,
                "family": result.device.family,
                "driver": result.device.driver,
                "hardware": result.device.hardware,
                "checked": result.checked,
                "valid": result.valid,
                "invalid": result.checked - result.valid,
                "digest": result.sum.hexdigest(),
                "seconds": result.seconds,
                "failure": result.failure,
            }
            for result in comparison.results
        ],
        "findings": [show.finding(finding) for finding in comparison.findings],
    }


def _print(comparison: SignatureComparison) -> None:
    from . import show

    show.table(
        ("device", "checked", "valid", "invalid", "digest of the verdicts", "seconds"),
        [
            (
                r.device.name,
                f"{r.checked:,}",
                f"{r.valid:,}",
                f"{r.checked - r.valid:,}",
                r.sum.hexdigest()[:16],
                f"{r.seconds:.2f}",
            )
            for r in comparison.results
        ],
        right=("checked", "valid", "invalid", "seconds"),
    )
    kinds = {(r.device.family, r.device.driver) for r in comparison.results if r.checked}
    if not comparison.findings and not comparison.interrupted:
        asked = sum(r.checked > 0 for r in comparison.results)
        show.line(f"All agree, verdict for verdict: {asked} devices, {len(kinds)} of them independent.")
    for finding in comparison.findings:
        show.line(finding.text)
