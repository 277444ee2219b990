"""How much of the time a device works, so that a desktop stays usable."""

from __future__ import annotations

import threading

from ...kernels.backend import UsageError


class Load:
    """Work for `percent` of the time: after each window a device rests in proportion to what it took."""

    def __init__(self, percent: float = 100.0) -> None:
        """Raises `UsageError` where it is not above 0 and at most 100."""
        if not 0 < percent <= 100:
            raise UsageError(f"a load is above 0 and at most 100 percent, not {percent:g}")
        self.percent = percent

    def rest(self, seconds: float, stop: threading.Event) -> float:
        """Rest after work of so many seconds, or until `stop`; returns how long it is, in seconds."""
        due = seconds * (100 - self.percent) / self.percent
        if due:
            stop.wait(due)
        return due
