"""Blocks that came before what they stand on."""

from __future__ import annotations

CAPACITY = 64 << 20
"""Bytes of blocks that are held. Proof of work makes each dear, so this is for order, not against attack."""


class Orphans:
    """Held blocks; beyond the capacity the oldest make room."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[str, tuple[str, bytes]] = {}
        self._above: dict[str, list[str]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, name: str, parent: str, raw: bytes) -> None:
        """Keep a block until `parent` comes; hashes are in display order."""
        if name in self._held:
            return
        self._held[name] = parent, raw
        self._above.setdefault(parent, []).append(name)
        self._bytes += len(raw)
        while self._bytes > self._capacity:
            self._release(next(iter(self._held)))

    def take(self, parent: str) -> list[bytes]:
        """The blocks that waited for `parent`, in the order in which they came; they are held no more."""
        return [self._release(name) for name in [*self._above.get(parent, ())]]

    def _release(self, name: str) -> bytes:
        parent, raw = self._held.pop(name)
        self._above[parent].remove(name)
        if not self._above[parent]:
            del self._above[parent]
        self._bytes -= len(raw)
        return raw
