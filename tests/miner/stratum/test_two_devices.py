"""Two devices mine for a pool that hangs up on them: shown from what they searched and what the pool counted."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from quorate.kernels.backend import Hits
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.mining import Miner
from quorate.miner.worker import Worker

from .mining import Open
from .server import Client, Pool


class Recorder(ReferenceBackend):
    """Remembers what it searched and what it found."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[tuple[bytes, int, int]] = []
        self.found: list[bytes] = []

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        hits = super().search(header, start, count, target)
        self.windows.append((header[:76], start, start + count))
        self.found += [header[:76] + int(nonce).to_bytes(4, "little") for nonce in hits.nonces]
        return hits


def test_every_window_once_and_every_share_once(pool: Pool, open_source: Open) -> None:
    """The connection is cut on the way of some shares, and on the way back of the answers to others."""
    submissions = itertools.count(1)

    def cut(client: Client, message: dict[str, Any]) -> bool:
        number = next(submissions)
        if number in (15, 45):
            client.pool.judge(client, message["params"])
        if number in (5, 15, 30, 45):
            client.hang_up()
            return True
        return False

    pool.reactions["mining.submit"] = cut
    devices = [Recorder(), Recorder()]
    report = Miner(open_source(pool), [Worker(device) for device in devices], limit=60).run(
        threading.Event(), lambda _: None
    )
    windows = sorted(window for device in devices for window in device.windows)
    for (header, _, end), (following, start, _) in itertools.pairwise(windows):
        assert header != following or end <= start
    assert all(device.windows for device in devices)
    assert sorted(pool.shares) == sorted(share for device in devices for share in device.found)
    assert len(pool.shares) == report.accepted >= 60
    assert (report.stale, dict(report.rejected), report.unanswered) == (0, {}, 0)
    assert pool.connections >= 2
