"""quorate mine: search a window of nonces of a header, on every device of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Count, Header, Json, Start, Target, header_target, open_devices, parse_header, parse_target

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..miner.engine import Engine, Found, Hit
    from ..miner.job import Job


def mine(
    header: Header = None,
    start: Start = None,
    count: Count = None,
    target: Target = None,
    versions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Roll N versions of --header (BIP 320), its own first."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME...]", help="Devices to mine on. [default: one for each chip]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Search a window of nonces of a header, and report every hit.

    Without --header it mines real headers of Bitcoin's mainnet that come with Quorate, in windows that
    hold their published nonces, and checks that it finds them. The window of --header ends at 2^32
    unless --count says otherwise, and the target is that of the header's own nBits unless --target does.
    """
    from ..kernels.backend import NONCES, UsageError
    from ..miner.engine import Engine
    from ..miner.job import Job, rolled_versions
    from . import show

    show.log_to_stderr()
    if header is None:
        given = {"--start": start, "--count": count, "--target": target, "--versions": versions}
        for option, value in given.items():
            if value is not None:
                raise UsageError(f"{option} belongs to --header, which is missing")
        _mine_bundled(Engine(_backends(device)), as_json)
        return
    raw = parse_header(header)
    first = start or 0
    if not 0 <= first < NONCES:
        raise UsageError(f"--start is a nonce, from 0 to {NONCES - 1}, not {first}")
    job = Job(
        raw,
        parse_target(target) if target is not None else header_target(raw),
        first,
        count if count is not None else NONCES - first,
        rolled_versions(raw, versions) if versions is not None else (),
    )
    engine = Engine(_backends(device))
    found = _run(engine, job, f"{job.hashes:,} hashes")
    if as_json:
        show.document(_document(found, engine))
    else:
        _print(found)
        for text in show.quorum_findings(engine.backends):
            show.line(text["text"])
    raise typer.Exit(_exit_code(found))


def _mine_bundled(engine: Engine, as_json: bool) -> None:
    from ..miner.job import Job
    from ..miner.sources.bundled import BUNDLED, WINDOW
    from . import show

    show.note(
        f"Mining {len(BUNDLED)} real headers of mainnet on {', '.join(b.device.name for b in engine.backends)}: "
        f"for each, the {WINDOW:,} nonces around its published one."
    )
    documents: list[dict[str, Any]] = []
    code = 0
    for bundled in BUNDLED:
        job = Job(bundled.header, header_target(bundled.header), bundled.start, WINDOW)
        found = _run(engine, job, f"height {bundled.height:,}")
        match = [hit.nonce for hit in found.hits] == [bundled.nonce]
        documents.append(
            {"height": bundled.height, "known_nonce": bundled.nonce, "match": match, **_document(found, engine)}
        )
        code = max(code, _exit_code(found), 0 if match else 1)
        if not as_json and (match or not found.interrupted):
            result = "as published" if match else f"but {bundled.nonce} was published"
            nonces = ", ".join(f"{hit.nonce} → {hit.digest[::-1].hex()}" for hit in found.hits) or "none"
            show.line(f"height {bundled.height:>7,}, {bundled.note}: nonce {nonces}, {result}")
        if found.interrupted or _exit_code(found) == 3:
            break
    hashes, seconds = sum(d["hashes"] for d in documents), sum(d["seconds"] for d in documents)
    matches = sum(d["match"] for d in documents)
    if as_json:
        show.document(
            {
                "headers": documents,
                "hits": [hit for d in documents for hit in d["hits"]],
                "hashes": hashes,
                "seconds": seconds,
                "rate": hashes / seconds if seconds else 0.0,
                "device": documents[0]["device"],
                "errors": documents[-1]["errors"],
                "findings": documents[-1]["findings"],
                "interrupted": documents[-1]["interrupted"],
            }
        )
    else:
        show.line(
            f"{matches} of {len(BUNDLED)} nonces found as published; {hashes:,} hashes in {seconds:.1f} s, "
            + show.rate(hashes / seconds if seconds else 0.0)
        )
        for finding in documents[-1]["findings"]:
            show.line(finding["text"])
        if documents[-1]["interrupted"]:
            show.note(f"quorate: interrupted at height {documents[-1]['height']:,}")
        for error in documents[-1]["errors"]:
            show.note(f"quorate: {error}")
    raise typer.Exit(code)


def _backends(names: str | None) -> list[Backend]:
    if names is None:
        from ..kernels import catalog

        names = ",".join(device.name for device in catalog.one_per_chip()) or "reference"
    return open_devices(names)


def _run(engine: Engine, job: Job, text: str) -> Found:
    from . import show

    with show.progress(text, job.hashes) as update:
        return engine.run(
            job,
            lambda found: update(found.hashes, show.rate(found.rate)),
        )


def _exit_code(found: Found) -> int:
    if found.interrupted:
        return 130
    if found.left:
        return 3
    return 0 if found.hits else 1


def _hit(hit: Hit) -> dict[str, Any]:
    document: dict[str, Any] = {"nonce": hit.nonce, "hash": hit.digest[::-1].hex()}
    return document if hit.version is None else {**document, "version": hit.version}


def _document(found: Found, engine: Engine) -> dict[str, Any]:
    from . import show

    job = found.job
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
        "devices": [
            {
                "device": tally.device,
                "windows": tally.windows,
                "hashes": tally.hashes,
                "seconds": tally.seconds,
                "rate": tally.rate,
                "hits": tally.hits,
                "error": tally.error,
            }
            for tally in found.tallies
        ],
        "errors": found.errors,
        "findings": show.quorum_findings(engine.backends),
        "interrupted": found.interrupted,
    }


def _print(found: Found) -> None:
    from . import show

    for hit in found.hits:
        version = "" if hit.version is None else f"version {hit.version:#010x}  "
        show.line(f"nonce {hit.nonce}  {version}hash {hit.digest[::-1].hex()}")
    rolled = f" for each of {len(found.job.versions)} versions" if found.job.versions else ""
    show.line(
        f"{len(found.hits)} hits in the window of {found.job.count:,} nonces from {found.job.start:,}{rolled}; "
        f"{found.hashes:,} hashes in {found.seconds:.1f} s, " + show.rate(found.rate)
    )
    if len(found.tallies) > 1:
        show.table(
            ("device", "hashes", "rate", "windows"),
            [(t.device, f"{t.hashes:,}", show.rate(t.rate), str(t.windows)) for t in found.tallies],
            right=("hashes", "rate", "windows"),
        )
    if found.interrupted:
        show.note(f"quorate: interrupted with {found.left:,} nonces not searched")
    for error in found.errors:
        show.note(f"quorate: {error}")
    if found.left and not found.interrupted:
        show.note(f"quorate: no device is left, and {found.left:,} nonces were not searched")
