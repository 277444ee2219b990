"""The host's processor: its names, its cores and what it can."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import llvmlite.binding as llvm


def simd() -> tuple[int, str]:
    """How many 32-bit lanes the processor computes side by side, and the extension that does it."""
    for feature, lanes, extension in (("avx512f", 16, "AVX-512"), ("avx2", 8, "AVX2")):
        if feature in features():
            return lanes, extension
    return 4, "128-bit SIMD"


def name() -> str:
    """LLVM's name for it. Like Numba, obeys NUMBA_CPU_NAME."""
    return os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()


def features() -> set[str]:
    """What the processor can, in LLVM's words. Like Numba, obeys NUMBA_CPU_NAME and NUMBA_CPU_FEATURES."""
    if "NUMBA_CPU_FEATURES" in os.environ or os.environ.get("NUMBA_CPU_NAME") == "generic":
        listed = os.environ.get("NUMBA_CPU_FEATURES", "").split(",")
        return {feature.lstrip("+") for feature in listed if feature.startswith("+")}
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def threads() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def model() -> str:
    """The processor's name for people."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
