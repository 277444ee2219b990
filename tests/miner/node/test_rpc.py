"""Calls to a node that answers well, badly, or not at all."""

from __future__ import annotations

import socket
import time
import tracemalloc
from pathlib import Path
from threading import Thread

import pytest

from quorate.miner.node.credentials import Credentials
from quorate.miner.node.errors import CallRefusedError, NodeError
from quorate.miner.node.rpc import Rpc
from quorate.miner.work import SourceError

from .scripted import Call, Reply, drip, error, flood, http, result, scripted, silence, until

SECRET = "correct horse battery staple"


@pytest.fixture
def cookie(tmp_path: Path) -> Path:
    path = tmp_path / "cookie"
    path.write_text(f"__cookie__:{SECRET}\n")
    return path


def failure(reply: Reply, cookie: Path, seconds: float = 5) -> NodeError:
    with scripted(reply) as node:
        rpc = Rpc(node.url, Credentials(cookie))
        with pytest.raises(NodeError) as raised:
            rpc.call("getblocktemplate", [], seconds)
        rpc.close()
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


def headers_without_end(call: Call) -> None:
    call.connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not call.over.is_set():
        call.connection.sendall(b"X: y\r\n" * 1000)


def a_line_without_end(call: Call) -> None:
    while not call.over.is_set():
        call.connection.sendall(b"HTTP/1.1 " * 1000)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda _: b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "speaks no HTTP"),
        (lambda _: b"\0\xff\x17" * 99 + b"\r\n\r\n", "speaks no HTTP"),
        (headers_without_end, "speaks no HTTP"),
        (a_line_without_end, "speaks no HTTP"),
        (lambda _: None, "broke during getblocktemplate"),
        (lambda call: call.connection.sendall(http(b"x" * 99)[:-9]), "no JSON-RPC"),
        (lambda call: call.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"), "no JSON-RPC"),
        (lambda _: http(b"", "200 OK", "Content-Length: no"), "no JSON-RPC"),
        (lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "half of it"),
        (lambda _: http(b"<html>\x1b[2J"), "no JSON-RPC: '<html>?"),
        (lambda _: http(b"Work queue depth exceeded", "503 Service Unavailable"), "HTTP 503"),
        (lambda _: http(b"", "500 Internal Server Error"), "HTTP 500"),
        (lambda _: http(b"", "301 Moved", "Location: http://127.0.0.1:1/"), "HTTP 301"),
        (lambda _: http(b"[1, 2]"), "no JSON-RPC"),
        (lambda _: http(b"{}"), "no JSON-RPC"),
        (lambda _: http(b"[" * 200_000), "no JSON-RPC"),
        (lambda _: http(b'{"result": ' + b"9" * 10_000 + b"}"), "no JSON-RPC"),
        (lambda _: http(b'{"result": "\xff"}'), "no JSON-RPC"),
        (lambda _: http(b'{"error": "no\\n\\u001b[31m"}'), "error 0: no\\?\\?"),
        (lambda _: http(b'{"error": {"code": "x"}}'), "error 0: None"),
        (lambda _: error(-10, "in initial sync"), "error -10: in initial sync"),
        (lambda _: error(-28, "Loading block index…"), "is starting: Loading block index…"),
        (lambda _: http(b"", "403 Forbidden"), "rpcallowip"),
        (flood, "more than 33554432 bytes"),
    ],
)
def test_every_failure_is_a_sentence(reply: Reply, words: str, cookie: Path) -> None:
    with pytest.raises(NodeError, match=words):
        raise failure(reply, cookie)


@pytest.mark.parametrize("reply", [silence, drip])
def test_no_answer_takes_longer_than_it_may(reply: Reply, cookie: Path) -> None:
    began = time.monotonic()
    assert "did not answer getblocktemplate within 0.3 seconds" in str(failure(reply, cookie, seconds=0.3))
    assert 0.3 <= time.monotonic() - began < 2


def test_an_endless_answer_takes_bounded_memory(cookie: Path) -> None:
    tracemalloc.start()
    try:
        failure(flood, cookie)
        assert tracemalloc.get_traced_memory()[1] < 128 << 20
    finally:
        tracemalloc.stop()


def test_connections_are_kept_and_opened_anew(cookie: Path) -> None:
    with scripted(lambda call: result(len(call.params))) as node:
        rpc = Rpc(node.url, Credentials(cookie))
        assert [rpc.call("a"), rpc.call("a", [1]), rpc.call("a", [1, 2])] == [0, 1, 2]
        assert node.connections == 1
        node.reply = lambda call: call.connection.sendall(result("last"))
        assert rpc.call("a") == "last"
        time.sleep(0.05)  # the node hangs up
        node.reply = lambda _: result("new")
        assert rpc.call("a") == "new"
        assert node.connections == 2
        rpc.close()


