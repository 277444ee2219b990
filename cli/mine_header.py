"""quorate mine --header: search a window of nonces of one header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .mine_facts import device_facts, print_devices
from .options import header_target, parse_header, parse_target

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..miner.engine import Found
    from ..miner.job import Job
    from ..miner.worker import Hit


def parse_job(header: str, start: int | None, count: int | None, target: str | None, versions: int | None) -> Job:
    """The job that the options ask for; `UsageError` says which of them is wrong."""
    from ..kernels.backend import NONCES, UsageError
    from ..miner.job import Job, rolled_versions

    raw = parse_header(header)
    first = start or 0
    if not 0 <= first < NONCES:
        raise UsageError(f"--start is a nonce, from 0 to {NONCES - 1}, not {first}")
    return Job(
        raw,
        parse_target(target) if target is not None else header_target(raw),
        first,
        count if count is not None else NONCES - first,
        rolled_versions(raw, versions) if versions is not None else (),
    )


def mine_header(job: Job, backends: Sequence[Backend], quiet: bool, as_json: bool) -> int:
    """Search it, print what was found, and return the exit code."""
    from ..miner.engine import Engine
    from . import show

    with show.progress(f"{job.hashes:,} hashes", job.hashes, quiet) as update:
        found = Engine(backends).run(job, lambda found: update(found.hashes, show.rate(found.rate)))
    if as_json:
        show.document(_document(job, found, backends))
    else:
        _print(job, found)
        for text in show.quorum_findings(backends):
            show.line(text["text"])
    return _exit_code(found)


def _exit_code(found: Found) -> int:
    if found.interrupted:
        return 130
    if found.left:
        return 3
    return 0 if found.hits else 1


def _hit(hit: Hit) -> dict[str, Any]:
    document: dict[str, Any] = {"nonce": hit.nonce, "hash": hit.digest[::-1].hex()}
    return document if hit.version is None else {**document, "version": hit.version}


def _document(job: Job, found: Found, backends: Sequence[Backend]) -> dict[str, Any]:
    from . import show

    return {
        "hits": [_hit(hit) for hit in found.hits],
        "header": job.header.hex(),
        "target": f"{job.target:064x}",
        "start": job.start,
        "count": job.count,
        "versions": list(job.versions),
        "hashes": found.hashes,
        "left": found.left,
        "seconds": found.seconds,
        "rate": found.rate,
        "device": ",".join(tally.device for tally in found.tallies),
        "devices": device_facts(found),
        "errors": found.errors,
        "findings": show.quorum_findings(backends),
        "interrupted": found.interrupted,
    }


def _print(job: Job, found: Found) -> None:
    from . import show

    for hit in found.hits:
        version = "" if hit.version is None else f"version {hit.version:#010x}  "
        show.line(f"nonce {hit.nonce}  {version}hash {hit.digest[::-1].hex()}")
    rolled = f" for each of {len(job.versions)} versions" if job.versions else ""
    show.line(
        f"{len(found.hits)} hits in the window of {job.count:,} nonces from {job.start:,}{rolled}; "
        f"{found.hashes:,} hashes in {found.seconds:.1f} s, " + show.rate(found.rate)
    )
    print_devices(found)
    if found.interrupted:
        show.note(f"quorate: interrupted with {found.left:,} nonces not searched")
    for error in found.errors:
        show.note(f"quorate: {error}")
    if found.left and not found.interrupted:
        show.note(f"quorate: no device is left, and {found.left:,} nonces were not searched")
