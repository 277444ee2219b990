"""Several devices on one job: all of it done, by whoever can, and nothing believed unchecked."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from quorate.kernels.backend import Hits, UsageError, with_version
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.engine import Engine, Found
from quorate.miner.job import Job, complete_header, rolled_versions

HEADER = bytes(range(80))
TARGET = 1 << 247  # one nonce in 512
JOB = Job(HEADER, TARGET, 1000, 60_000)
LONG_JOB = Job(HEADER, TARGET, 1000, 900_000)  # windows enough for a late crash
TRUE = ReferenceBackend().search(HEADER, 1000, 60_000, TARGET).nonces.tolist()


class Recorder(ReferenceBackend):
    """Keeps the windows it was given, and takes at least `pause` seconds for each."""

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__()
        self.windows: list[tuple[int, int]] = []
        self.pause = pause

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        time.sleep(self.pause)
        self.windows.append((start, count))
        return super().search(header, start, count, target)


def nonces(found: Found) -> list[int]:
    return [hit.nonce for hit in found.hits]


def test_one_device_does_it_all() -> None:
    found = Engine([ReferenceBackend()]).run(JOB)
    assert nonces(found) == TRUE
    assert found.hashes == JOB.count
    assert found.left == 0
    assert not found.interrupted
    assert found.errors == []
    assert found.rate > 0


def test_hits_come_with_their_digests() -> None:
    for hit in Engine([ReferenceBackend()]).run(JOB).hits:
        header = np.frombuffer(complete_header(HEADER, hit.nonce, None), np.uint8).reshape(1, 80)
        assert ReferenceBackend().hash_headers(header).tobytes() == hit.digest


def test_devices_share_the_window_without_overlap() -> None:
    recorders = [Recorder(), Recorder(0.02)]
    found = Engine(recorders).run(JOB)
    assert nonces(found) == TRUE
    assert all(r.windows for r in recorders)
    searched = sorted(n for r in recorders for start, count in r.windows for n in range(start, start + count))
    assert searched == list(range(JOB.start, JOB.start + JOB.count))


def test_the_faster_device_does_more() -> None:
    class Fast(ReferenceBackend):
        """Ten times as fast as `Slow`, by sleeping instead of hashing, which no machine is too busy for."""

        pace = 1e-7

        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            time.sleep(count * self.pace)
            return Hits(start, count, np.empty(0, np.uint32))

    class Slow(Fast):
        pace = 1e-6

    found = Engine([Slow(), Fast()]).run(Job(HEADER, 0, 0, 10_000_000))
    slow, fast = (tally.hashes for tally in found.tallies)
    assert slow + fast == 10_000_000
    assert fast > 4 * slow > 0


@pytest.mark.parametrize("lie", ["crash", "false-hit"])
def test_a_failing_device_is_named_and_its_window_is_done_by_another(lie: str) -> None:
    found = Engine([Faulty(ReferenceBackend(), lie), ReferenceBackend()]).run(LONG_JOB)
    assert [n for n in nonces(found) if n < JOB.start + JOB.count] == TRUE
    assert (found.hashes, found.left) == (LONG_JOB.count, 0)
    assert [error.startswith(f"faulty:{lie}:reference: ") for error in found.errors] == [True]


def test_an_exception_that_nobody_announced_is_a_failure_too() -> None:
    class Odd(ReferenceBackend):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            raise ZeroDivisionError

    found = Engine([Odd(), ReferenceBackend()]).run(JOB)
    assert nonces(found) == TRUE
    assert found.errors == ["reference: ZeroDivisionError"]


def test_without_a_device_left_the_rest_is_reported_as_not_searched() -> None:
    found = Engine([Faulty(ReferenceBackend(), "crash")]).run(LONG_JOB)
    assert 0 < found.hashes < LONG_JOB.count
    assert found.left == LONG_JOB.count - found.hashes
    assert not found.interrupted
    assert nonces(found)[: len(TRUE)] == [n for n in TRUE if n < JOB.start + found.hashes]
    [error] = found.errors
    assert "crashed on purpose" in error


def interrupt_soon() -> None:
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_between_windows_and_keeps_what_was_found() -> None:
    job = Job(HEADER, 1 << 250, 0, 1 << 32)
    threading.Thread(target=interrupt_soon).start()
    began = time.perf_counter()
    found = Engine([ReferenceBackend()]).run(job)
    assert time.perf_counter() - began < 5
    assert found.interrupted
    assert found.left == job.count - found.hashes > 0
    assert nonces(found) == ReferenceBackend().search(HEADER, 0, found.hashes, 1 << 250).nonces.tolist()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_progress_is_reported_while_devices_work() -> None:
    seen: list[int] = []
    Engine([Recorder(0.1)]).run(JOB, progress=lambda found: seen.append(found.hashes))
    assert len(seen) > 1
    assert seen == sorted(seen)


def test_engines_run_outside_the_main_thread() -> None:
    results: list[Found] = []
    thread = threading.Thread(target=lambda: results.append(Engine([ReferenceBackend()]).run(JOB)))
    thread.start()
    thread.join()
    assert nonces(results[0]) == TRUE


def test_an_empty_window_is_done_at_once() -> None:
    found = Engine([ReferenceBackend()]).run(Job(HEADER, TARGET, 2**32, 0))
    assert (found.hits, found.hashes, found.left) == ([], 0, 0)


def test_versions_are_rolled_and_hits_carry_theirs() -> None:
    versions = rolled_versions(HEADER, 5)
    assert len(set(versions)) == 5
    assert versions[0] == int.from_bytes(HEADER[:4], "little")
    assert all((version ^ versions[0]) & ~0x1FFFE000 == 0 for version in versions)
    job = Job(HEADER, TARGET, 1000, 20_000, versions)
    found = Engine([ReferenceBackend(), Faulty(ReferenceBackend(), "false-hit")]).run(job)
    expected = sorted(
        (nonce, version)
        for version in versions
        for nonce in ReferenceBackend().search(with_version(HEADER, version), 1000, 20_000, TARGET).nonces.tolist()
    )
    assert [(hit.nonce, hit.version) for hit in found.hits] == expected
    assert len(expected) > 100
    assert found.hashes == job.hashes == 100_000
    assert "no hit" in found.errors[0]


@pytest.mark.parametrize("count", [0, 65537])
def test_bip_320_has_sixteen_bits(count: int) -> None:
    with pytest.raises(UsageError, match="1 to 65536 versions"):
        rolled_versions(HEADER, count)
    assert len(set(rolled_versions(HEADER, 65536))) == 65536


def test_a_job_outside_the_contract_is_refused() -> None:
    with pytest.raises(UsageError, match=r"past 2\^32"):
        Job(HEADER, TARGET, 2**32 - 1, 2)


def test_a_progress_that_fails_leaves_no_device_working() -> None:
    def broken(_: Found) -> None:
        raise ZeroDivisionError

    device = Recorder(0.05)
    with pytest.raises(ZeroDivisionError):
        Engine([device]).run(Job(HEADER, 0, 0, 1 << 32), progress=broken)
    time.sleep(0.5)
    done = len(device.windows)
    time.sleep(0.3)
    assert len(device.windows) == done
