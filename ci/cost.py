"""What a hash costs on NVIDIA's hardware, read from the machine code; needs no GPU.

    python ci/cost.py [--json] [ARCHITECTURE ...]

prints registers, spilled bytes and instructions per hash for every kernel of both roads (see cuda_roads.py), by
default for compute capabilities 7.5, 8.0, 9.0 and 12.0, given as 75, 80, 90, 120. Exits with 1 when a ceiling is
exceeded, and with 2 when a tool is missing.

Instructions per hash are those of the innermost loop that hashes, from its first to its last address, divided by
the hashes of one pass. So what is done with a hit counts, if it lies there, though it hardly ever runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from cuda_roads import ROADS

ARCHITECTURES = (75, 80, 90, 120)


class Ceiling(NamedTuple):
    """The most that a kernel may take on any architecture."""

    instructions: int
    """For a hash, which is two blocks of SHA-256 less what the job fixes; for `hash_headers` it is all three."""
    registers: int
    """A multiprocessor has 65,536: with 64 for each thread it holds 1,024 threads, with 128 half as many."""
    spilled: int = 0


# As measured with numba-cuda 0.30.4 and CUDA 13.5; in comments for 75, 80, 90 and 120: instructions; registers.
# The aim on 90 is 2,480 for a search and 2,200 with version rolling.
CEILINGS = {
    ("numba-cuda", "scan"): Ceiling(2477, 49),  # 2,477 2,474 2,470 2,471; 49 32 32 39
    ("numba-cuda", "roll"): Ceiling(2195, 96),  # 2,193.5 2,192 2,194.25 2,192.25; 80 80 80 96
    ("numba-cuda", "fingerprint"): Ceiling(2572, 55),  # 2,571 2,572 2,570 2,571; 55 40 40 40
    ("numba-cuda", "hash_headers"): Ceiling(4071, 54),  # 4,070 4,071 4,069 4,068; 54 40 40 40
    ("NVRTC", "search"): Ceiling(2482, 64),  # 2,482 2,479 2,476 2,479; 63
    ("NVRTC", "search_versions"): Ceiling(2196, 255),  # 2,188.75 2,187 2,187.25 2,195.25; 247 245 247 255
    ("NVRTC", "fingerprint"): Ceiling(2574, 64),  # 2,571 2,571 2,571 2,574; 64
    ("NVRTC", "hash_headers"): Ceiling(4101, 64),  # 4,097 4,098 4,101 4,086; 48 48 47 48
}

LEAST_SHIFTS = 600
"""Of a hash: six rotations in each of 100 rounds. There are 128 of them, of which a search leaves out a few."""

INSTRUCTION_BYTES = 16


@dataclass(frozen=True)
class Cost:
    road: str
    architecture: int
    kernel: str
    registers: int
    spilled: int
    """Bytes."""
    instructions: float
    """For a hash."""
    ceiling: Ceiling

    @property
    def excesses(self) -> list[str]:
        compared = {
            "instructions per hash": (self.instructions, self.ceiling.instructions),
            "registers": (self.registers, self.ceiling.registers),
            "bytes spilled": (self.spilled, self.ceiling.spilled),
        }
        return [f"{value:,g} {what}, at most {most:,}" for what, (value, most) in compared.items() if value > most]


class Instruction(NamedTuple):
    address: int
    opcode: str
    operands: str

    @property
    def shifts(self) -> bool:
        """Or rotates: that is the same instruction."""
        return self.opcode.startswith("SHF.")

    @property
    def target(self) -> int | None:
        """Where a branch goes."""
        is_branch = self.opcode.partition(".")[0] == "BRA"
        return int(self.operands.rpartition(",")[2], 16) if is_branch else None

    @property
    def fills(self) -> bool:
        """Stands behind a kernel's end: nothing, or an endless loop of nothing."""
        return self.opcode == "NOP" or self.target == self.address


def missing() -> str:
    """What has to be installed to count; empty if it is all there."""
    here = {
        "numba-cuda": find_spec("numba_cuda"),
        "CuPy": find_spec("cupy"),
        "nvidia-cuda-nvdisasm": nvdisasm(),
    }
    absent = [name for name, found in here.items() if found is None]
    return f"not installed: {', '.join(absent)}; pip install 'quorate[dev]' brings it" if absent else ""


def nvdisasm() -> Path | None:
    """The disassembler that pip brought, which knows the cubins of pip's assemblers."""
    try:
        listed = files("nvidia-cuda-nvdisasm") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if file.stem == "nvdisasm"), None)


@cache
def disassemble(cubin: bytes) -> dict[str, list[Instruction]]:
    """The instructions of each kernel, without those that only fill the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "kernels.cubin")
        file.write_bytes(cubin)
        command = [str(nvdisasm()), "-json", str(file)]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    _, functions = json.loads(text)
    return {function["function-name"]: list(_instructions(function)) for function in functions}


def _instructions(function: dict[str, Any]) -> Iterator[Instruction]:
    for place, entry in enumerate(function["sass-instructions"]):
        address = function["start"] + INSTRUCTION_BYTES * place
        instruction = Instruction(address, entry["opcode"], entry.get("operands", ""))
        if not instruction.fills:
            yield instruction


def hashing_loop(code: Sequence[Instruction], hashes: int) -> Sequence[Instruction]:
    """The shortest loop that shifts as often as so many hashes must; the whole kernel, if it has no such loop.

    Raises `ValueError` if the kernel does not either, so nobody can claim more hashes than are done.
    """
    loops = [
        [inside for inside in code if target <= inside.address <= last]
        for last, target in ((instruction.address, instruction.target) for instruction in code)
        if target is not None and target < last
    ]
    enough = [
        part for part in (*loops, code) if sum(instruction.shifts for instruction in part) >= LEAST_SHIFTS * hashes
    ]
    if not enough:
        raise ValueError(f"nothing here does {hashes} hashes in one pass; are SHA-256's rounds a loop?")
    return min(enough, key=len)


def measure(architectures: Sequence[int]) -> Iterator[Cost]:
    for name, road in ROADS.items():
        for architecture in architectures:
            for kernel in road.kernels:
                assembled = road.assemble(kernel, architecture)
                loop = hashing_loop(disassemble(assembled.cubin)[assembled.entry], assembled.hashes)
                yield Cost(
                    road=name,
                    architecture=architecture,
                    kernel=kernel,
                    registers=assembled.registers,
                    spilled=assembled.spilled,
                    instructions=len(loop) / assembled.hashes,
                    ceiling=CEILINGS[name, kernel],
                )


def table(costs: Sequence[Cost]) -> Iterator[str]:
    yield f"{'road':12}{'kernel':17}{'sm':>4}{'registers':>11}{'spilled':>9}{'instructions/hash':>19}   ceiling"
    for cost in costs:
        yield (
            f"{cost.road:12}{cost.kernel:17}{cost.architecture:4}{cost.registers:11}{cost.spilled:9}"
            f"{cost.instructions:19,.1f}{cost.ceiling.instructions:10,}  {'; '.join(cost.excesses)}".rstrip()
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__, usage="python ci/cost.py"
    )
    parser.add_argument("architectures", nargs="*", type=int, default=ARCHITECTURES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if reason := missing():
        parser.error(reason)
    costs = list(measure(options.architectures))
    if options.json:
        rows = [asdict(cost) | {"ceiling": cost.ceiling._asdict(), "excesses": cost.excesses} for cost in costs]
        print(json.dumps(rows, indent=1))
    else:
        print(*table(costs), sep="\n")
    return 1 if any(cost.excesses for cost in costs) else 0


if __name__ == "__main__":
    sys.exit(main())
