"""The far end of `isolated.py`: a process that has one device, and answers questions about it from a pipe.

Each question is the name of a `Backend`'s method and its arguments, pickled; each answer is True and what the
method returned, or False and the exception. The process ends when its pipe does, in the middle of a window too,
so that none stays behind when the process that mines is killed.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO

from ...kernels.backend import DeviceError, QuorateError
from ...kernels.catalog import open_backend

Question = tuple[str, tuple[Any, ...]]


def main(name: str, niceness: int) -> None:
    os.nice(niceness)
    answers = _own_stdout()
    questions: SimpleQueue[Question] = SimpleQueue()
    threading.Thread(target=_read, args=(questions,), daemon=True).start()
    try:
        backend = open_backend(name)
        _send(answers, True, backend.device)
    except Exception as error:  # noqa: BLE001  whatever it is, the one who asked has to hear of it
        _send(answers, False, _plain(error))
        return
    while True:
        method, arguments = questions.get()
        try:
            answer = getattr(backend, method)(*arguments)
        except Exception as error:  # noqa: BLE001
            _send(answers, False, _plain(error))
        else:
            _send(answers, True, answer)


def _read(questions: SimpleQueue[Question]) -> None:
    while True:
        try:
            questions.put(pickle.load(sys.stdin.buffer))
        except EOFError:
            os._exit(0)  # the device may be at work for long, and nobody waits for it


def _own_stdout() -> BinaryIO:
    """The pipe for answers; what drivers print to stdout goes to stderr instead."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def _send(answers: BinaryIO, good: bool, answer: object) -> None:
    pickle.dump((good, answer), answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _plain(error: Exception) -> QuorateError:
    """An exception that can be unpickled where the driver's library was never imported."""
    return error if isinstance(error, QuorateError) else DeviceError(str(error) or type(error).__name__)
