"""Every nonce goes to somebody, none twice."""

from __future__ import annotations

import random
import threading

from quorate.miner.windows import Windows


def test_windows_of_any_size_cover_the_whole_once() -> None:
    rng = random.Random(1)
    windows, taken = Windows(100, 10_000), []
    while (window := windows.take(rng.randint(1, 700))) is not None:
        taken.append(window)
        windows.done(window[1])
    assert [n for start, count in taken for n in range(start, start + count)] == list(range(100, 10_100))
    assert windows.complete


def test_what_is_given_back_is_handed_out_again_in_pieces() -> None:
    windows = Windows(0, 100)
    assert windows.take(100) == (0, 100)
    assert windows.take(100) is None
    assert not windows.complete
    windows.give_back(0, 100)
    assert windows.take(30) == (0, 30)
    assert windows.take(100) == (30, 70)
    assert windows.left == 100
    windows.done(30)
    windows.done(70)
    assert windows.complete


def test_an_empty_job_is_complete_at_once() -> None:
    assert Windows(5, 0).complete
    assert Windows(5, 0).take(10) is None


def test_threads_get_disjoint_windows() -> None:
    windows = Windows(0, 200_000)
    taken: list[list[tuple[int, int]]] = [[] for _ in range(8)]

    def work(mine: list[tuple[int, int]]) -> None:
        returned = 0
        while (window := windows.take(7)) is not None:
            if window[0] % 5 == 0 and returned < 100:
                returned += 1
                windows.give_back(*window)
            else:
                mine.append(window)
                windows.done(window[1])

    threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    covered = sorted(n for mine in taken for start, count in mine for n in range(start, start + count))
    assert covered == list(range(200_000))
    assert windows.complete