def test_an_answer_of_which_a_part_is_missing_is_not_taken_for_the_next(cookie: Path) -> None:
    with scripted(lambda _: result("x")) as node:
        rpc = Rpc(node.url, Credentials(cookie))
        node.reply = lambda call: None if call.over.wait(0.4) else result("late")
        with pytest.raises(NodeError, match="did not answer"):
            rpc.call("a", seconds=0.2)
        node.reply = lambda _: result("right")
        assert rpc.call("a") == "right"
        rpc.close()


def test_a_new_cookie_is_read_and_an_old_one_is_told(cookie: Path) -> None:
    def only(right: str) -> Reply:
        return lambda call: result(1) if call.user == right else http(b"", "401 Unauthorized")

    with scripted(only("__cookie__:new")) as node:
        rpc = Rpc(node.url, Credentials(cookie))
        with pytest.raises(NodeError, match="name and password") as raised:
            rpc.call("a")
        assert not raised.value.lasting
        assert SECRET not in str(raised.value)
        assert len(node.calls) == 1
        cookie.write_text("__cookie__:new")
        assert rpc.call("a") == 1
        rpc.close()

        password = cookie.with_name("password")
        password.write_text("wrong")
        rpc = Rpc(node.url, Credentials(password, "bob"))
        with pytest.raises(NodeError, match="name and password") as raised:
            rpc.call("a")
        assert raised.value.lasting
        assert node.calls[-1].user == "bob:wrong"
        rpc.close()


def test_credentials_that_are_none(tmp_path: Path, cookie: Path) -> None:
    def words(credentials: Credentials) -> str:
        with pytest.raises(NodeError) as raised:
            credentials.header()
        return str(raised.value)

    assert "the node writes it when it starts" in words(Credentials(tmp_path / "none"))
    assert words(Credentials(tmp_path / "none", "bob")).endswith("No such file or directory")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    assert "is no text" in words(Credentials(tmp_path / "bad"))
    (tmp_path / "long").write_text("a:b\n" * 9)
    assert "more than one line" in words(Credentials(tmp_path / "long"))
    (tmp_path / "plain").write_text("hunter2")
    assert "NAME:PASSWORD" in words(Credentials(tmp_path / "plain"))
    assert "hunter2" not in words(Credentials(tmp_path / "plain"))
    assert Credentials(None, "bob").header() == "Basic Ym9iOg=="
    assert Credentials(cookie).header() not in repr(vars(Credentials(cookie)))
    with pytest.raises(SourceError, match="no colon"):
        Credentials(None, "a:b")


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:8332", "http://", "http://h:99999", "http://h:0", "http://[::"]
)
def test_urls_that_are_none(url: str, cookie: Path) -> None:
    with pytest.raises(SourceError, match="http://127.0.0.1:8332"):
        Rpc(url, Credentials(cookie))


def test_a_password_in_a_url_is_not_repeated(cookie: Path) -> None:
    with pytest.raises(SourceError, match="others on this machine can see") as raised:
        Rpc("http://bob:hunter2@127.0.0.1:8332", Credentials(cookie))
    assert "hunter2" not in str(raised.value)


def test_nobody_there(cookie: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        rpc = Rpc(f"https://127.0.0.1:{port}", Credentials(cookie))
    with pytest.raises(NodeError, match="is the node running"):
        rpc.call("a")


def test_plain_http_where_tls_is_expected(cookie: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rpc = Rpc(f"https://127.0.0.1:{listener.getsockname()[1]}", Credentials(cookie))

        def speak_plainly() -> None:
            with listener.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1 << 16)

        answer = Thread(target=speak_plainly)
        answer.start()
        with pytest.raises(NodeError, match="speaks no TLS"):
            rpc.call("a")
        answer.join()


def test_closing_ends_a_call_that_waits(cookie: Path) -> None:
    with scripted(silence) as node:
        rpc = Rpc(node.url, Credentials(cookie))

        def close() -> None:
            until(lambda: node.calls)
            rpc.close()

        Thread(target=close).start()
        began = time.monotonic()
        with pytest.raises(NodeError, match="broke during"):
            rpc.call("a")
        assert time.monotonic() - began < 5
        with pytest.raises(NodeError, match="was closed"):
            rpc.call("a")


def test_the_nodes_own_errors_have_their_code(cookie: Path) -> None:
    with scripted(lambda _: error(-8, "no")) as node:
        rpc = Rpc(node.url, Credentials(cookie))
        with pytest.raises(CallRefusedError) as raised:
            rpc.call("a")
        assert (raised.value.code, raised.value.message) == (-8, "no")
        rpc.close()
