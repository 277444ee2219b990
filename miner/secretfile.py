"""A password, or a cookie, in a file of its own, which no list of processes shows."""

from __future__ import annotations

from pathlib import Path

from ..kernels.backend import UsageError

MAX_BYTES = 4096


def read_secret(file: Path, what: str) -> str:
    """The one line in the file. `UsageError`, which repeats nothing of it, calls it the `what` file."""
    try:
        with file.open("rb") as opened:
            found = opened.read(MAX_BYTES)
        text = found.decode().rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"cannot read the {what} file {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the {what} file {file} is no text") from None
    if len(found) == MAX_BYTES or "\n" in text:
        raise UsageError(f"the {what} file {file} has more than one line")
    return text
