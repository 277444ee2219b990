"""The CuPy backend without a GPU: why it cannot be used.

tests/ci counts the kernels' registers and instructions and executes their PTX. What needs a GPU is the
conformance suite, `pytest -m gpu`.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from quorate.kernels import catalog, cupy
from quorate.kernels.backend import UnavailableError


def test_without_cupy_the_reason_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['cupy'] = None\n"
        "from quorate.kernels import cupy\n"
        "[device] = cupy.find()\n"
        "print(device.name, device.available, device.reason)"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stdout.startswith("cupy False CuPy cannot be imported"), result.stderr
    assert "pip install 'quorate[cuda]'" in result.stdout


def test_without_a_gpu_the_reason_names_cudas_error() -> None:
    pytest.importorskip("cupy", reason="pip install 'quorate[cuda]'")
    devices = cupy.find()
    if devices[0].available:
        pytest.skip(f"there is a GPU: {devices[0].description}")
    [device] = devices
    assert re.search(r"finds no NVIDIA GPU with a driver: cudaError\w+", device.reason)
    with pytest.raises(UnavailableError, match="cupy:0 cannot be used here.*cudaError"):
        catalog.open_backend("cupy:0")


@pytest.mark.gpu
def test_a_gpu_is_named_by_its_place_on_the_bus() -> None:
    for device in cupy.find():
        if not device.available:
            pytest.skip(device.reason)
        assert re.fullmatch(r"pci:[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]", device.hardware)
