"""From the record of a quorum to sentences: who was wrong, about what, how often, and what the wrong share."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .backend import Device
from .evidence import VERDICT_FAULTS, Item, Outcome, Record
from .quorum import MEASURABLE, Quorum

SLOW = 4
"""A device is called slow when its median search takes this many times longer than the judge."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One device, found wrong in one way."""

    device: str
    kind: str
    """One of the lies of `kernels/faulty.py`, whether told on purpose or not."""

    fault: str
    """What was wrong in each wrong answer: `late-onset` and `intermittent` say when, this says what."""

    wrong: int
    """In how many windows, or batches."""

    windows: int
    """Of how many in which it could have shown."""

    again: bool
    """Asked again about the disputed items, the device was wrong again: persistent, else transient."""

    items: tuple[Item, ...]
    """The first disputed items with their right digests or verdicts."""

    right: tuple[str, ...]
    """The devices that were never wrong."""

    shared: tuple[str, ...]
    """Which of family, driver and hardware all devices with this fault share, and no right device has."""

    text: str


def findings(quorum: Quorum) -> list[Finding]:
    """What the record shows, device by device; empty when everybody was right."""
    wrong: list[tuple[Record, str, str, list[Outcome]]] = []
    for record in quorum.records:
        for fault, outcomes in record.outcomes.items():
            if not all(outcome.right for outcome in outcomes):
                wrong.append((record, fault, _pattern(fault, outcomes), outcomes))
        if record.failure:
            wrong.append((record, "crash", "crash", record.searches + record.batches))
    wrong += [(record, "slow", "slow", record.searches) for record in _slow(quorum)]
    accused = {id(record) for record, *_ in wrong}
    right = [record.device for record in quorum.records if id(record) not in accused]
    found = []
    for record, fault, kind, outcomes in wrong:
        same = [r.device for r, f, *_ in wrong if f == fault]
        found.append(_finding(record, fault, kind, outcomes, right, _shared(same, right)))
    return found


def _pattern(fault: str, outcomes: Sequence[Outcome]) -> str:
    """`late-onset` when right until some window and wrong ever since, `intermittent` when to and fro."""
    right = [outcome.right for outcome in outcomes]
    if not any(right):
        return fault
    onset = right.index(False)
    return "late-onset" if onset and not any(right[onset:]) and outcomes[-1].again else "intermittent"


def _slow(quorum: Quorum) -> list[Record]:
    if not quorum.yardstick:
        return []
    yardstick = statistics.median(quorum.yardstick)
    return [
        record
        for record in quorum.records
        if not record.device.simulator and (_pace(record.searches) or 0) > SLOW * yardstick
    ]


def _pace(searches: Sequence[Outcome]) -> float | None:
    """Median seconds per nonce, or None where too little was long enough to measure.

    The first search is left out: it may load or compile the kernel.
    """
    paces = [o.seconds / o.count for o in searches[1:] if o.count >= MEASURABLE]
    return statistics.median(paces) if len(paces) >= 3 else None


def _shared(wrong: Sequence[Device], right: Sequence[Device]) -> tuple[str, ...]:
    if len(wrong) < 2:
        return ()
    return tuple(
        name
        for name in ("family", "driver", "hardware")
        if len(values := {getattr(d, name) for d in wrong}) == 1 and not values & {getattr(d, name) for d in right}
    )


def _finding(
    record: Record,
    fault: str,
    kind: str,
    outcomes: Sequence[Outcome],
    right: Sequence[Device],
    shared: tuple[str, ...],
) -> Finding:
    bad = [outcome for outcome in outcomes if not outcome.right]
    again = any(outcome.again for outcome in bad)
    device = record.device
    if kind == "crash":
        text = f"{device.name} failed after {len(outcomes)} answers: {record.failure}"
    elif kind == "slow":
        text = f"{device.name} took more than {SLOW} times as long as the reference"
    else:
        when = {"late-onset": ", from some point on", "intermittent": ", now and then"}.get(kind, "")
        asked = "batches" if fault in VERDICT_FAULTS else "windows"
        text = f"{device.name}: {fault} in {len(bad)} of {len(outcomes)} {asked}{when}; " + (
            "asked again, it was wrong again" if again else "asked again, it was right"
        )
    if shared:
        text += "; all devices with this fault share their " + " and ".join(shared)
    return Finding(
        device=device.name,
        kind=kind,
        fault=fault,
        wrong=len(bad),
        windows=len(outcomes),
        again=again,
        items=tuple(item for outcome in bad for item in outcome.items)[:4],
        right=tuple(d.name for d in right),
        shared=shared,
        text=text,
    )
