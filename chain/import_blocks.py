"""Block files into a chain, whatever the order of the files and of the blocks in them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..kernels.backend import HEADER_BYTES
from .block_files import BlockFile, Stored
from .chainstate import Chainstate, Outcome, Status
from .header import BlockHeader


@dataclass(slots=True)
class ImportReport:
    found: int = 0
    """Whole blocks in the files, each counted once."""

    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    """What became of them; an orphan is one whose ancestor is in no file and not in the chain."""

    refused: list[Outcome] = field(default_factory=list)
    """Those that the chain refused, in their order."""

    skipped: int = 0
    """Bytes of the files that belong to no whole block."""


def import_files(
    paths: Sequence[Path], chainstate: Chainstate, progress: Callable[[int, int], None] | None = None
) -> ImportReport:
    """Feed every block of the files to the chain, parents first and otherwise in their order.

    The files are read twice, first for their headers, so that memory does not grow with the blocks. `progress`
    is called with the blocks done and found. Raises `UsageError` for a file that cannot be read or is none, and
    what `Chainstate.accept` raises; what was done stays in the chain.
    """
    report = ImportReport()
    files = [BlockFile(path, chainstate.network) for path in paths]
    copies: dict[bytes, list[tuple[int, Stored]]] = {}
    above: dict[bytes, list[bytes]] = {}
    for number, file in enumerate(files):
        for place, raw in file.blocks():
            header = BlockHeader.parse(raw[:HEADER_BYTES])
            digest = header.hash()
            if digest == chainstate.tree.root.hash:
                continue  # Bitcoin Core's files begin with it
            if digest not in copies:
                above.setdefault(header.prev_hash, []).append(digest)
            copies.setdefault(digest, []).append((number, place))
        report.skipped += file.skipped
    report.found = len(copies)

    roots = [parent for parent in above if parent not in copies and chainstate.tree.get(parent)]
    ready = [(copies[child], child) for parent in roots for child in above[parent]]
    heapq.heapify(ready)
    done = 0

    def count(outcomes: Iterable[Outcome]) -> None:
        nonlocal done
        for outcome in outcomes:
            report.counts[outcome.status] += 1
            if outcome.status is Status.REFUSED:
                report.refused.append(outcome)
            done += 1
            if progress:
                progress(done, report.found)

    while ready:
        places, digest = heapq.heappop(ready)
        for number, place in places:
            outcomes = chainstate.offer(files[number].read(place))
            if chainstate.tree.get(digest):
                for child in above.get(digest, ()):
                    heapq.heappush(ready, (copies[child], child))
                break
            *outcomes, refused = outcomes  # this copy is damaged, and the next one may not be
            count(outcomes)
            outcomes = [refused]
        count(outcomes)
    count(chainstate.settle())
    report.counts[Status.ORPHAN] += report.found - done
    return report
