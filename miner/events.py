"""What happens while mining, for whoever shows it or keeps a record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .work import Answer, Solution, Work
from .worker import Effort


@dataclass(frozen=True, slots=True)
class NewWork:
    """The source gave other work."""

    work: Work


@dataclass(frozen=True, slots=True)
class Solved:
    """A device found a solution, which was checked and is on its way to the source."""

    solution: Solution
    device: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The source said what it thinks of a solution."""

    solution: Solution
    device: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The source could not take a solution, or not tell."""

    solution: Solution
    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A device failed at a window, which goes to another."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: a moment to look at the report."""


Event = NewWork | Solved | Answered | Unanswered | Failed | Tick


@dataclass(slots=True)
class Report(Effort):
    """What was mined; it grows while mining goes on."""

    accepted: int = 0
    stale: int = 0
    """Solutions that came too late, those included that were not even handed in."""

    rejected: Counter[str] = field(default_factory=Counter)
    """By reason."""

    unanswered: int = 0
