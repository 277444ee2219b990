"""The API over real sockets: what it tells, whom it tells, and that it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from quorate.kernels.backend import UsageError
from quorate.miner import api as api_module
from quorate.miner.api import Api, may_ask, parse_address
from quorate.miner.status import SPANS, DeviceStatus, Rate, Status

RATES = {span: Rate(1000.0 * seconds, None) for span, seconds in SPANS.items()}
HOT = DeviceStatus(
    'odd"name\\', "a GPU", "resting", "too hot", RATES, 7, 3, 1, 0, {"high-hash": 2, "why\nnot": 1}, 4, 9, 1, 5, 8,
    8.5, 0.5, 91.5, None, "no counter of energy",
)  # fmt: skip
STATUS = Status(1.8e9, 12.5, "a pool", "7", 1 << 230, 1 << 200, RATES, 7, 1, 0, {"high-hash": 2}, 1 << 220, (HOT,))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with closing(Api("0", lambda: STATUS)) as served:
        yield served


def ask(api: Api, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
    with closing(http.client.HTTPConnection(api.address, timeout=5)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


@pytest.mark.parametrize("path", ["/", "/status", "/status?pretty"])
def test_the_status_is_json(api: Api, path: str) -> None:
    code, headers, text = ask(api, path)
    assert (code, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(text) == json.loads(json.dumps(STATUS.to_json()))


def test_metrics_are_what_prometheus_reads(api: Api) -> None:
    code, headers, text = ask(api, "/metrics")
    assert (code, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = text.splitlines()
    assert "quorate_hashes_total 7" in lines
    assert 'quorate_hashes_per_second{span="10 s"} 10000.0' in lines
    assert 'quorate_solutions_total{answer="rejected",reason="high-hash"} 2.0' in lines
    assert 'quorate_device_rejected_total{device="odd\\"name\\\\"} 3' in lines
    assert 'quorate_device_celsius{device="odd\\"name\\\\"} 91.5' in lines
    assert 'quorate_device_well{device="odd\\"name\\\\"} 0' in lines
    assert not any("watts" in line for line in lines)
    described = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {line.partition(" ")[0].partition("{")[0] for line in lines if not line.startswith("#")} == described
    assert text.endswith("\n")


def test_head_has_no_body_and_other_paths_nothing(api: Api) -> None:
    code, headers, text = ask(api, "/", "HEAD")
    assert (code, text) == (200, "")
    assert int(headers["Content-Length"]) > 100
    assert ask(api, "/etc/passwd")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_is_read_only(api: Api, method: str) -> None:
    assert ask(api, "/", method)[0] == 501


def test_a_page_from_elsewhere_cannot_ask_under_its_own_name(api: Api) -> None:
    assert ask(api, "/", Host="evil.example")[0] == 421
    assert ask(api, "/", Host="evil.example:80")[0] == 421
    assert ask(api, "/", Host="localhost:80")[0] == 200


def test_names_that_may_ask() -> None:
    assert may_ask("127.0.0.1:4028", "127.0.0.1")
    assert may_ask("[::1]:4028", "127.0.0.1")
    assert may_ask("Rig.lan", "rig.lan")
    assert not may_ask("rig.lan.evil.example:4028", "rig.lan")
    assert not may_ask("", "127.0.0.1")


def test_addresses() -> None:
    assert parse_address("4028") == ("127.0.0.1", 4028)
    assert parse_address(":4028") == ("127.0.0.1", 4028)
    assert parse_address("0.0.0.0:80") == ("0.0.0.0", 80)
    assert parse_address("[::1]:80") == ("::1", 80)
    for text in ("", "host", "host:", "host:port", "host:70000", "1:-1"):
        with pytest.raises(UsageError, match="--api takes HOST:PORT or PORT"):
            parse_address(text)


def test_without_a_host_it_is_for_this_machine_only(api: Api) -> None:
    assert api.address.startswith("127.0.0.1:")


def test_a_port_that_is_taken_is_said_so(api: Api) -> None:
    with pytest.raises(UsageError, match=f"--api cannot listen on {api.address}: Address already in use"):
        Api(api.address, lambda: STATUS)


def test_ipv6_where_there_is_some() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with closing(Api("[::1]:0", lambda: STATUS)) as served:
        assert urllib.request.urlopen(f"http://{served.address}/", timeout=5).status == 200


def test_garbage_and_silence_harm_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "QUESTION_SECONDS", 0.2)
    with closing(Api("0", lambda: STATUS)) as served:
        host, port = parse_address(served.address)
        silent = socket.create_connection((host, port), timeout=5)
        for garbage in (b"\xff\x00\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"x" * 100_000, b"GET " + b"/" * 70_000):
            with socket.create_connection((host, port), timeout=5) as connection:
                connection.sendall(garbage)
        assert ask(served, "/")[0] == 200
        assert silent.recv(1) == b""
        silent.close()


def test_it_ends_and_gives_its_port_back() -> None:
    before = threading.active_count()
    served = Api("0", lambda: STATUS)
    address = served.address
    assert ask(served, "/")[0] == 200
    began = time.perf_counter()
    served.close()
    assert time.perf_counter() - began < 1
    with pytest.raises(ConnectionRefusedError):
        ask(served, "/")
    Api(address, lambda: STATUS).close()
    assert threading.active_count() <= before + 1
