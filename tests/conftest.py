"""What all tests share: the folder of published vectors, and an interrupt that interrupts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from quorate.kernels import catalog
from quorate.kernels.backend import Backend


def pytest_configure() -> None:
    """Ctrl-C is among what is tested, and a shell that starts pytest in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder named by QUORATE_VECTORS, by default `../shared/vectors` from the repository root."""
    default = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("QUORATE_VECTORS", default))
    if not folder.is_dir():
        pytest.skip(f"there are no vectors at {folder}; QUORATE_VECTORS names their folder")
    return folder


@pytest.fixture(scope="session")
def verifier() -> Backend:
    """What is quickest here to verify one signature at a time: libsecp256k1, else the reference."""
    here = {device.name for device in catalog.verifiers()}
    return catalog.open_verifier("libsecp256k1" if "libsecp256k1" in here else "reference")
