"""Waiting for the next block."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

_LOOK_SECONDS = 1.0
"""How often one who waits is looked after: whoever has hung up must not occupy a thread until the next block."""


class TipWatch:
    """The hash of the tip, as threads that wait see it."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._moved = Condition()
        self._stopped = False

    def move(self, digest: bytes) -> None:
        with self._moved:
            if digest != self._digest:
                self._digest = digest
                self._moved.notify_all()

    def stop(self) -> None:
        with self._moved:
            self._stopped = True
            self._moved.notify_all()

    def wait(self, digest: bytes | None, gone: Callable[[], bool]) -> bool:
        """Wait while the tip is `digest`, by default the one that is; False where that was given up.

        It is given up when `gone` says that nobody wants to know any more, and when the watch is stopped.
        """
        with self._moved:
            digest = digest or self._digest
            while digest == self._digest and not self._stopped:
                if not self._moved.wait(_LOOK_SECONDS) and gone():
                    return False
            return not self._stopped
