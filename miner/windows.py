"""The nonces of a job, handed out in windows: every one of them to somebody, none of them twice."""

from __future__ import annotations

import threading


class Windows:
    """Thread-safe. What is taken is either done or given back; `complete` tells when all is done."""

    def __init__(self, start: int, count: int) -> None:
        self._next = start
        self._end = start + count
        self._returned: list[tuple[int, int]] = []
        self._left = count
        self._lock = threading.Lock()

    def take(self, size: int) -> tuple[int, int] | None:
        """(start, count) of a window of at most `size` nonces; None when none is left to hand out.

        None does not mean complete: a window that another device holds may still come back.
        """
        with self._lock:
            if self._returned:
                start, count = self._returned.pop()
                if count > size:
                    self._returned.append((start + size, count - size))
            else:
                start, count = self._next, self._end - self._next
                self._next += min(count, size)
            return (start, min(count, size)) if count else None

    def done(self, count: int) -> None:
        with self._lock:
            self._left -= count

    def give_back(self, start: int, count: int) -> None:
        """Undone work, for another device."""
        with self._lock:
            self._returned.append((start, count))

    @property
    def complete(self) -> bool:
        return self._left == 0

    @property
    def left(self) -> int:
        """Nonces not yet done, those at work included."""
        return self._left
