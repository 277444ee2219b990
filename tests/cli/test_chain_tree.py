"""The picture that is committed is the one that the tool draws today."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_picture_in_docs(vectors: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(DOCS / "picture.py"), str(tmp_path / "tree.svg")]
    subprocess.run(command, check=True, env={**os.environ, "QUORATE_VECTORS": str(vectors)})
    drawn = (tmp_path / "tree.svg").read_text()
    assert drawn == (DOCS / "tree.svg").read_text(), "python docs/picture.py draws it anew"
    assert len(drawn) < 20_000
