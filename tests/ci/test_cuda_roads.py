"""What PTX alone tells of the kernels, before an assembler or the executor sees it."""

from __future__ import annotations

import re

import pytest
from cuda_roads import ROADS, by_numba_cuda


@pytest.mark.parametrize("kernel", ROADS["numba-cuda"].kernels)
def test_kernels_compute_in_32_bits(kernel: str) -> None:
    """Numba widens sums of uint32 and compares mixed integers as floating point, which GPUs do slowly."""
    pytest.importorskip("numba_cuda", reason="pip install 'quorate[cuda]'")
    code = by_numba_cuda(kernel, 90).ptx
    assert len(re.findall(r"\b(?:add|sub)\.[su]32\b", code)) > 1000
    assert len(re.findall(r"\b(?:add|sub|mul|mad)\S*\.[su]64\b", code)) <= 10, "addresses alone are wide"
    assert ".f64" not in code
