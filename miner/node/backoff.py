"""How long to wait before trying again."""

from __future__ import annotations

from threading import Event

_FIRST_SECONDS = 0.25
_LAST_SECONDS = 30.0


class Backoff:
    """Twice as long each time, up to half a minute, until it is over."""

    def __init__(self) -> None:
        self._seconds = _FIRST_SECONDS

    def over(self) -> None:
        self._seconds = _FIRST_SECONDS

    def wait(self, until: Event) -> None:
        """Wait, or until the event is set."""
        until.wait(self._seconds)
        self._seconds = min(2 * self._seconds, _LAST_SECONDS)
