"""Compiles translated kernels with gcc and launches them on numpy arrays."""

from __future__ import annotations

import ctypes
import random
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .parse import Entry, parse
from .translate import translate

ARRAY_SHIFT = 40

MOST_JUMPS = 1 << 20
"""Of one thread: far more than any test asks for, and a kernel that never ends is found in a moment."""

# Kernels are thousands of instructions in a straight line, and gcc takes longer over them than they run.
GCC = ("gcc", "-std=c11", "-Og", "-shared", "-fPIC", f"-DARRAY_SHIFT={ARRAY_SHIFT}", f"-I{Path(__file__).parent}")

FAULTS = (
    "nothing",
    "an access outside the arrays",
    "a misaligned access",
    "a write to a read-only array",
    "a race",
    "an endless loop",
)

Argument = int | np.integer[Any] | npt.NDArray[Any]


class FaultError(RuntimeError):
    """A kernel did what it must not do on a GPU."""


class _Array(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("users", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("writable", ctypes.c_uint64),
    )


class _Launch(ctypes.Structure):
    _fields_ = (
        ("blocks", ctypes.c_uint32),
        ("threads", ctypes.c_uint32),
        ("parameters", ctypes.POINTER(ctypes.c_uint64)),
        ("arrays", ctypes.POINTER(_Array)),
        ("array_count", ctypes.c_uint64),
        ("junk", ctypes.c_uint64),
        ("most_jumps", ctypes.c_uint64),
        ("line", ctypes.c_uint32),
        ("thread", ctypes.c_uint32),
        ("address", ctypes.c_uint64),
    )


class Kernel:
    """An entry of a PTX module, compiled when it is launched first."""

    def __init__(self, entry: Entry, lines: Sequence[str]) -> None:
        self.name = entry.name
        self._entry = entry
        self._lines = lines
        self._code = translate(entry)

    @cached_property
    def _run(self) -> Callable[[Any, npt.NDArray[np.uint32]], int]:
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "kernel.c"), Path(folder, "kernel.so")
            source.write_text(self._code)
            subprocess.run([*GCC, "-o", library, source], check=True)
            run = ctypes.CDLL(str(library)).run
        run.argtypes = ctypes.POINTER(_Launch), np.ctypeslib.ndpointer(np.uint32, flags="C_CONTIGUOUS")
        run.restype = ctypes.c_uint32
        return run

    def launch(self, blocks: int, threads: int, *arguments: Argument, order: str = "ascending") -> None:
        """Runs `blocks` blocks of `threads` threads, each thread to its end before the next one begins.

        A parameter of 64 bits takes an array, contiguous, or a number; one of 32 bits a number. `order` is
        `ascending`, `descending` or any other text, from which a shuffled order is drawn. Raises `FaultError`,
        which names the thread and the line of PTX, and leaves the arrays as they are by then.
        """
        if self._entry.most_threads is not None and threads > self._entry.most_threads:
            raise ValueError(f"{self.name} is compiled for at most {self._entry.most_threads} threads a block")
        arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
        if any(np.may_share_memory(one, other) for one, other in combinations(arrays, 2)):
            raise ValueError(f"{self.name}: arrays that overlap would hide races")
        users = [np.zeros((array.nbytes, 3), np.uint32) for array in arrays]
        described = [
            _Array(array.ctypes.data, use.ctypes.data, array.nbytes, array.flags.writeable)
            for array, use in zip(arrays, users, strict=True)
        ]
        launch = _Launch(
            blocks=blocks,
            threads=threads,
            parameters=(ctypes.c_uint64 * len(arguments))(*self._parameters(arguments)),
            arrays=(_Array * len(arrays))(*described),
            array_count=len(arrays),
            junk=random.Random(order).getrandbits(64),
            most_jumps=MOST_JUMPS,
        )
        if fault := self._run(launch, _sequence(blocks * threads, order)):
            raise FaultError(self._describe(FAULTS[fault], launch))

    def _parameters(self, arguments: Sequence[Argument]) -> list[int]:
        sizes = self._entry.parameters.values()
        if len(arguments) != len(sizes):
            raise ValueError(f"{self.name} has {len(sizes)} parameters, not {len(arguments)}")
        values, arrays = [], 0
        for argument, bits in zip(arguments, sizes, strict=True):
            if isinstance(argument, np.ndarray):
                if bits != 64 or not argument.flags.c_contiguous:
                    raise ValueError(f"{self.name}: an array is contiguous and takes a parameter of 64 bits")
                arrays += 1
                values.append(arrays << ARRAY_SHIFT)
            elif 0 <= int(argument) < 1 << bits:
                values.append(int(argument))
            else:
                raise ValueError(f"{self.name}: {argument} does not fit into {bits} bits")
        return values

    def _describe(self, fault: str, launch: _Launch) -> str:
        array, offset = (launch.address >> ARRAY_SHIFT) - 1, launch.address % (1 << ARRAY_SHIFT)
        where = f"byte {offset} of array {array}" if 0 <= array < launch.array_count else f"{launch.address:#x}"
        block, thread = divmod(launch.thread, launch.threads)
        code = " ".join(self._lines[launch.line - 1].split())
        return f"{self.name}: {fault} at {where}, by thread {thread} of block {block}, line {launch.line}: {code}"


def load(text: str) -> dict[str, Kernel]:
    """The kernels of a PTX module by name. Raises `RefusedError` for what is not known here."""
    lines = text.splitlines()
    return {entry.name: Kernel(entry, lines) for entry in parse(text)}


def _sequence(threads: int, order: str) -> npt.NDArray[np.uint32]:
    sequence = np.arange(threads, dtype=np.uint32)
    if order == "ascending":
        return sequence
    if order == "descending":
        return sequence[::-1].copy()
    return np.random.default_rng(list(order.encode())).permutation(sequence)
