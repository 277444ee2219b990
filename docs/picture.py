"""Draws the tree of a chain that was reorganised: btcd's blocks, of which the second branch overtakes the first.

    python docs/picture.py [FILE.svg]

writes docs/tree.svg, or the file named. The blocks are those of the tests (`QUORATE_VECTORS`).
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from quorate.chain.chainstate import Chainstate
from quorate.chain.import_blocks import import_files
from quorate.chain.params import network
from quorate.chain.store import Store
from quorate.cli.chain_tree import picture, stretches
from quorate.kernels.catalog import open_verifier

HERE = Path(__file__).resolve().parent
VECTORS = Path(os.environ.get("QUORATE_VECTORS", HERE.parents[1] / "shared" / "vectors"))
FILES = ("reorg_0_to_4", "reorg_3A", "reorg_4A", "reorg_5A")


def draw(path: Path) -> None:
    # The blocks spend coinbases that are one block old, which mainnet itself would refuse.
    rules = replace(network("mainnet"), coinbase_maturity=1)
    with tempfile.TemporaryDirectory() as folder:
        chain = Chainstate(Store(Path(folder), rules), open_verifier("reference"))
        import_files([VECTORS / "blocks" / f"{name}.dat" for name in FILES], chain)
        path.write_text(picture(stretches(chain), rules.name))
        chain.store.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tree.svg")
