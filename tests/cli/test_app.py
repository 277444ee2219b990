"""The command line as a whole: quick to start, clear when refused."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from .conftest import Quorate

COMMANDS = ["devices", "mine", "compare", "validate", "verify", "chain", "bench"]

# Which of the libraries that take long to load a run imports.
HEAVY = "numpy numba llvmlite pyopencl cupy rich.progress httpx cryptography"


def imported_by(*arguments: str) -> set[str]:
    code = (
        f"import sys; sys.argv = {['quorate', *arguments]!r}\n"
        "from quorate.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('imported', *[m for m in {HEAVY.split()!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    last = ran.stdout.splitlines()[-1].split()
    assert last[0] == "imported"
    return set(last[1:])


def test_help_is_there_at_once(quorate: Quorate) -> None:
    ran = quorate("--help")
    assert ran.code == 0
    assert all(command in ran.out for command in COMMANDS)
    assert "Exit codes" in ran.out
    assert imported_by("--help") == set()


def test_help_takes_less_than_a_third_of_a_second() -> None:
    """Best of several, since the machine may be busy with other tests."""
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        ran = subprocess.run([sys.executable, "-m", "quorate", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
        assert b"Exit codes" in ran.stdout
    assert min(seconds) < 0.3


def test_no_command_imports_what_it_does_not_use() -> None:
    assert imported_by("validate", "headers", "nowhere") <= {"numpy", "rich.progress"}
    mining = imported_by(
        "mine", "--header", "00" * 80, "--target", "ff" * 32, "--count", "1", "--devices", "reference"
    )
    # the reference says which OpenSSL would verify signatures
    assert mining <= {"numpy", "rich.progress", "cryptography"}


def test_help_tells_defaults_that_depend_on_the_machine(quorate: Quorate) -> None:
    for command in (("bench",), ("compare",), ("verify",), ("bench", "signatures")):
        assert "[default: " in quorate(*command, "--help").out


def test_version(quorate: Quorate) -> None:
    ran = quorate("--version")
    assert (ran.code, ran.out.strip()) == (0, version("quorate"))


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["mine", "--nonsense"], ["bench", "--rounds", "0"], ["mine", "--count", "1e6"]]
)
def test_wrong_usage_is_one_sentence_and_exits_with_2(quorate: Quorate, arguments: list[str]) -> None:
    ran = quorate(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("quorate: ")
    assert len(ran.err.splitlines()) == 1
    assert quorate(*arguments, "--json").json["error"] == ran.err.removeprefix("quorate: ").strip()


def test_refusals_are_json_too_where_asked_for(quorate: Quorate) -> None:
    ran = quorate("mine", "--devices", "gpu", "--json")
    assert ran.code == 2
    assert "no device 'gpu'" in ran.json["error"]
    assert ran.err.startswith("quorate: there is no device")


def test_an_error_that_nobody_foresaw_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from quorate.cli import app

    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(SystemExit) as exited:
        app.main()
    assert exited.value.code == 70
    assert "ZeroDivisionError" in capsys.readouterr().err
