"""`quorate mine` in a process of its own, which has to leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Any

from .conftest import Ran


class Said:
    """What a process says, read as it comes, since a miner waits where nobody reads."""

    def __init__(self, stream: IO[str]) -> None:
        self.text = ""
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def line(self, text: str = "") -> str:
        """The next line with this in it."""
        while text not in (line := self._lines.get(timeout=30)):
            pass
        return line

    def whole(self) -> str:
        self._thread.join(10)
        return self.text

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.text += line
            self._lines.put(line)


class Miner:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process, self.out, self.log = process, Said(process.stdout), Said(process.stderr)

    def interrupt(self) -> tuple[Ran, float]:
        """What Ctrl-C makes of it, and how many seconds that takes."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        seconds = time.monotonic() - began
        return self.end(), seconds

    def end(self) -> Ran:
        code = self.process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            raise AssertionError("a process of the miner stays behind")
        return Ran(code, self.out.whole(), self.log.whole())


SLOW_NAMES = "import socket, time; socket.getaddrinfo = lambda *_, **__: time.sleep(10)"
"""A name server that does not answer: what waits for it hears no signal."""


@contextmanager
def mining(*arguments: object, before: str = "pass") -> Iterator[Miner]:
    """`before` is what Python does first in the process."""
    main = f"{before}\nimport sys; sys.argv[0] = 'quorate'\nfrom quorate.cli.app import main; main()"
    command = [sys.executable, "-c", main, "mine", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        try:
            yield Miner(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def silent() -> Iterator[int]:
    """A port of the loopback where everybody is let in and hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def black_hole(port: int = 0) -> Iterator[int]:
    """A port of the loopback where nobody is let in and nobody is sent away, as behind a firewall."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        place = listener.getsockname()
        queue = [socket.socket() for _ in range(8)]
        try:
            for waiting in queue:
                waiting.setblocking(False)
                waiting.connect_ex(place)
            yield place[1]
        finally:
            for waiting in queue:
                waiting.close()


def events(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]
