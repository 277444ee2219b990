"""What each driver likes: one table, found by measuring, for everything that differs between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi2"})
"""What `WORKER` in dialect.h asks of the processor, by the names of Linux."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How to compile the kernels for a driver and how to launch them; the first four are for dialect.h."""

    width: int = 1
    chains: int = 1
    rotate: bool = False
    avx512: bool = False
    versions: int = 0
    """Chains of `search_versions` where that needs more of them: one lane has nothing to share the message
    schedule with. Its items are fewer by as much, because each of them needs more registers."""
    items_per_unit: int = 32
    """Work items for each of the device's compute units: enough to keep it busy, no more."""
    local: int = 1
    """Work items of a group; `items_per_unit` is a multiple of it."""
    seconds: float = 0.05
    """What a launch should take: long against its overhead, short for somebody who presses Ctrl-C."""

    @property
    def name(self) -> str:
        """What tells it from the other choices for the same driver: `16x2`, `8x1`, `1x1 rotate`."""
        return f"{self.width}x{self.chains}{' rotate' * self.rotate}"

    @property
    def lanes(self) -> int:
        return self.width * self.chains

    @property
    def for_versions(self) -> Choice:
        """How to compile and launch `search_versions`."""
        if not self.versions:
            return self
        return replace(self, chains=self.versions, items_per_unit=self.items_per_unit // self.versions)

    @property
    def for_signatures(self) -> Choice:
        """How to compile and launch what verifies signatures: with 64-bit lanes, half as many in a vector."""
        return replace(self, width=max(1, self.width // 2), chains=1, versions=0)

    @property
    def options(self) -> list[str]:
        """Compiler options."""
        numbers = ("WIDTH", self.width), ("CHAINS", self.chains)
        flags = ("ROTATE", self.rotate), ("AVX512", self.avx512)
        return [f"-D{name}={value}" for name, value in numbers] + [f"-D{name}" for name, wanted in flags if wanted]


# Four groups of 256 are what a multiprocessor holds at once if a thread has at most 64 registers. Of up to
# four versions a thread, four need the fewest instructions a hash; their 256 registers leave one group.
CUDA = Choice(versions=4, items_per_unit=1024, local=256, seconds=0.2)
GPU = Choice(rotate=True, versions=4, items_per_unit=2048, local=256, seconds=0.2)
# Three-input logic needs 512-bit registers; with the 16 registers of AVX2 a second chain only spills.
CPU_512 = Choice(width=16, chains=2)
CPU_256 = Choice(width=8)
CPU_128 = Choice(width=4)
# Makes its vectors from the work items of a group, and knows nothing better to do with ours.
RUSTICL = Choice(items_per_unit=1024, local=64)
# Interprets one instruction at a time, and not those that shifts would become.
OCLGRIND = Choice(rotate=True, versions=2, items_per_unit=16)

INTEL = "Intel(R) OpenCL"
"""The platform of Intel's driver for processors."""


def choose(platform: str, *, gpu: bool, features: frozenset[str]) -> Choice:
    """The choice for a driver by its platform's name, on a processor with these features."""
    if platform == "Oclgrind":
        return OCLGRIND
    if platform == "rusticl" and not gpu:
        return RUSTICL
    if gpu:
        return GPU
    if features >= AVX512:
        # PoCL leaves AVX-512 unused unless told; Intel's compiler uses it on its own.
        return replace(CPU_512, avx512=platform == "Portable Computing Language")
    return CPU_256 if "avx2" in features else CPU_128


def alternatives(platform: str, default: Choice) -> list[Choice]:
    """What a calibration compares with a driver's default; the default is the first."""
    # The compilers of Intel and of rusticl take minutes for some of the alternatives.
    if platform == INTEL or default in (OCLGRIND, RUSTICL):
        return [default]
    if default.width == 1:
        shapes = [(1, 1), (1, 2)]
    else:
        shapes = [(width, chains) for width in (4, 8, 16) for chains in (1, 2) if width <= default.width]
    others = [replace(default, width=width, chains=chains) for width, chains in shapes]
    if not default.avx512:  # whose functions must not call built-ins on vectors; see dialect.h
        others.append(replace(default, rotate=not default.rotate))
    return [default, *(choice for choice in others if choice != default)]


def cpu_features() -> frozenset[str]:
    """Instruction sets of this machine's processor that the system lets programs use.

    Empty where Linux is not there to tell, which costs speed and nothing else.
    """
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return frozenset()
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((frozenset(value.split()) for key, _, value in lines if key.strip() == "flags"), frozenset())
