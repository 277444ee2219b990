"""A chain served over real sockets, to those who behave and to those who do not."""

from __future__ import annotations

import http.client
import json
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from quorate.chain.rpc import server
from quorate.chain.rpc.cookie import authorization, new_cookie, written
from quorate.chain.rpc.server import listening
from quorate.chain.rpc.service import METHODS, Service
from quorate.kernels.backend import UsageError

from ..regtest import grow, open_chain, verifier

SECRET = authorization("__cookie__:secret")
SEGWIT: dict[str, object] = {"rules": ["segwit"]}


@dataclass
class Served:
    port: int
    service: Service
    thread: Thread
    blocks: list[str]
    """In hex, each on the one before."""

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, method: str, *params: object, on: http.client.HTTPConnection | None = None) -> Any:
        connection = on or self.connect()
        connection.request(
            "POST", "/", json.dumps({"method": method, "params": params}), {"Authorization": SECRET}
        )
        answer = json.load(connection.getresponse())
        if on is None:
            connection.close()
        return answer

    def post(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        connection = self.connect()
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    ready: Queue[tuple[Service, list[str]]] = Queue()

    def run() -> None:
        other = open_chain(tmp_path / "other")
        blocks = [block.serialise().hex() for block in grow(other, 3)]
        other.store.close()
        chain = open_chain(tmp_path / "chain")
        service = Service(chain, verifier(), lambda: 4_000_000_000)
        ready.put((service, blocks))
        service.run()
        chain.store.close()

    thread = Thread(target=run)
    thread.start()
    service, blocks = ready.get(timeout=10)
    with listening("127.0.0.1", 0, SECRET, service.answer) as port:
        yield Served(port, service, thread, blocks)
        service.stop()
        thread.join()


def test_calls_over_one_connection(served: Served) -> None:
    connection = served.connect()
    assert served.ask("getblockcount", on=connection) == {"result": 0, "error": None, "id": None}
    assert served.ask("submitblock", served.blocks[0], on=connection)["result"] is None
    assert served.ask("submitblock", served.blocks[0], on=connection)["result"] == "duplicate"
    assert served.ask("getblockcount", on=connection)["result"] == 1
    assert served.ask("nothing", on=connection)["error"]["code"] == -32601
    assert served.ask("getblockhash", 1, 2, on=connection)["error"]["code"] == -1
    assert served.ask("getblockcount", on=connection)["result"] == 1
    connection.close()


def test_every_method_has_a_name_that_miners_know() -> None:
    assert {"getblocktemplate", "submitblock", "getmininginfo", "getblockchaininfo", "validateaddress"} <= set(
        METHODS
    )


@pytest.mark.parametrize("longpollid", ["tip", 7])
def test_long_polls_end_with_the_next_tip(served: Served, longpollid: object) -> None:
    """Within 100 ms, all of them, and not before; a poll with an older id is answered at once."""
    first = served.ask("getblocktemplate", SEGWIT)["result"]
    request = {**SEGWIT, "longpollid": first["longpollid"] if longpollid == "tip" else longpollid}
    ended: Queue[tuple[float, Any]] = Queue()

    def poll() -> None:
        answer = served.ask("getblocktemplate", request)
        ended.put((time.monotonic(), answer["result"]))

    threads = [Thread(target=poll) for _ in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert ended.empty()
    assert served.ask("submitblock", served.blocks[0])["result"] is None
    moved = time.monotonic()
    for _ in threads:
        when, template = ended.get(timeout=5)
        assert when - moved < 0.1
        assert template["height"] == 2
    for thread in threads:
        thread.join()
    began = time.monotonic()
    if longpollid == "tip":
        assert served.ask("getblocktemplate", request)["result"]["height"] == 2
        assert time.monotonic() - began < 1


def test_long_polls_with_ids_that_are_none(served: Served) -> None:
    for bad in ("x", "x" * 64, ""):
        assert served.ask("getblocktemplate", {**SEGWIT, "longpollid": bad})["error"]["code"] == -8


def test_who_hangs_up_frees_the_thread(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    polling = [served.connect() for _ in range(3)]
    request = json.dumps({"method": "getblocktemplate", "params": [{**SEGWIT, "longpollid": 0}]})
    for connection in polling:
        connection.request("POST", "/", request, {"Authorization": SECRET})
    time.sleep(0.3)

    def busy() -> bool:
        try:
            return served.post(b"{}", Authorization=SECRET)[0] == 503
        except ConnectionError:
            return True  # it hangs up without having read what is asked

    assert busy()
    for connection in polling:
        connection.close()
    end = time.monotonic() + 5
    while busy():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_end_answers_those_who_wait(served: Served) -> None:
    answers: Queue[Any] = Queue()
    thread = Thread(
        target=lambda: answers.put(served.ask("getblocktemplate", {**SEGWIT, "longpollid": 0})), daemon=True
    )
    thread.start()
    time.sleep(0.3)
    served.service.stop()
    assert answers.get(timeout=5)["error"] == {"code": -9, "message": "Shutting down"}
    thread.join()
    served.thread.join()
    assert served.ask("getblockcount")["error"]["code"] == -9


@pytest.mark.parametrize("given", ["", "Basic", SECRET[:-1], SECRET + "x", "Bearer x", "Basic \xff", "basic é"])
def test_without_the_password_nothing_is_told(served: Served, given: str) -> None:
    body = json.dumps({"method": "getblockcount"}).encode()
    status, answer = served.post(body, Authorization=given)
    assert (status, b"result" in answer) == (401, False)
    assert served.post(body) == (401, b"wrong name or password\n")


def test_bodies_that_are_not_read(served: Served) -> None:
    assert served.post(bytes(server.MAX_BODY_BYTES + 1), Authorization=SECRET)[0] == 413
    for headers, status in (
        ("Content-Length: 99999999999999999999", b"413"),
        ("Content-Length: -1", b"411"),
        ("Content-Length: x", b"411"),
        ("X: y", b"411"),
        ("Transfer-Encoding: chunked", b"411"),
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
            connection.sendall(f"POST / HTTP/1.1\r\nAuthorization: {SECRET}\r\n{headers}\r\n\r\n".encode())
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 " + status), headers
    assert served.post(b"x" * 1000, Authorization=SECRET)[0] == 500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\xff\x13garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"POST /" + b"x" * 100_000,
        f"POST / HTTP/1.1\r\nAuthorization: {SECRET}\r\nContent-Length: 50\r\n\r\n{{".encode(),
    ],
)
def test_garbage_does_no_harm(served: Served, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(data)
    assert served.ask("getblockcount")["result"] == 0


def test_a_fault_is_told_to_the_log_and_others_are_served(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setitem(METHODS, "broken", broken)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        served.ask("broken")
    assert "on purpose" in caplog.text
    assert served.ask("getblockcount")["result"] == 0


def test_a_place_that_is_taken_is_one_sentence(served: Served) -> None:
    for host, port in (("127.0.0.1", served.port), ("192.0.2.1", 0), ("nowhere.invalid", 0)):
        with (
            pytest.raises(UsageError, match=r"cannot listen on .*--host and --port"),
            listening(host, port, SECRET, served.service.answer),
        ):
            pass


def test_the_cookie_is_the_owners_alone_and_goes_away(tmp_path: Path) -> None:
    path = tmp_path / ".cookie"
    path.write_text("old")
    path.chmod(0o644)
    cookie = new_cookie()
    with written(cookie, path):
        assert path.read_text() == cookie
        assert cookie.startswith("__cookie__:")
        assert len(cookie) == len("__cookie__:") + 64
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]
    assert not list(tmp_path.iterdir())
    assert new_cookie() != cookie
    with pytest.raises(UsageError, match="cannot write the cookie"), written(cookie, tmp_path / "none" / "cookie"):
        pass
