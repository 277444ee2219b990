"""A password for one run, in a file that only its owner can read (as Bitcoin Core's `.cookie`)."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from ...kernels.backend import UsageError

_USER = "__cookie__"


def new_cookie() -> str:
    """Name and password, with a colon in between."""
    return f"{_USER}:{token_hex(32)}"


def authorization(cookie: str) -> str:
    """What the HTTP header of that name says to whom the cookie is known."""
    return "Basic " + b64encode(cookie.encode()).decode()


@contextmanager
def written(cookie: str, path: Path) -> Iterator[None]:
    """The cookie is in a file while the block runs. `UsageError` where the file cannot be written."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        # Its mode is right from the first moment on, and whoever reads it never sees half of it.
        with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(cookie)
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"cannot write the cookie {path}: {error.strerror}; choose another file by --cookie"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
