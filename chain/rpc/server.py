"""JSON-RPC over HTTP/1.1, for those who know the name and the password.

A request's body is read only after those have been found right, and only up to a bound.
"""

from __future__ import annotations

import logging
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import compare_digest
from socketserver import TCPServer
from threading import Condition, Thread
from typing import Any

from ...kernels.backend import UsageError
from .protocol import respond

MAX_BODY_BYTES = 16 << 20
"""Of a request. The largest block has 4,000,000 bytes, twice as many hex digits."""

MAX_CONNECTIONS = 64
"""At a time; one more is told that the server is busy."""

IDLE_SECONDS = 30.0
"""How long a connection may say nothing."""

_WRONG_PASSWORD_SECONDS = 0.25
"""How long a wrong password takes, lest somebody tries many."""

_CLOSING_SECONDS = 2.0
"""How long the answers under way may take in the end."""

Answer = Callable[[str, list[object], Callable[[], bool]], object]
"""`Service.answer`."""

logger = logging.getLogger(__name__)


@contextmanager
def listening(host: str, port: int, authorization: str, answer: Answer) -> Iterator[int]:
    """Serve in threads of their own while the block runs; gives the port, which for 0 is any that is free.

    `authorization` is what the header of that name has to be. `UsageError` where nobody can listen there.
    """
    try:
        server = _Server(host, port, authorization, answer)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host}, port {port}: {why}; choose others by --host and --port"
        ) from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="rpc", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.finish()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # `finish` waits, and not for ever
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, host: str, port: int, authorization: str, answer: Answer) -> None:
        self.authorization, self.answer = authorization.encode(), answer
        self.changed = Condition()
        self.connections: set[socket.socket] = set()
        self.answering = 0
        """Requests whose answer is not out yet."""

        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's would ask name servers what this machine is called

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.changed:
            busy = len(self.connections) >= MAX_CONNECTIONS
            if not busy:
                self.connections.add(request)
        if busy:
            with suppress(OSError):  # whoever does not wait for it does not miss it
                request.settimeout(1)
                request.sendall(
                    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.changed:
            self.connections.discard(request)
            self.changed.notify_all()
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        if isinstance(sys.exception(), OSError):
            logger.debug("a connection broke", exc_info=True)
        else:
            logger.error("a request could not be answered", exc_info=True)

    def finish(self) -> None:
        """Let the answers under way go out, then hang up."""
        end = time.monotonic() + _CLOSING_SECONDS
        with self.changed:
            self.changed.wait_for(lambda: not self.answering, _CLOSING_SECONDS)
            for connection in self.connections:
                with suppress(OSError):  # it may have hung up itself
                    connection.shutdown(socket.SHUT_RDWR)
            self.changed.wait_for(lambda: not self.connections, max(0, end - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        if not self._is_authorised():
            time.sleep(_WRONG_PASSWORD_SECONDS)
            self._refuse(HTTPStatus.UNAUTHORIZED, "wrong name or password")
            return
        length = self._length()
        if length is None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "a request says by Content-Length how long it is")
        elif length > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MAX_BODY_BYTES} bytes")
        else:
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionError("it ended inside a request")
            with self._answering():
                status, answer = respond(
                    body, lambda method, params: self.server.answer(method, params, self._gone)
                )
                self._send(status, answer)

    def do_GET(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is answered here")

    def version_string(self) -> str:
        return "quorate"

    def log_message(self, format: str, *arguments: Any) -> None:
        logger.debug(format, *arguments)

    def _is_authorised(self) -> bool:
        given = self.headers.get("Authorization", "")
        return compare_digest(given.encode("utf-8", "surrogateescape"), self.server.authorization)

    def _length(self) -> int | None:
        told = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not (told.isascii() and told.isdigit()):
            return None
        return int(told[:12])  # what is longer is too long in any case

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """A request that is waited for in the end."""
        server = self.server
        with server.changed:
            server.answering += 1
        try:
            yield
        finally:
            with server.changed:
                server.answering -= 1
                server.changed.notify_all()

    def _gone(self) -> bool:
        """Whether the other side has hung up; what it has sent already is left where it is."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer without having read the body, after which nothing else can be read."""
        self.close_connection = True
        # Were it left unread, the system would tear the connection down before the answer is read.
        left = min(self._length() or 0, MAX_BODY_BYTES)
        while left and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)
        self._send(status, text.encode() + b"\n", "text/plain")

    def _send(self, status: HTTPStatus, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="jsonrpc"')
        if body:
            self.send_header("Content-Type", kind)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
