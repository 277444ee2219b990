"""Where a pool is, and where it may send its miners."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ...kernels.backend import UsageError

_FORMS = "stratum+tcp://HOST:PORT, stratum+ssl://HOST:PORT or stratum+ssl-unverified://HOST:PORT"

_SCHEMES = {"stratum+tcp": (False, True), "stratum+ssl": (True, True), "stratum+ssl-unverified": (True, False)}
"""Whether there is TLS, and whether a certificate must be trusted by the system."""

_HOST_BYTES = 253
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class PoolAddress:
    """One pool: `str` gives back its URL."""

    scheme: str
    host: str
    """A name of ASCII labels or an IP address, in lower case and without brackets."""

    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def tls(self) -> bool:
        return _SCHEMES[self.scheme][0]

    @property
    def verified(self) -> bool:
        """Whether the certificate must be the host's own, signed by an authority that the system trusts."""
        return _SCHEMES[self.scheme][1]

    def moved(self, host: str, port: int) -> PoolAddress | None:
        """Where `client.reconnect` leads; None where it leaves this pool's domain, or leads nowhere.

        Whoever can write into an unencrypted connection could otherwise send the miner to a pool of theirs.
        """
        host = (host or self.host).lower()
        port = port or self.port
        if not _is_host(host) or not 0 < port < 1 << 16:
            return None
        domain = _domain(self.host)
        within = host == self.host or (domain is not None and host.endswith("." + domain))
        return replace(self, host=host, port=port) if within else None


def parse_pools(text: str) -> tuple[PoolAddress, ...]:
    """Pools from their URLs with commas between, the best first. Raises `UsageError` for a wrong one."""
    return tuple(_parse(part.strip()) for part in text.split(","))


def _parse(url: str) -> PoolAddress:
    shown = re.sub(r"//[^/]*@", "//…@", url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the pool {shown!r} is not an address ({error}); it should be {_FORMS}") from None
    if "@" in parts.netloc:
        raise UsageError(f"the pool {shown!r} names a user in its address; that belongs into --user")
    if parts.scheme not in _SCHEMES:
        raise UsageError(f"the pool {shown!r} does not begin with a protocol that is known; it should be {_FORMS}")
    host = parts.hostname or ""
    if not _is_host(host):
        raise UsageError(f"the pool {shown!r} has no host that could exist; it should be {_FORMS}")
    if not port:
        raise UsageError(f"the pool {shown!r} lacks a port from 1 to 65535; it should be {_FORMS}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UsageError(f"the pool {shown!r} has something after its port; it should be {_FORMS}")
    return PoolAddress(parts.scheme, host, port)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_host(host: str) -> bool:
    """Whether a resolver can be asked for it; names in other letters are written in Punycode."""
    return _is_ip(host) or (
        len(host) <= _HOST_BYTES and all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
    )


def _domain(host: str) -> str | None:
    """What hosts of one owner end with: `pool.org` for `eu.pool.org`; None for an IP address.

    Without the list of public suffixes, two labels are a domain unless they look like `co.uk`, which is a
    registry's: at most three letters below a country's two. A host that is too short is its own domain.
    """
    if _is_ip(host):
        return None
    labels = host.split(".")
    parent = labels[1:]
    registry = len(parent) < 2 or (len(parent) == 2 and len(parent[1]) == 2 and len(parent[0]) <= 3)
    return host if registry else ".".join(parent)
