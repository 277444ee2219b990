"""Files that a command writes: refused before the work if need be, and written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..kernels.backend import UsageError


def check_writable(option: str, path: Path, ending: str = "") -> None:
    """Raise `UsageError` where it is plain from the start that the file cannot be written."""
    if ending and path.suffix.lower() != ending:
        raise UsageError(f"{option} writes {ending} files only, and {path} is not called so")
    place = _place(path)
    try:
        if place.exists() and not place.is_file():
            raise UsageError(f"{option} cannot write {path}, which is a directory or a device")
        if not place.parent.is_dir():
            raise UsageError(f"{option} cannot write {path}: there is no directory {place.parent}")
    except OSError as error:
        raise UsageError(f"{option} cannot write {path}: {error.strerror}") from None
    if not os.access(place.parent, os.W_OK):
        raise UsageError(f"{option} cannot write {path}: the directory {place.parent} does not permit it")


def write_whole(option: str, path: Path, text: str) -> None:
    """Replace the file. Raises `UsageError` where that fails; then it is what it was before."""
    with writing(option, path) as file:
        file.write(text.encode())


@contextmanager
def writing(option: str, path: Path) -> Iterator[BinaryIO]:
    """A file that replaces `path` in the end, if no exception leaves the block; else as `write_whole`."""
    place = _place(path)
    draft = place.with_name(f".quorate.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(place)
    except OSError as error:
        raise UsageError(f"{option} cannot write {path}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    """Behind symbolic links, which stay what they are; unlike `Path.resolve`, a circle of them is no error."""
    return Path(os.path.realpath(path))
