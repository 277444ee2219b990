"""Calls to a node: JSON-RPC over HTTP, and a sentence for each way in which that can fail."""

from __future__ import annotations

import json
import select
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from threading import Lock
from urllib.parse import SplitResult, urlsplit

from ..work import SourceError
from .credentials import Credentials
from .errors import CallRefusedError, NodeError, printable
from .transport import open_connection, set_end

MAX_ANSWER_BYTES = 32 << 20
"""A template of the largest block has some 8,000,000 hex digits, and as much again around them at most."""

CONNECT_SECONDS = 5.0

WARMING_UP = -28
"""Bitcoin Core's error as long as it is not ready."""


class Rpc:
    """One connection to a node, kept open between calls, and opened anew when the node has closed it.

    Calls come from one thread at a time; `close` comes from any, and ends a call that waits.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        """`SourceError` for a URL that is none, or that has a password in it."""
        self._url = url
        self._parts = _split(url)
        self._credentials = credentials
        self._authorization = ""
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._calling = Lock()
        self._lock = Lock()
        self._closed = False

    def call(self, method: str, params: Sequence[object] = (), seconds: float = 30.0) -> object:
        """The result, in about so many seconds. `CallRefusedError` where the node says no, else `NodeError`."""
        body = json.dumps({"jsonrpc": "1.0", "id": 0, "method": method, "params": list(params)}).encode()
        with self._calling:
            used = self._authorization = self._authorization or self._credentials.header()
            status, answer = self._post(method, body, seconds)
            if status == 401:  # the node may have started again and written another cookie
                self._authorization = self._credentials.header()
                if self._authorization != used:
                    status, answer = self._post(method, body, seconds)
        return self._result(method, status, answer)

    def close(self) -> None:
        """End the connection for good, without waiting for a call, which may be looking for the node's host."""
        with self._lock:
            self._closed = True
            if self._socket:
                with suppress(OSError):  # the node may have hung up itself
                    self._socket.shutdown(socket.SHUT_RDWR)
        if self._calling.acquire(blocking=False):  # else the call does it when it ends
            try:
                self._drop()
            finally:
                self._calling.release()

    def _post(self, method: str, body: bytes, seconds: float) -> tuple[int, bytes]:
        connection = self._connected()
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        kept = False
        try:
            set_end(connection, seconds)
            connection.request("POST", self._parts.path or "/", body, headers)
            with connection.getresponse() as response:
                answer = response.read(MAX_ANSWER_BYTES + 1)
                kept = response.isclosed() and not response.will_close and not self._closed
        except TimeoutError:
            raise NodeError(f"{self._url} did not answer {method} within {seconds:g} seconds") from None
        except (OSError, ValueError) as error:  # the latter from http.client, of lengths that are no numbers
            raise NodeError(f"the connection to {self._url} broke during {method}: {_named(error)}") from None
        except HTTPException as error:
            raise NodeError(
                f"what answers at {self._url} speaks no HTTP, or half of it: {_named(error)}"
            ) from None
        finally:
            if not kept:
                self._drop()
        if len(answer) > MAX_ANSWER_BYTES:
            raise NodeError(f"{self._url} answers {method} with more than {MAX_ANSWER_BYTES} bytes")
        return response.status, answer

    def _connected(self) -> HTTPConnection:
        connection = self._connection
        if connection is not None:
            readable, _, _ = select.select([connection.sock], [], [], 0)
            if not readable:
                return connection
            self._drop()  # nothing was asked, so what can be read is the end
        opened = self._open()
        with self._lock:
            if not self._closed:
                # http.client lets go of a socket whose end it expects.
                self._connection, self._socket = opened, opened.sock
                return opened
        opened.close()
        raise NodeError(f"the connection to {self._url} was closed")

    def _open(self) -> HTTPConnection:
        try:
            return open_connection(self._parts, CONNECT_SECONDS)
        except ConnectionRefusedError:
            text = f"nothing answers at {self._url}: is the node running, and is its RPC server on (server=1)?"
        except socket.gaierror as error:
            text = f"there is no host {self._parts.hostname!r} for {self._url}: {error.strerror}"
        except TimeoutError:
            text = f"{self._url} cannot be reached: no answer within {CONNECT_SECONDS:g} seconds"
        except ssl.SSLCertVerificationError as error:
            raise NodeError(f"{self._url} cannot prove who it is: {error.verify_message}", lasting=True) from None
        except ssl.SSLError as error:
            text = f"{self._url} speaks no TLS: {error.reason or error}; is it http:// and not https://?"
        except OSError as error:
            text = f"{self._url} cannot be reached: {_named(error)}"
        raise NodeError(text)

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection, self._socket = self._connection, None, None
        if connection:
            connection.close()

    def _result(self, method: str, status: int, answer: bytes) -> object:
        if status == 401:
            raise NodeError(
                f"{self._url} does not accept our name and password (HTTP 401): "
                "check the cookie, or the user and the password file",
                lasting=not self._credentials.may_change,
            )
        if status == 403:
            raise NodeError(
                f"{self._url} does not let us in (HTTP 403): its rpcallowip has to name this machine, "
                f"and its rpcwhitelist, if it has one, {method}",
                lasting=True,
            )
        try:
            document = json.loads(answer)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or not ("result" in document or "error" in document):
            text = answer[:80].decode("utf-8", "replace")
            raise NodeError(
                f"{self._url} answers {method} with HTTP {status} and no JSON-RPC: {printable(text)!r}"
            )
        error = document.get("error")
        if error is None:
            return document.get("result")
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, error)
        code, message = code if isinstance(code, int) else 0, printable(str(message))
        if code == WARMING_UP:
            raise CallRefusedError(f"the node at {self._url} is starting: {message}", code, message)
        raise CallRefusedError(f"{self._url} answers {method} with error {code}: {message}", code, message)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        raise SourceError("the node's URL is none; it is like http://127.0.0.1:8332") from None
    if "@" in parts.netloc:
        raise SourceError(
            "the node's URL has a name or password in it, which others on this machine can see; "
            "name a file with --cookie, or with --user and --password-file"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise SourceError(f"the node's URL is like http://127.0.0.1:8332, not {url!r}")
    return parts


def _named(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return printable(str(strerror or error)) or type(error).__name__
