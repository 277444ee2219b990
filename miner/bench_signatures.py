"""How fast devices verify signatures, beside the best library for each scheme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..kernels.backend import Backend, DeviceError, UnavailableError, UsageError
from ..kernels.signatures import Rules, SignatureBatch, Verdict
from .peers import Check, find_peer
from .rounds import ROUNDS, Benchmark, Rates, Run, Task, measure
from .signing import Signed, sign

SIZES = (8, 64, 256, 4096)

PEER_SIGNATURES = 256
"""Different ones that a peer verifies in turn. It sees one at a time, so more would make no difference."""


@dataclass(frozen=True, slots=True)
class Work:
    title: str
    signed: str
    """Which signatures of `signing.sign`."""

    rules: Rules


WORKS = {
    "ecdsa": Work("ECDSA, keys of 33 bytes", "ecdsa", Rules()),
    "ecdsa-uncompressed": Work("ECDSA, keys of 65 bytes", "ecdsa-uncompressed", Rules()),
    "schnorr": Work("BIP 340 Schnorr", "schnorr", Rules()),
    "ed25519-rfc8032": Work("Ed25519, rfc8032", "ed25519", Rules(ed25519="rfc8032")),
    "ed25519-zip215": Work("Ed25519, zip215", "ed25519", Rules(ed25519="zip215")),
}


@dataclass(frozen=True, slots=True)
class Speed:
    """One device at one kind of work with one size of batch."""

    work: str
    """One of `WORKS`."""

    size: int
    """Signatures in a batch; 1 for the peer, which takes no more."""

    rates: Rates
    peer: Rates | None
    """The peer's, in the same rounds; None where there is none."""


@dataclass(frozen=True, slots=True)
class SignatureBenchmark:
    speeds: list[Speed]
    """What was measured at least once; each work's peer before the devices."""

    measured: Benchmark


def bench_signatures(
    backends: Sequence[Backend],
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
    progress: Callable[[int, str], None] | None = None,
) -> SignatureBenchmark:
    """Measure every backend at every scheme that it verifies, in batches of each size, in rounds (`measure`).

    All signatures are valid and different. Raises `DeviceError` for a backend or peer that denies it.
    """
    unavailable: dict[str, dict[str, str]] = {}
    signed = sign(max(PEER_SIGNATURES, *sizes))
    tasks: list[Task] = []
    rows: list[Speed] = []
    for name, work in WORKS.items():
        its = signed[work.signed]
        peer = _peer(name, work, its, tasks, unavailable)
        rows += [Speed(name, 1, peer, peer)] if peer else []
        able = []
        for backend in backends:
            try:
                backend.verify(its.batch(1, work.rules))
                able.append(backend)
            except UsageError as error:
                unavailable.setdefault(name, {})[backend.device.name] = str(error)
        for size in sizes:
            batch = its.batch(size, work.rules)
            for backend in able:
                rates = Rates(backend.device, f"{name}/{size}", f"{work.title}, {size} at once")
                tasks.append(Task(rates, _batches(backend, batch)))
                rows.append(Speed(name, size, rates, peer))
    measured = measure(tasks, unavailable, rounds, progress)
    return SignatureBenchmark([row for row in rows if row.rates.samples], measured)


def _peer(
    name: str, work: Work, signed: Signed, tasks: list[Task], unavailable: dict[str, dict[str, str]]
) -> Rates | None:
    try:
        device, check = find_peer(signed)
    except UnavailableError as error:
        unavailable.setdefault(name, {})["peer"] = str(error)
        return None
    if not all(map(check, range(PEER_SIGNATURES))):
        raise DeviceError(f"{device.name} calls a good signature of {work.title} bad")
    rates = Rates(device, f"{name}/1", f"{work.title}, one by one")
    tasks.append(Task(rates, _one_by_one(check)))
    return rates


def _batches(backend: Backend, batch: SignatureBatch) -> Run:
    def run(count: int) -> int:
        calls = -(-count // len(batch))
        good = [np.count_nonzero(backend.verify(batch) == Verdict.VALID) for _ in range(calls)]
        if sum(good) != calls * len(batch):
            raise DeviceError(f"{backend.device.name} calls a good signature bad, so its speed means nothing")
        return calls * len(batch)

    return run


def _one_by_one(check: Check) -> Run:
    def run(count: int) -> int:
        return sum(check(i % PEER_SIGNATURES) for i in range(count))

    return run
