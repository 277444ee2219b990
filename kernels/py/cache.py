"""Compilation by Numba, with machine code kept on disk that is never stale.

Numba's own cache watches the file that holds a function. Our kernels are emitted by several files, so an edit of
`sha256.py` would go unnoticed. Here the name of the cache's folder is a fingerprint of everything that the machine
code follows from: this family's sources, those beside the kernel, the compilers and the processor. What lies in
such a folder never changes its meaning, so processes may fill it at the same time.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from platformdirs import user_cache_path

# Numba's dispatchers and caches have no public way to say where the files go, and no complete types.
# mypy: disable-error-code="no-untyped-call"

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

log = logging.getLogger(__name__)

OWN = Path(__file__).parent


def compiled(function: Kernel, signature: Any, lanes: int | None = None) -> Kernel:
    """The function as machine code for one signature, free of Python's lock so that threads run in parallel.

    Of its kernels for different numbers of lanes each has its own; None where there is but one.
    """
    # Names the file on disk.
    function.__qualname__ = function.__name__ if lanes is None else f"{function.__name__}_{lanes}_lanes"
    dispatcher: Any = numba.njit(nogil=True)(function)
    dispatcher._cache = _KernelCache(function)
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    return cast(Kernel, dispatcher)


@cache
def folder(beside: Path = OWN) -> Path:
    """Where the machine code for this processor, made from these sources by these compilers, lies.

    `beside` is the folder that holds the kernels' own text, where that is not this one.
    """
    processor = cpu_target.target_context.codegen().magic_tuple()
    digest = hashlib.sha256(repr((sys.version, numba.__version__, llvmlite.__version__, processor)).encode())
    for source in sorted({*OWN.glob("*.py"), *beside.glob("*.py")}):
        digest.update(source.name.encode() + hashlib.sha256(source.read_bytes()).digest())
    return user_cache_path("quorate") / "kernels" / digest.hexdigest()


class _Locator(_CacheLocator):
    def __init__(self, function: Callable[..., Any]) -> None:
        self._beside = Path(function.__code__.co_filename).parent

    def get_cache_path(self) -> str:
        return str(folder(self._beside))

    def get_source_stamp(self) -> str:
        return ""

    def get_disambiguator(self) -> str:
        return ""


class _Implementation(CompileResultCacheImpl):
    """Numba's way to store a function, for one place whatever NUMBA_CACHE_DIR says."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function)
        self._filename_base = function.__qualname__


class _KernelCache(FunctionCache):
    """Numba's cache of one function, in our folder; one that cannot be used costs time and nothing else."""

    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._name = function.__qualname__.replace("_", " ")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        loaded = self._load(sig, target_context)
        if loaded is None:
            log.info("compiling %s for this processor; later starts take it from disk", self._name)
        return loaded

    def _load(self, sig: Any, target_context: Any) -> Any:
        try:
            # In Numba's own method everything that a kernel could be made of is imported first, for 0.15 s.
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001  damaged files fail to load in every possible way
            log.warning("kernels are compiled anew, as those in %s cannot be read: %s", self.cache_path, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            self._impl.locator.ensure_cache_path()
            self.flush()  # what had to be compiled again was missing or damaged, and a file holds one function
            super().save_overload(sig, data)
        except OSError as error:
            log.warning("kernels will be compiled anew next time, as %s is closed: %s", self.cache_path, error)
