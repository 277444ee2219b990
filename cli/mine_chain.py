"""quorate mine: blocks or shares, shown as they are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from .mine_facts import device_facts, print_devices

if TYPE_CHECKING:
    from ..kernels.backend import Backend
    from ..miner.events import Event, Report
    from ..miner.work import Solution
    from .mine_source import Place


def mine_chain(
    opened: Callable[[], Place], limit: int | None, backends: Sequence[Backend], quiet: bool, as_json: bool
) -> int:
    """Mine until there are so many, or until Ctrl-C; print what happens, and return the exit code."""
    from ..miner.interrupt import interrupt_requested, unless_stopped
    from ..miner.mining import Miner
    from ..miner.worker import Worker
    from . import show

    with interrupt_requested() as stop, ExitStack() as open_until_the_end:
        place = unless_stopped(opened, stop)
        if place is None:
            return 130
        open_until_the_end.enter_context(closing(place.source))
        if not quiet:
            _begin(place, backends, as_json)
        miner = Miner(place.source, [Worker(backend) for backend in backends], limit, place.pace)
        try:
            with show.progress("mining", limit or 0, quiet) as update:
                miner.run(stop, _listener(place, miner.report, update, quiet, as_json))
        finally:
            enough = limit is not None and miner.report.accepted >= limit
            interrupted = stop.is_set() and not enough
            _end(place, miner.report, backends, interrupted, as_json)
    if interrupted:
        return 130
    return 3 if len(miner.report.errors) == len(backends) and not enough else 0


def _begin(place: Place, backends: Sequence[Backend], as_json: bool) -> None:
    from . import show

    names = [backend.device.name for backend in backends]
    text, facts = place.begin()
    if as_json:
        show.document({"event": "begin", **facts, "devices": names})
        return
    show.note(f"Mining {text}, on {', '.join(names)}.")
    for note in place.notes():
        show.note(note)


def _listener(
    place: Place, report: Report, update: Callable[[int, str], None], quiet: bool, as_json: bool
) -> Callable[[Event], None]:
    from ..miner.events import Answered, Failed, Tick, Unanswered
    from . import show

    def listener(event: Event) -> None:
        match event:
            case Tick():
                update(report.accepted, place.remark(show.rate(report.rate)))
            case Answered(solution, device, answer) if not quiet:
                _print_solution(place, solution, device, answer.outcome.value, answer.reason, as_json)
            case Unanswered(solution, device, reason) if not quiet:
                _print_solution(place, solution, device, "lost", reason, as_json)
            case Failed(device, reason) if not quiet:
                if as_json:
                    show.document({"event": "device", "device": device, "error": reason})
                else:
                    show.note(f"quorate: {device} failed: {reason}")

    return listener


def _print_solution(
    place: Place, solution: Solution, device: str, outcome: str, reason: str, as_json: bool
) -> None:
    from . import show

    height, name = solution.work.height, solution.digest[::-1].hex()
    which = place.unit if height is None else f"{place.unit} {height}"
    if as_json:
        facts = {"hash": name, "device": device, "outcome": outcome, "reason": reason}
        show.document({"event": place.unit, "height": height, **facts})
    elif outcome == "accepted":
        show.line(f"{which}  {name}  found by {device}, {place.accepted}")
    else:
        show.note(f"quorate: {which}  {name}  of {device} is {outcome}: {reason}")


def _end(place: Place, report: Report, backends: Sequence[Backend], interrupted: bool, as_json: bool) -> None:
    from . import show

    findings = show.quorum_findings(backends)
    text, facts = place.end()
    if as_json:
        document: dict[str, Any] = {
            "event": "end",
            f"{place.unit}s": report.accepted,
            "stale": report.stale,
            "rejected": dict(report.rejected),
            "unanswered": report.unanswered,
            **facts,
            "hashes": report.hashes,
            "seconds": report.seconds,
            "rate": report.rate,
            "device": ",".join(tally.device for tally in report.tallies),
            "devices": device_facts(report),
            "errors": report.errors,
            "findings": findings,
            "interrupted": interrupted,
        }
        show.document(document)
        return
    others = {"stale": report.stale, **report.rejected, "unanswered": report.unanswered}
    aside = "".join(f", {number:,} {reason}" for reason, number in others.items() if number)
    show.line(
        f"{report.accepted:,} {place.unit}s{aside} in {report.seconds:.1f} s, {report.hashes:,} hashes; {text}"
    )
    print_devices(report)
    for finding in findings:
        show.line(finding["text"])
    for error in report.errors:
        show.note(f"quorate: {error}")
    if interrupted:
        show.note(f"quorate: interrupted{place.goes_on}")
