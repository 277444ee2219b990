"""Checks that were good once: a transaction verified for the mempool is not verified again in a block."""

from __future__ import annotations

import secrets
from hashlib import blake2b

from .script.checker import Check


class VerdictCache:
    """A bounded set of good checks, the oldest of which make room.

    Only good ones are kept: anybody can make bad ones at no cost. A check is known by a hash with a secret
    salt, so that nobody can look for two checks that share one (as in Bitcoin Core's signature cache).
    """

    def __init__(self, capacity: int = 1 << 18) -> None:
        """`capacity` is a number of checks; each takes about 150 bytes."""
        self._capacity = capacity
        self._salt = secrets.token_bytes(32)
        self._known: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, check: Check) -> bool:
        return self._name(check) in self._known

    def add(self, check: Check) -> None:
        """Remember a check that was found good."""
        self._known[self._name(check)] = None
        if len(self._known) > self._capacity:
            del self._known[next(iter(self._known))]

    def _name(self, check: Check) -> bytes:
        # The kind and the two lengths make it unambiguous where a field ends; a message has 32 bytes always.
        head = bytes((check.kind, len(check.key), len(check.message)))
        return blake2b(
            b"".join((head, check.key, check.message, check.signature)), key=self._salt, digest_size=32
        ).digest()
