"""HTTP connections on which nothing takes longer than it may, whatever the other side does.

A socket's own time-out begins again with every byte; here a whole answer has one end.
"""

from __future__ import annotations

import socket
import ssl
import time
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult


class _Ending:
    """The part of a socket that reads."""

    end = float("inf")
    """When reading fails with `TimeoutError`, on the monotonic clock."""

    def recv_into(self, *arguments: Any) -> int:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)  # type: ignore[attr-defined]
        return super().recv_into(*arguments)  # type: ignore[misc, no-any-return]


class _PlainSocket(_Ending, socket.socket):
    pass


class _TlsSocket(_Ending, ssl.SSLSocket):
    pass


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        opened = self.sock
        self.sock = _PlainSocket(opened.family, opened.type, opened.proto, opened.detach())


_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds and tries after which a node that vanished without a word is noticed; not every system has them all."""


def open_connection(url: SplitResult, seconds: float) -> HTTPConnection:
    """Connected to the host of `url`, whose scheme is http or https. `OSError` where that fails in that time."""
    assert url.hostname is not None
    connection: HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        context.sslsocket_class = _TlsSocket
        connection = HTTPSConnection(url.hostname, url.port, timeout=seconds, context=context)
    else:
        connection = _PlainConnection(url.hostname, url.port or 80, timeout=seconds)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if option := getattr(socket, name, None):
            connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)
    return connection


def set_end(connection: HTTPConnection, seconds: float) -> None:
    """From now on all reading and each writing together may take so long."""
    sock: Any = connection.sock
    sock.end = time.monotonic() + seconds
    sock.settimeout(seconds)
