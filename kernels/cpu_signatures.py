"""Signatures on the host's processor: a batch by schemes and threads, for the kernels of the Python family."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np

from .py import ecdsa, ed25519, schnorr
from .signatures import HASH_BYTES, Codes, Scheme, SignatureBatch

LEAST = 128
"""Signatures that a thread takes at a time, at least: fewer would share too little of an inversion, and handing
them over takes as long as a dozen."""


class Verifier:
    """The kernels for vectors of so many 64-bit lanes; loaded, or compiled, when a scheme is first used."""

    def __init__(self, lanes: int, executor: Executor, threads: int) -> None:
        self._executor = executor
        self._threads = threads
        self._schemes: dict[Scheme, Callable[[SignatureBatch], Codes]] = {
            Scheme.ECDSA: partial(_ecdsa, lanes),
            Scheme.SCHNORR: partial(_schnorr, lanes),
            Scheme.ED25519: partial(_ed25519, lanes),
        }

    def verify(self, batch: SignatureBatch) -> Codes:
        codes = np.empty(len(batch), np.uint8)
        for scheme in Scheme:
            rows = np.flatnonzero(batch.schemes == scheme)
            if len(rows):
                part = batch if len(rows) == len(batch) else batch.take(rows)
                codes[rows] = self._in_parts(self._schemes[scheme], part)
        return codes

    def _in_parts(self, verify: Callable[[SignatureBatch], Codes], batch: SignatureBatch) -> Codes:
        if len(batch) <= LEAST:
            return verify(batch)
        size = max(LEAST, -(-len(batch) // (4 * self._threads)))
        parts = [batch.part(at, min(at + size, len(batch))) for at in range(0, len(batch), size)]
        return np.concatenate(list(self._executor.map(verify, parts)))


def _ecdsa(lanes: int, batch: SignatureBatch) -> Codes:
    hashes = batch.messages.reshape(-1, HASH_BYTES)
    return ecdsa.verify(batch.keys, batch.signatures, hashes, batch.rules, lanes)


def _schnorr(lanes: int, batch: SignatureBatch) -> Codes:
    return schnorr.verify(batch.keys, batch.signatures, batch.messages, batch.offsets, lanes)


def _ed25519(lanes: int, batch: SignatureBatch) -> Codes:
    return ed25519.verify(batch.keys, batch.signatures, batch.messages, batch.offsets, batch.rules.ed25519, lanes)
