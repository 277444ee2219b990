"""A node that does what a test tells it, byte by byte; written from the documents, without a line of ours."""

from __future__ import annotations

import json
import re
import socket
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

Reply = Callable[["Call"], bytes | None]
"""The raw bytes of an answer, after which the connection stays; None where the connection is to be closed."""


@dataclass
class Call:
    method: str
    params: list[Any]
    user: str
    """Name and password."""

    connection: socket.socket

    over: Event
    """The test has ended."""


@dataclass
class Scripted:
    url: str
    reply: Reply
    calls: list[Call] = field(default_factory=list)
    connections: int = 0


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def result(value: object) -> bytes:
    return http(json.dumps({"result": value, "error": None, "id": 0}).encode())


def error(code: int, message: str) -> bytes:
    body = json.dumps({"result": None, "error": {"code": code, "message": message}, "id": 0}).encode()
    return http(body, "500 Internal Server Error")


def drip(call: Call) -> None:
    """A byte now and then, for ever."""
    call.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not call.over.wait(0.05):
        call.connection.sendall(b" ")


def flood(call: Call) -> None:
    """More than anyone wants to read."""
    call.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not call.over.is_set():
        call.connection.sendall(bytes(1 << 20))


def silence(call: Call) -> None:
    call.over.wait()


@contextmanager
def scripted(reply: Reply) -> Iterator[Scripted]:
    listener = socket.create_server(("127.0.0.1", 0))
    it = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}", reply)
    over, lock = Event(), Lock()
    open_ones: list[socket.socket] = []
    threads: list[Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            while not over.is_set():
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = lines.readline()
                    if not line:
                        return
                    head += line
                length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
                password = re.search(rb"(?i)authorization: basic (\S+)", head)
                body = lines.read(length)
                if len(body) < length:
                    return
                asked = json.loads(body)
                call = Call(
                    asked["method"],
                    asked["params"],
                    b64decode(password[1]).decode() if password else "",
                    connection,
                    over,
                )
                with lock:
                    it.calls.append(call)
                answer = it.reply(call)
                if answer is None:
                    return
                connection.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                it.connections += 1
                open_ones.append(connection)
                threads.append(Thread(target=serve, args=(connection,)))
                threads[-1].start()

    acceptor = Thread(target=accept)
    acceptor.start()
    try:
        yield it
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        for thread in threads:
            thread.join()


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
