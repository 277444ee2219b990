"""Two backends on the same random, mutated and crafted signatures: they differ nowhere.

    python ci/differential.py [--backends A,B] [--schemes NAME,...] [--cases N] [--seed N] [--jobs N]

checks N cases of each scheme, by default 200,000, of Ed25519 under either rule in turn, of ECDSA with and without
low s and hybrid keys. What both say differently is printed whole, with the seed of its batch, and the exit code is
then 1. The same seed makes the same cases (`tests/kernels/signature_cases.py`).

A backend that verifies no Ed25519 is given none.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

from quorate.kernels.backend import Backend, UsageError
from quorate.kernels.catalog import open_verifier
from quorate.kernels.signatures import Rules, Scheme, Verdict

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.kernels import signature_cases

BATCH = 2000

RULES = (
    Rules(),
    Rules(low_s=True, hybrid_keys=True, ed25519="zip215"),
    Rules(ed25519="zip215"),
    Rules(hybrid_keys=True),
)


class Job(NamedTuple):
    """One batch, which the seed determines."""

    backends: tuple[str, str]
    scheme: Scheme
    seed: int
    size: int

    @property
    def rules(self) -> Rules:
        return RULES[self.seed % len(RULES)]


class Result(NamedTuple):
    job: Job
    verdicts: Counter[Verdict]
    """Of the first backend."""
    mismatches: list[str]
    seconds: tuple[float, float]
    """Of processor time, of each backend."""


def run(job: Job) -> Result:
    cases = signature_cases.random_cases(job.scheme, job.size, job.seed)
    batch = signature_cases.batch(cases, job.rules)
    answers, seconds = [], []
    for name in job.backends:
        backend = _open(name)
        began = time.process_time()
        answers.append([Verdict(code) for code in backend.verify(batch).tolist()])
        seconds.append(time.process_time() - began)
    mismatches = [
        f"{job.scheme.name} seed {job.seed} row {row} ({case.name}): {job.backends[0]} says {one.name}, "
        f"{job.backends[1]} says {other.name}; key {case.key.hex()} signature {case.signature.hex()} "
        f"message {case.message.hex()} {job.rules}"
        for row, (case, one, other) in enumerate(zip(cases, *answers, strict=True))
        if one != other
    ]
    return Result(job, Counter(answers[0]), mismatches, (seconds[0], seconds[1]))


@cache
def _open(name: str) -> Backend:
    return open_verifier(name)


def jobs(backends: tuple[str, str], schemes: Sequence[Scheme], cases: int, seed: int) -> list[Job]:
    return [
        Job(backends, scheme, seed + number, min(BATCH, cases - BATCH * number))
        for scheme in schemes
        for number in range(-(-cases // BATCH))
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        usage="python ci/differential.py",
    )
    parser.add_argument("--backends", default="cpu,reference")
    parser.add_argument("--schemes", default=",".join(scheme.name.lower() for scheme in Scheme))
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args(arguments)
    names = options.backends.split(",")
    if len(names) != 2:
        parser.error("--backends takes two names, as in cpu,reference")
    unknown = set(options.schemes.upper().split(",")) - set(Scheme.__members__)
    if unknown:
        parser.error(f"there is no scheme {', '.join(unknown).lower()}")
    schemes = [Scheme[name] for name in options.schemes.upper().split(",")]
    try:
        devices = [_open(name).device for name in names]
    except UsageError as error:
        parser.error(str(error))
    if any("libsecp256k1" in device.family for device in devices):
        schemes = [scheme for scheme in schemes if scheme != Scheme.ED25519]
    failed = False
    # Fork would copy the locks of whatever threads a backend has started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for scheme in schemes:
            work = jobs((names[0], names[1]), [scheme], options.cases, options.seed)
            results = list(pool.map(run, work))
            mismatches = [text for result in results for text in result.mismatches]
            for text in mismatches:
                print(text)
            print(summary(scheme, names, results), flush=True)
            failed = failed or bool(mismatches)
    return 1 if failed else 0


def summary(scheme: Scheme, names: Sequence[str], results: Sequence[Result]) -> str:
    total = sum((result.verdicts for result in results), Counter[Verdict]())
    verdicts = ", ".join(f"{total[verdict]:,} {verdict.name}" for verdict in Verdict if total[verdict])
    count = sum(total.values())
    times = [sum(result.seconds[i] for result in results) / max(count, 1) * 1e6 for i in range(2)]
    speeds = ", ".join(f"{name} {microseconds:.1f}" for name, microseconds in zip(names, times, strict=True))
    wrong = sum(len(result.mismatches) for result in results)
    return f"{scheme.name}: {count:,} cases, {wrong:,} mismatches ({verdicts}; µs of processor each: {speeds})"


if __name__ == "__main__":
    sys.exit(main())
