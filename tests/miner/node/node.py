"""A node that is real: `quorate chain serve` in a process of its own, and a miner's loop in its simplest form."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from quorate.miner.node.credentials import Credentials
from quorate.miner.node.rpc import Rpc
from quorate.miner.node.source import NodeSource
from quorate.miner.work import Answer, Solution, Work

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
"""BIP 173's example, on regtest."""

PAID_TO = bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")
"""Its script."""


@dataclass(frozen=True)
class Node:
    url: str
    cookie: Path
    process: subprocess.Popen[str]

    def rpc(self) -> Rpc:
        return Rpc(self.url, Credentials(self.cookie))

    def source(self, empty: bool = False) -> NodeSource:
        return NodeSource(self.url, Credentials(self.cookie), ADDRESS, empty)


@contextmanager
def node(datadir: Path, port: int = 0, network: str = "regtest") -> Iterator[Node]:
    command = f"chain serve --network {network} --port {port} --device reference --json --datadir"
    process = subprocess.Popen(
        [sys.executable, "-m", "quorate", *command.split(), str(datadir)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"the node ended with {process.wait()}"
            text += line
        told = json.loads(text)
        yield Node(told["url"], Path(told["cookie"]), process)
    finally:
        process.send_signal(signal.SIGINT)
        with process:
            try:
                code = process.wait(10)
            finally:
                process.kill()
    assert code in (0, -signal.SIGKILL)
    assert code or not Path(told["cookie"]).exists()


def solve(work: Work, extranonce: int = 0, hit: bool = True) -> Solution:
    """The first nonce that is a hit; or is none."""
    header = work.header(extranonce, work.version, work.time)
    for nonce in range(1 << 32):
        digest = sha256(sha256(header[:76] + nonce.to_bytes(4, "little")).digest()).digest()
        if (int.from_bytes(digest, "little") <= work.target) == hit:
            return Solution(work, extranonce, work.version, work.time, nonce, digest)
    raise AssertionError


def mine(source: NodeSource, blocks: int) -> list[Answer]:
    """The answers to the solutions of so many works, each taken when the one before has been answered."""
    answers: list[Answer] = []
    work = None
    for _ in range(blocks):
        work = source.work(work, 10)
        assert work is not None
        answers.append(source.submit(solve(work)).result(10))
    return answers
