"""Settings in a file: read, refused with a reason, overruled by the command line, and shown without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from quorate.kernels.backend import UsageError
from quorate.miner.config import Settings, as_toml, read, settings, without_password


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_a_file_says_it_all(file: Path) -> None:
    file.write_text(
        'pool = "stratum+tcp://pool.example:3333"\nuser = "w"\npassword-file = "/p"\nload = 50\nhottest = 82.5\n'
        "nice = 5\nempty = true\n"
    )
    assert settings({}, file) == Settings(
        pool="stratum+tcp://pool.example:3333",
        user="w",
        password_file=Path("/p"),
        load=50.0,
        hottest=82.5,
        nice=5,
        empty=True,
    )


def test_the_command_line_counts_first(file: Path) -> None:
    file.write_text('load = 50\ndevices = "cpu"\n')
    assert settings({"load": 75.0, "devices": None, "quiet": True}, file) == Settings(
        load=75.0, devices="cpu", quiet=True
    )
    assert settings({"load": 75.0}) == Settings(load=75.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('devcies = "cpu"', "there is no setting 'devcies'; did you mean devices?"),
        ("xyzzy = 1", "there is no setting 'xyzzy'; there are node, cookie, .*password-file"),
        ('load = "high"', "load is a number, not 'high'"),
        ("load = true", "load is a number, not true"),
        ("nice = 1.5", "nice is a whole number, not 1.5"),
        ("quiet = 1", "quiet is true or false, not 1"),
        ("api = 4028", "api is text in quotes, not 4028"),
        ("password-file = 7", "password-file is text in quotes, not 7"),
        ('[pool]\nurl = "x"', "pool is text in quotes, not "),
        ("load = \nnice = 1", "is not TOML: .*line 1"),
        ('password = "hunter2"', "password does not belong here; name a file that holds it with password-file"),
        ('Pass = "hunter2"', "Pass does not belong here"),
    ],
)
def test_what_does_not_belong_there_is_named(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=f"mine.toml.*{said}") as caught:
        read(file)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config cannot read .*nowhere.toml: No such file"):
        read(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'user = "\xff"')
    with pytest.raises(UsageError, match=r"latin.toml is not TOML"):
        read(tmp_path / "latin.toml")


def test_what_is_printed_is_a_file_that_says_the_same(file: Path) -> None:
    chosen = Settings(
        node="http://127.0.0.1:8332",
        cookie=Path('/tmp/with "quotes"\n'),
        user="Zoë\\",
        load=12.5,
        nice=-3,
        empty=True,
        most_watts=1_000_000.0,
    )
    file.write_text(as_toml(chosen))
    assert settings({}, file) == chosen
    file.write_text(as_toml(Settings()))
    assert settings({}, file) == Settings()


def test_what_is_printed_has_no_passwords(file: Path) -> None:
    chosen = Settings(
        node="http://alice:secret@127.0.0.1:8332/wallet",
        pool="stratum+tcp://w.1:secret@a.example:1,stratum+ssl://b.example:2,stratum+tcp://:secret@[::1]:3",
        password_file=Path("/p"),
    )
    file.write_text(as_toml(chosen))
    assert "secret" not in file.read_text()
    assert read(file)["node"] == "http://alice@127.0.0.1:8332/wallet"
    assert read(file)["pool"] == "stratum+tcp://w.1@a.example:1,stratum+ssl://b.example:2,stratum+tcp://@[::1]:3"
    assert read(file)["password_file"] == Path("/p")


def test_urls_without_a_password_stay_as_they_are() -> None:
    for url in ("http://127.0.0.1:8332", "stratum+tcp://user@host:1,stratum+ssl://h:2", "host:3333"):
        assert without_password(url) == url


def test_a_home_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    file.write_text('cookie = "~/.bitcoin/.cookie"')
    assert read(file)["cookie"] == Path("/home/alice/.bitcoin/.cookie")
