"""What the processor can is what Numba compiles for."""

from __future__ import annotations

import pytest

from quorate.kernels.py import processor


@pytest.mark.parametrize(
    ("variables", "lanes"),
    [
        ({"NUMBA_CPU_NAME": "generic"}, 4),
        ({"NUMBA_CPU_FEATURES": ""}, 4),
        ({"NUMBA_CPU_FEATURES": "+sse2,+avx,-avx2"}, 4),
        ({"NUMBA_CPU_FEATURES": "+avx,+avx2,-avx512f"}, 8),
        ({"NUMBA_CPU_FEATURES": "+avx2,+avx512f"}, 16),
    ],
)
def test_lanes_follow_the_features_that_numba_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lanes: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert processor.simd()[0] == lanes


def test_the_name_is_the_one_that_numba_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CPU_NAME", "znver3")
    assert processor.name() == "znver3"
