"""quorate chain serve, in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from quorate.chain.rpc.cookie import authorization

from .conftest import Quorate


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever a test finds out, no process stays behind."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize(("number", "as_json"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals, as_json: bool) -> None:
    cookie = tmp_path / "cookie"
    command = f"chain serve --datadir {tmp_path} --port 0 --cookie {cookie} --device reference"
    process = subprocess.Popen(
        [sys.executable, "-m", "quorate", *command.split(), *["--json"] * as_json],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, ended(process):
        assert process.stdout is not None
        if as_json:
            lines = [process.stdout.readline() for _ in range(7)]
            told = json.loads("".join(lines))
            assert (told["network"], told["height"], told["cookie"]) == ("regtest", 0, str(cookie))
            url = told["url"]
        else:
            url = process.stdout.readline().split()[-1]
        request = Request(
            url, b'{"method": "getblockcount"}', {"Authorization": authorization(cookie.read_text())}
        )
        with urlopen(request, timeout=5) as answer:
            assert json.load(answer)["result"] == 0
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert as_json or out.endswith("ended at height 0, 0 more than at the start\n")
    assert not cookie.exists()


def test_wrong_places_are_one_sentence(quorate: Quorate, tmp_path: Path) -> None:
    where = ("chain", "serve", "--datadir", tmp_path, "--device", "reference", "--port", 0)
    for arguments, words in (
        (("--host", "192.0.2.1"), "cannot listen on 192.0.2.1"),
        (("--cookie", tmp_path / "none" / "cookie"), "cannot write the cookie"),
        (("--network", "moon"), "there is no network 'moon'"),
        (("--port", "99999"), "less than or equal to 65535"),
    ):
        ran = quorate(*where, *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
        assert "Traceback" not in ran.err
