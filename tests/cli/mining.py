"""`quorate mine` in a process of its own, which has to leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from .conftest import Ran


@dataclass(frozen=True)
class Miner:
    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line of the output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def log(self) -> str:
        """The next line of the log."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def interrupt(self) -> tuple[Ran, float]:
        """What Ctrl-C makes of it, and how many seconds that takes."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        seconds = time.monotonic() - began
        return self.end(), seconds

    def end(self) -> Ran:
        out, err = self.process.communicate(timeout=60)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            raise AssertionError("a process of the miner stays behind")
        return Ran(self.process.returncode, out, err)


@contextmanager
def mining(*arguments: object) -> Iterator[Miner]:
    command = [sys.executable, "-m", "quorate", "mine", *map(str, arguments)]
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
