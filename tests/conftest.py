"""What all tests share: the folder of published vectors, and an interrupt that interrupts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


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
