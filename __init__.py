"""Quorate: mining and validation on diverse hardware.

A result is quorate when enough independent machines agree on it, bit for bit. This module is the public
Python interface; `quorate --help` is the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kernels.backend import Backend, Device, DeviceError, Hits, QuorateError, UnavailableError, UsageError
    from .kernels.catalog import devices, open_backend, open_verifier, verifiers
    from .kernels.findings import Finding, findings
    from .kernels.quorum import Quorum
    from .kernels.signatures import Rules, Scheme, SignatureBatch, Verdict

__all__ = [
    "Backend",
    "Device",
    "DeviceError",
    "Finding",
    "Hits",
    "QuorateError",
    "Quorum",
    "Rules",
    "Scheme",
    "SignatureBatch",
    "UnavailableError",
    "UsageError",
    "Verdict",
    "devices",
    "findings",
    "open_backend",
    "open_verifier",
    "verifiers",
]

_HOMES = {
    ".kernels.backend": "Backend Device DeviceError Hits QuorateError UnavailableError UsageError",
    ".kernels.catalog": "devices open_backend open_verifier verifiers",
    ".kernels.findings": "Finding findings",
    ".kernels.quorum": "Quorum",
    ".kernels.signatures": "Rules Scheme SignatureBatch Verdict",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `quorate --help` need not load NumPy."""
    for home, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(home, __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
