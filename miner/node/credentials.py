"""Who we are to a node: the cookie that it writes at each start, or a user with a password."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from ...kernels.backend import UsageError
from ..secretfile import read_secret
from ..work import SourceError
from .errors import NodeError


class Credentials:
    """Name and password for HTTP's basic authentication, read anew from their file each time.

    Nothing of it is ever shown.
    """

    def __init__(self, file: Path | None, user: str | None = None) -> None:
        """`file` holds the password of `user`, or without one a cookie, `name:password`. No file, no password."""
        if user is not None and ":" in user:
            raise SourceError("a user's name has no colon in it")
        self._file, self._user = file, user

    @property
    def may_change(self) -> bool:
        """Whether the node writes them itself, so that others may be right after it has restarted."""
        return self._user is None

    def header(self) -> str:
        """What the Authorization header says. `NodeError` where the file cannot be read, or holds none."""
        text = "" if self._file is None else self._read(self._file)
        pair = text if self._user is None else f"{self._user}:{text}"
        if ":" not in pair:
            raise NodeError(f"{self._file} is no cookie: NAME:PASSWORD is expected in one line")
        return "Basic " + b64encode(pair.encode()).decode()

    def _read(self, file: Path) -> str:
        try:
            return read_secret(file, "cookie" if self.may_change else "password")
        except UsageError as error:
            hint = "; the node writes it when it starts" if self.may_change else ""
            raise NodeError(f"{error}{hint}") from None
