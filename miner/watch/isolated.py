"""A device in a process of its own, which can be ended whatever its driver does.

A thread that hangs in a driver cannot be stopped, and after some errors CUDA refuses all further work of the
process, so opening a device anew takes a new process. It costs a pipe's round trip for each window, and keeps the
device from waiting for the interpreter's lock while others are checked.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any, cast

from ...kernels.backend import Backend, Bytes2D, Device, DeviceError, Hits, SearchesOnly
from ...kernels.quorum import Quorum

PATIENCE = 20
"""A device is stuck when it takes this many times longer than its pace so far lets expect, …"""

LEAST_SECONDS = 30.0
"""… and at least this long."""

FIRST_SECONDS = 600.0
"""How long the first answer to each kind of question may take: some compilers take minutes."""

END_SECONDS = 2.0
"""How long a process may take to end before it is killed."""


class Isolated(SearchesOnly):
    """The device called `name`, as a `Backend`. Raises what `open_backend` does."""

    def __init__(self, name: str, niceness: int = 0) -> None:
        self._name = name
        self._paces: dict[str, float] = {}
        """Seconds for each hash, by method: the last answer's."""

        # The same modules as here, and not those of the folder in which somebody happens to be. A session of its
        # own, since Ctrl-C is for the process that mines, which then ends this one.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; from {__package__}.device_process import main; "
            f"main({name!r}, {niceness})"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._answers: SimpleQueue[tuple[bool, Any] | None] = SimpleQueue()
        self._questions = cast(IO[bytes], self._process.stdin)
        reader = threading.Thread(target=_read, args=(self._process.stdout, self._answers), daemon=True)
        reader.start()
        try:
            self.device: Device = self._answer(FIRST_SECONDS)
        except BaseException:
            self._process.kill()
            self.close()
            raise

    def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
        return cast(Hits, self._ask("search", count, header, start, count, target))

    def search_versions(
        self, header: bytes, versions: Sequence[int], start: int, count: int, target: int
    ) -> list[Hits]:
        hashes = count * len(versions)
        return cast(
            list[Hits], self._ask("search_versions", hashes, header, tuple(versions), start, count, target)
        )

    def fingerprint(self, header: bytes, start: int, count: int) -> bytes:
        return cast(bytes, self._ask("fingerprint", count, header, start, count))

    def hash_headers(self, headers: Bytes2D) -> Bytes2D:
        return cast(Bytes2D, self._ask("hash_headers", len(headers), headers))

    def close(self) -> None:
        """Close the pipe, by which the process ends; a process that no signal reaches is left to the system."""
        with suppress(BrokenPipeError):  # there may be a question left that the process never read
            self._questions.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _ask(self, method: str, hashes: int, *arguments: object) -> Any:
        began = time.perf_counter()
        try:
            pickle.dump((method, arguments), self._questions, pickle.HIGHEST_PROTOCOL)
            self._questions.flush()
        except OSError:
            raise DeviceError(f"the process of {self._name} has ended ({self._ending()})") from None
        answer = self._answer(self._patience(method, hashes))
        self._paces[method] = (time.perf_counter() - began) / max(1, hashes)
        return answer

    def _patience(self, method: str, hashes: int) -> float:
        if method not in self._paces:
            return FIRST_SECONDS
        return max(LEAST_SECONDS, PATIENCE * hashes * self._paces[method])

    def _answer(self, seconds: float) -> Any:
        try:
            reply = self._answers.get(timeout=seconds)
        except Empty:
            self._process.kill()
            raise DeviceError(f"{self._name} is stuck: it gave no answer within {seconds:.0f} s") from None
        if reply is None:
            raise DeviceError(f"the process of {self._name} has ended ({self._ending()})")
        good, value = reply
        if not good:
            raise value
        return value

    def _ending(self) -> str:
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def open_isolated(name: str, niceness: int = 0) -> Backend:
    """The backend called `name`, with each device in a process of its own: the members of a quorum too."""
    kind, _, members = name.partition(":")
    if kind != "quorum":
        return Isolated(name, niceness)
    return Quorum([Isolated(member, niceness) for member in members.split("+")])


def close(backend: Backend) -> None:
    """End the processes of a backend, where it has any."""
    for member in backend.members if isinstance(backend, Quorum) else [backend]:
        if isinstance(member, Isolated):
            member.close()


def _read(pipe: IO[bytes], answers: SimpleQueue[tuple[bool, Any] | None]) -> None:
    """Answers as they come, and None at their end, so that no driver can keep anybody waiting for a pipe."""
    with pipe:
        while True:
            try:
                answers.put(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):  # the end, or the end within an answer
                answers.put(None)
                return
