"""`quorate`: the command line, run in this process so that warm devices stay warm."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from quorate.cli.app import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Quorate = Callable[..., Ran]


@pytest.fixture
def quorate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Quorate]:
    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["quorate", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        code = exited.value.code
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    yield run
    # The handler holds this test's captured stderr.
    logging.getLogger().handlers.clear()
