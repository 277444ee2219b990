"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quorate.cli.files import check_writable, write_whole
from quorate.kernels.backend import UsageError


def test_a_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file.svg"
    for text in ("first", "été"):
        check_writable("--plot", file, ending=".svg")
        write_whole("--plot", file, text)
        assert file.read_bytes() == text.encode()
        assert [path.name for path in tmp_path.iterdir()] == ["file.svg"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_whole("--save", tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_whole("--save", file, "half of it \ud800")
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_of_the_system_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="^--save cannot write .*: No such file or directory$"):
        write_whole("--save", tmp_path / "nowhere" / "file", "text")


def test_a_directory_that_does_not_permit_it(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="does not permit it"):
        check_writable("--save", tmp_path / "file")
