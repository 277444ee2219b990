"""Signatures on processors without the 52-bit multiplier, in processes that are told that theirs has none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from quorate.kernels.py import processor
from quorate.kernels.signatures import Scheme

AVX2, AVX512F = "AVX2", "AVX-512 without IFMA"

VERIFY = """
from quorate.kernels.py import ecdsa, ed25519, multiplier, schnorr
from quorate.kernels.signatures import Rules, Scheme
from tests.kernels.signature_cases import batch, edges, random_cases

assert (multiplier.is_fused(), multiplier.lanes()) == (False, {lanes})
cases = [*edges(Scheme.{scheme}), *random_cases(Scheme.{scheme}, 60, 5)]
b, rules = batch(cases, Rules()), Rules()
if Scheme.{scheme} == Scheme.ECDSA:
    codes = ecdsa.verify(b.keys, b.signatures, b.messages.reshape(-1, 32), rules, {lanes})
elif Scheme.{scheme} == Scheme.SCHNORR:
    codes = schnorr.verify(b.keys, b.signatures, b.messages, b.offsets, {lanes})
else:
    codes = ed25519.verify(b.keys, b.signatures, b.messages, b.offsets, rules.ed25519, {lanes})
expected = [case.verdict(rules) for case in cases]
assert len(set(expected)) > 2
assert codes.tolist() == expected, [case.name for case, code in zip(cases, codes) if case.verdict(rules) != code]
"""

MULTIPLY = """
import numba
from quorate.kernels.py import lanes, power_25519, powers_secp256k1

for field in power_25519.FIELD, powers_secp256k1.FIELD:
    multiply = lanes.staged(field.multiply)

    @numba.njit
    def powers(memory, count):
        x = lanes.load(lanes.zeros(10, 4), memory, 0)
        y = lanes.load(x, memory, 10)
        for _ in range(count):
            x, y = y, multiply(x, y)
        lanes.store(x, memory, 0)

    powers(lanes.scratch(20, 4), 1)
    code = "".join(powers.inspect_asm().values())
    assert code.count("vpmuludq") > 100
    assert not any(word in code for word in ("zmm", "vpmullq", "vpmadd52"))
"""


def restricted(kind: str) -> str:
    """NUMBA_CPU_FEATURES for this processor without what comes after this kind."""
    wide = "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"
    keep = () if kind == AVX2 else wide
    younger = "avx10", "avx512", "evex512", "gfni", "vaes", "vpclmulqdq"
    features = llvm.get_host_cpu_features()
    for name in features:
        if name.startswith(younger) and name not in keep:
            features[name] = False
    return str(features.flatten())


def run(script: str, kind: str) -> None:
    needed = "avx2" if kind == AVX2 else "avx512f"
    if needed not in processor.features():
        pytest.skip(f"the processor has no {needed}")
    name = "haswell" if kind == AVX2 else "skylake-avx512"
    environment = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": restricted(kind)}
    root = Path(__file__).resolve().parents[3]  # where the scripts find `tests`
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "lanes", "scheme"),
    [
        *((AVX2, 4, scheme) for scheme in Scheme),
        (AVX512F, 8, Scheme.ED25519),  # the same texts in twice the lanes
    ],
)
def test_verdicts_are_the_oracles(kind: str, lanes: int, scheme: Scheme) -> None:
    run(VERIFY.format(lanes=lanes, scheme=scheme.name), kind)


def test_fields_use_the_multiplier_of_avx2() -> None:
    run(MULTIPLY, AVX2)
