"""JSON-RPC as Bitcoin Core speaks it: what is asked for, and how answers and errors are wrapped.

Requests without `"jsonrpc": "2.0"` are answered as in version 1: result and error stand side by side, and an
error shows in the HTTP status too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import IntEnum
from http import HTTPStatus
from typing import Any

MAX_BATCH = 1000
"""Requests in one body."""


class Code(IntEnum):
    """Numbers of errors, those of Bitcoin Core's `rpc/protocol.h`."""

    MISC = -1
    TYPE = -3
    ADDRESS_OR_KEY = -5
    PARAMETER = -8
    NOT_CONNECTED = -9
    DATABASE = -20
    DESERIALIZATION = -22
    REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    PARSE = -32700


class RpcError(Exception):
    """What a caller did wrong, or what went wrong here."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


Call = Callable[[str, list[object]], object]
"""From a method and its parameters to the result, which has a JSON form, or to an `RpcError`."""

_STATUS = {Code.REQUEST: HTTPStatus.BAD_REQUEST, Code.METHOD_NOT_FOUND: HTTPStatus.NOT_FOUND}
"""Of an error in version 1; 500 for those that are not here."""


def respond(body: bytes, call: Call) -> tuple[HTTPStatus, bytes]:
    """The answer to a request or a batch of them; no bytes where nothing is to be answered."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return _rejected(RpcError(Code.PARSE, "Parse error"))
    if not isinstance(asked, list):
        status, answer = _respond_one(asked, call)
        return status, b"" if answer is None else _text(answer)
    if len(asked) > MAX_BATCH:
        return _rejected(RpcError(Code.REQUEST, f"A batch has at most {MAX_BATCH} requests"))
    answers = [answer for _, answer in (_respond_one(one, call) for one in asked) if answer is not None]
    if asked and not answers:
        return HTTPStatus.NO_CONTENT, b""
    return HTTPStatus.OK, _text(answers)


def _respond_one(asked: object, call: Call) -> tuple[HTTPStatus, dict[str, Any] | None]:
    name = asked.get("id") if isinstance(asked, dict) else None
    modern = isinstance(asked, dict) and asked.get("jsonrpc") == "2.0"
    status = HTTPStatus.OK
    try:
        method, params = _read(asked)
        result = call(method, params)
        answer = {"jsonrpc": "2.0", "result": result} if modern else {"result": result, "error": None}
        answer["id"] = name
    except RpcError as error:
        status, answer = _failed(name, error, modern)
    if modern and isinstance(asked, dict) and "id" not in asked:
        return HTTPStatus.NO_CONTENT, None  # a notification
    return status, answer


def _read(asked: object) -> tuple[str, list[object]]:
    if not isinstance(asked, dict):
        raise RpcError(Code.REQUEST, "Invalid Request object")
    method, params = asked.get("method"), asked.get("params")
    if method is None:
        raise RpcError(Code.REQUEST, "Missing method")
    if not isinstance(method, str):
        raise RpcError(Code.REQUEST, "Method must be a string")
    if params is None:
        params = []
    if isinstance(params, dict):
        raise RpcError(Code.PARAMETER, "Parameters are taken by place here, as an array, and not by name")
    if not isinstance(params, list):
        raise RpcError(Code.REQUEST, "Params must be an array")
    return method, params


def _failed(name: object, error: RpcError, modern: bool) -> tuple[HTTPStatus, dict[str, Any]]:
    told = {"code": int(error.code), "message": error.message}
    if modern:
        return HTTPStatus.OK, {"jsonrpc": "2.0", "error": told, "id": name}
    status = _STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return status, {"result": None, "error": told, "id": name}


def _rejected(error: RpcError) -> tuple[HTTPStatus, bytes]:
    """Of a body in which no request can be told."""
    status, answer = _failed(None, error, modern=False)
    return status, _text(answer)


def _text(answer: object) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
