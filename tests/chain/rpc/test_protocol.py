"""Requests and answers as JSON-RPC wraps them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quorate.chain.rpc.protocol import Code, RpcError, respond


def call(method: str, params: list[object]) -> object:
    if method == "echo":
        return params
    raise RpcError(Code.METHOD_NOT_FOUND, "Method not found")


def ask(body: object) -> tuple[int, Any]:
    status, answer = respond(body if isinstance(body, bytes) else json.dumps(body).encode(), call)
    return status, json.loads(answer) if answer else None


def test_version_1() -> None:
    assert ask({"method": "echo", "params": [1, "x"], "id": "a"}) == (
        200,
        {"result": [1, "x"], "error": None, "id": "a"},
    )
    assert ask({"method": "echo", "id": 3}) == (200, {"result": [], "error": None, "id": 3})
    error = {"code": -32601, "message": "Method not found"}
    assert ask({"method": "x", "id": 4}) == (404, {"result": None, "error": error, "id": 4})
    assert ask({"jsonrpc": "1.0", "method": "echo"}) == (200, {"result": [], "error": None, "id": None})


def test_version_2() -> None:
    assert ask({"jsonrpc": "2.0", "method": "echo", "params": None, "id": 1}) == (
        200,
        {"jsonrpc": "2.0", "result": [], "id": 1},
    )
    error = {"code": -32601, "message": "Method not found"}
    assert ask({"jsonrpc": "2.0", "method": "x", "id": 1}) == (200, {"jsonrpc": "2.0", "error": error, "id": 1})
    assert ask({"jsonrpc": "2.0", "method": "echo"}) == (204, None)


def test_batches() -> None:
    asked = [{"method": "echo", "id": 1}, {"method": "x", "id": 2}, 3, {"jsonrpc": "2.0", "method": "echo"}]
    status, answers = ask(asked)
    assert status == 200
    assert [answer["id"] for answer in answers] == [1, 2, None]
    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [None, -32601, -32600]
    assert ask([]) == (200, [])
    assert ask([{"jsonrpc": "2.0", "method": "echo"}]) == (204, None)
    assert ask([{"method": "echo"}] * 1001)[0] == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 500, -32700),
        (b"{", 500, -32700),
        (b"\xff\xfe\x00", 500, -32700),
        (b"[" * 100_000, 500, -32700),
        (b"9" * 10_000, 500, -32700),
        (b"7", 400, -32600),
        (b'"x"', 400, -32600),
        (b"null", 400, -32600),
        (b"{}", 400, -32600),
        (b'{"method": 3}', 400, -32600),
        (b'{"method": "echo", "params": 3}', 400, -32600),
        (b'{"method": "echo", "params": {"a": 1}}', 500, -8),
    ],
)
def test_what_is_no_request(body: bytes, status: int, code: int) -> None:
    found, answer = ask(body)
    assert (found, answer["error"]["code"], answer["result"]) == (status, code, None)
