"""What hashes cost on NVIDIA's hardware: counted for real, and that what costs more than its ceiling fails."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import cost
import cuda_roads
import pytest
from cost import CEILINGS, Ceiling, Instruction, hashing_loop

from quorate.kernels.c import host

needs_tools = pytest.mark.skipif(bool(cost.missing()), reason=cost.missing())


@needs_tools
def test_every_kernel_is_measured_and_within_its_ceiling(capsys: pytest.CaptureFixture[str]) -> None:
    """For 9.0; the other architectures are `python ci/cost.py`, which takes a minute."""
    assert cost.main(["--json", "90"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [(row["road"], row["kernel"]) for row in rows] == list(CEILINGS)
    for row in rows:
        assert row["architecture"] == 90
        assert row["excesses"] == []
        assert 16 < row["registers"] < 256
        blocks = 3 if row["kernel"] == "hash_headers" else 2
        assert 0.75 < row["instructions"] / (blocks * 1400) < 1, "a block is about 1,400 instructions"


@needs_tools
@pytest.mark.parametrize("what", Ceiling._fields)
@pytest.mark.parametrize("kernel", [("numba-cuda", "scan"), ("NVRTC", "search_versions")], ids="-".join)
def test_a_kernel_above_its_ceiling_fails(
    kernel: tuple[str, str], what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [measured] = [each for each in cost.measure([90]) if (each.road, each.kernel) == kernel]
    lowered = CEILINGS[kernel]._replace(**{what: int(getattr(measured, what)) - 1})
    monkeypatch.setitem(CEILINGS, kernel, lowered)
    assert cost.main(["90"]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "at most" in line]
    assert line.split()[:3] == [*kernel, "90"]
    assert what in line


def test_no_kernel_is_left_out() -> None:
    text = host.source("search.cl", "versions.cl")
    module = pytest.importorskip("quorate.kernels.py.cuda_kernels", reason="pip install 'quorate[cuda]'")
    kernels = {
        "NVRTC": set(re.findall(r"^KERNEL void (\w+)", text, re.MULTILINE)),
        "numba-cuda": {
            name
            for name, function in inspect.getmembers(module, inspect.isfunction)
            if function.__module__ == module.__name__ and function.__annotations__["return"] == "None"
        },
    }
    assert {road: set(cuda_roads.ROADS[road].kernels) for road in kernels} == kernels
    assert set(CEILINGS) == {(road, kernel) for road, names in kernels.items() for kernel in names}


def test_without_the_disassembler_the_reason_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost, "nvdisasm", lambda: None)
    with pytest.raises(SystemExit) as stopped:
        cost.main([])
    assert stopped.value.code == 2
    assert re.search(r"nvidia-cuda-nvdisasm.*pip install 'quorate\[dev\]'", capsys.readouterr().err)


def test_what_the_assembler_says() -> None:
    log = """
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'one' for 'sm_90'
ptxas info    : Function properties for one
ptxas         .     32 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 64 registers, used 0 barriers, 8 bytes cumulative stack size
ptxas info    : Compiling entry function 'other' for 'sm_90'
ptxas info    : Function properties for other
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 47 registers, used 0 barriers
"""
    assert cuda_roads.resources(log) == {"one": (64, 28), "other": (47, 0)}


def code(*opcodes: str) -> list[Instruction]:
    """`SHF*5` stands for five, and `BRA 3` for a branch to the third of these groups."""

    def groups() -> Iterator[tuple[str, str, int]]:
        for group in opcodes:
            name, _, number = group.partition("*")
            yield *name.partition(" ")[::2], int(number or 1)

    addresses, instructions = [], list[Instruction]()
    for opcode, target, number in groups():
        addresses.append(16 * len(instructions))
        operands = f"P0,{addresses[int(target)]:#x}" if target else ""
        start = len(instructions)
        instructions += [Instruction(16 * (start + i), opcode, operands) for i in range(number)]
    return instructions


ROUNDS = f"SHF.R.W*{cost.LEAST_SHIFTS}"


def test_the_innermost_loop_that_hashes_is_counted() -> None:
    nested = code("MOV*10", ROUNDS, "ADD*7", ROUNDS, "IADD3*5", "BRA.U 3", "ADD*20", "BRA 4", "BRA 1", "EXIT")
    assert len(hashing_loop(nested, 1)) == cost.LEAST_SHIFTS + 6
    assert len(hashing_loop(nested, 2)) == 2 * cost.LEAST_SHIFTS + 35


def test_a_kernel_without_a_loop_counts_as_a_whole() -> None:
    assert len(hashing_loop(code("MOV*3", ROUNDS, "STG", "EXIT"), 1)) == cost.LEAST_SHIFTS + 5


@pytest.mark.parametrize("shifts", [f"SHF.R.W*{cost.LEAST_SHIFTS - 1}", f"LOP3*{cost.LEAST_SHIFTS}"])
def test_what_does_not_hash_is_refused(shifts: str) -> None:
    with pytest.raises(ValueError, match="nothing here does 1 hashes"):
        hashing_loop(code(shifts, "BRA 0", "EXIT"), 1)
    with pytest.raises(ValueError, match="nothing here does 2 hashes"):
        hashing_loop(code(ROUNDS, "BRA 0", "EXIT"), 2)
