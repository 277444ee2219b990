"""Signatures on an OpenCL device: chunks of a batch through the queue, while the host prepares the next ones."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyopencl as cl

from .c.choices import Choice
from .c.host import QUEUED
from .c.signatures import CURVES, STATE_BYTES, arrays, chunks, numbers, source, steps, table
from .opencl import build, failures_of
from .signatures import Codes, Scheme, SignatureBatch

log = logging.getLogger(__name__)

PER_UNIT = 4096
"""Signatures of a chunk for each compute unit, if there is memory for them: long against what a launch costs."""

RUNS_PER_UNIT = 8
"""Inversions of a chunk for each compute unit: enough to share them out evenly."""

LONGEST_RUN = 64
"""Groups that share an inversion: with more of them, there is little left to save."""


class OpenCLVerifier:
    """One device's queue for signatures, and the programs for each curve, built when it is first used.

    `chunk` signatures of a scheme are on the device at a time, or what its memory and its units make of that.
    """

    def __init__(self, name: str, device: cl.Device, choice: Choice, chunk: int | None = None) -> None:
        self._name = name
        self._choice = choice
        self._units = device.max_compute_units
        room = min(device.max_mem_alloc_size, device.global_mem_size // 8) // STATE_BYTES
        self._chunk = max(1, (chunk or min(PER_UNIT * self._units, room)) // choice.width) * choice.width
        self._programs: dict[str, tuple[dict[str, cl.Kernel], cl.Buffer]] = {}
        with failures_of(name):
            self._context = cl.Context([device])
            self._queue = cl.CommandQueue(self._context)
            self._state = cl.Buffer(self._context, cl.mem_flags.READ_WRITE, self._chunk * STATE_BYTES)

    def verify(self, batch: SignatureBatch) -> Codes:
        codes = np.empty(len(batch), np.uint8)
        queued: deque[Callable[[], None]] = deque()
        for scheme in Scheme:
            for rows in chunks(batch, scheme, self._chunk):
                if len(queued) == QUEUED:
                    queued.popleft()()
                queued.append(self._launch(scheme, batch.take(rows), rows, codes))
        while queued:
            queued.popleft()()
        return codes

    def _launch(
        self, scheme: Scheme, part: SignatureBatch, rows: npt.NDArray[np.int64], codes: Codes
    ) -> Callable[[], None]:
        """Queues a chunk; what is returned waits for its codes and puts them where they belong."""
        with failures_of(self._name):
            kernels, generator = self._program(CURVES[scheme])
            given = arrays(part, self._choice.width)
            found = np.empty(len(given["signatures"]), np.uint32)
            results = cl.Buffer(self._context, cl.mem_flags.READ_WRITE, found.nbytes)
            arguments: dict[str, cl.Buffer | np.uint32] = {
                **{name: self._buffer(array) for name, array in given.items()},
                **{name: np.uint32(number) for name, number in numbers(part).items()},
                "table": generator,
                "state": self._state,
                "codes": results,
            }
            groups = len(found) // self._choice.width
            run = max(1, min(LONGEST_RUN, groups // (RUNS_PER_UNIT * self._units)))
            for step in steps(scheme, part.rules.ed25519):
                sizes = (groups, run) if step.shares else (groups,)
                values = *(arguments[name] for name in step.arguments), *map(np.uint32, sizes)
                self._enqueue(kernels[step.kernel], -(-groups // run) if step.shares else groups, *values)
            done = cl.enqueue_copy(self._queue, found, results, is_blocking=False)
            self._queue.flush()

        def collect() -> None:
            with failures_of(self._name):
                done.wait()
            codes[rows] = found[: len(rows)]

        return collect

    def _enqueue(self, kernel: cl.Kernel, items: int, *arguments: cl.Buffer | np.uint32) -> None:
        local = self._choice.local
        kernel(self._queue, (-(-items // local) * local,), (local,), *arguments)

    def _buffer(self, array: npt.NDArray[np.generic]) -> cl.Buffer:
        return cl.Buffer(self._context, cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR, hostbuf=array)

    def _program(self, curve: str) -> tuple[dict[str, cl.Kernel], cl.Buffer]:
        if curve not in self._programs:
            log.info(
                "building the kernels of %s for %s; later starts take them from the driver's cache",
                curve,
                self._name,
            )
            program = build(self._context, source(curve), self._choice)
            kernels = {kernel.function_name: kernel for kernel in program.all_kernels()}
            self._programs[curve] = kernels, self._buffer(table(curve))
        return self._programs[curve]
