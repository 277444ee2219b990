"""The settings of `quorate mine` in a TOML file: named like the options, without their dashes.

    pool = "stratum+tcp://pool.example:3333"
    user = "worker"
    password-file = "/home/me/pool-password"
    load = 50

What is given on the command line counts before what is in the file. A password has no place in either: the
file that holds it does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

from ..kernels.backend import UsageError

SECRETS = ("password", "pass", "rpcpassword")
"""What people call what must not be in the file."""

URLS = ("node", "pool")
"""Settings in which people write a password between user and host."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `quorate mine` can be told about how to mine. None is what was not said."""

    node: str | None = None
    """URL of a node's JSON-RPC."""

    cookie: Path | None = None
    address: str | None = None
    empty: bool = False
    pool: str | None = None
    """URLs of pools, separated by commas: the first one that answers is used."""

    user: str | None = None
    password_file: Path | None = None
    devices: str | None = None
    """Names separated by commas."""

    load: float = 100.0
    """Percent of the time that devices work."""

    nice: int = 0
    """Added to the niceness of the devices' processes."""

    canaries: float = 0.5
    """Percent of the work that is canaries."""

    hottest: float | None = None
    """Degrees Celsius above which a device rests."""

    most_watts: float | None = None
    api: str | None = None
    quiet: bool = False
    json: bool = False


def settings(given: Mapping[str, object], file: Path | None = None) -> Settings:
    """What was given, by field, else what the file says, else the defaults.

    A value of None in `given` is one that was not given. Raises `UsageError` where the file cannot be read, or
    has a key or a value that does not belong there.
    """
    values = read(file) if file is not None else {}
    return Settings(**{**values, **{name: value for name, value in given.items() if value is not None}})


def read(file: Path) -> dict[str, Any]:
    """The settings in a file by field, checked."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}") from None
    kinds = get_type_hints(Settings)
    values = {}
    for key, value in document.items():
        if key.lower().replace("-", "_") in SECRETS:
            raise UsageError(f"{file}: {key} does not belong here; name a file that holds it with password-file")
        name = key.replace("-", "_")
        if name not in kinds:
            raise UsageError(f"{file}: there is no setting {key!r}{_meant(key, list(kinds))}")
        values[name] = _checked(f"{file}: {key}", value, kinds[name])
    return values


def as_toml(chosen: Settings) -> str:
    """The settings as a file that says the same. What was not said is left out, and so are passwords in URLs."""
    lines = []
    for field in fields(chosen):
        value = getattr(chosen, field.name)
        if field.name in URLS and value is not None:
            value = without_password(value)
        if value is not None:
            lines.append(f"{_option(field.name)} = {_toml(value)}\n")
    return "".join(lines)


def without_password(url: str) -> str:
    """A URL, or several separated by commas, without what stands between user and host."""
    shown = []
    for one in url.split(","):
        parts = urlsplit(one)
        user, at, host = parts.netloc.rpartition("@")
        shown.append(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}").geturl())
    return ",".join(shown)


def _meant(key: str, names: list[str]) -> str:
    close = get_close_matches(key.replace("-", "_"), names, 1)
    return f"; did you mean {_option(close[0])}?" if close else f"; there are {', '.join(map(_option, names))}"


def _option(name: str) -> str:
    return name.replace("_", "-")


def _checked(where: str, value: object, kind: Any) -> object:
    """A value of TOML as one of the field's type."""
    kind = next((its for its in get_args(kind) if its is not NoneType), kind)
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        wanted = {str: "text in quotes", Path: "text in quotes", bool: "true or false", int: "a whole number"}
        raise UsageError(f"{where} is {wanted.get(kind, 'a number')}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(int(value)) if value == int(value) else repr(value)
    escaped = "".join(f"\\u{ord(c):04X}" if c < " " or c in '"\\\x7f' else c for c in str(value))
    return f'"{escaped}"'
