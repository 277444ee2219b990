"""A pool for tests, written from the protocol's documents and sharing no code with the client.

It makes its own jobs, takes each share apart with hashlib alone, and misbehaves on request.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from typing import Any

HEIGHT = 840_000
NTIME = 1_700_000_000
NBITS = "1d00ffff"


def twice(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def in_words(digest: bytes) -> str:
    """The eight words of a hash, each with its bytes reversed."""
    return "".join(digest[at : at + 4][::-1].hex() for at in range(0, 32, 4))


@dataclass
class PoolJob:
    name: str
    difficulty: Fraction
    previous: bytes
    coinb1: bytes
    coinb2: bytes
    branch: list[bytes]
    version: int = 0x20000000
    clean: bool = True

    def parameters(self) -> list[Any]:
        return [
            self.name,
            in_words(self.previous),
            self.coinb1.hex(),
            self.coinb2.hex(),
            [sibling.hex() for sibling in self.branch],
            f"{self.version:08x}",
            NBITS,
            f"{NTIME:08x}",
            self.clean,
        ]


@dataclass(eq=False)
class Client:
    """One connection, as the pool sees it."""

    pool: Pool
    sock: socket.socket
    extranonce1: bytes = b""
    session: str = ""
    authorized: bool = False
    mask: int | None = None
    job_extranonce: dict[str, bytes] = field(default_factory=dict)
    """What a job was given out with, by its name."""
    sending: threading.Lock = field(default_factory=threading.Lock)
    budget: int | None = None
    """Bytes that it gets until the pool hangs up, wherever in a message that is."""

    def send(self, message: dict[str, Any]) -> None:
        self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        try:
            with self.sending:
                if self.budget is None:
                    self.sock.sendall(data)
                    return
                self.sock.sendall(data[: self.budget])
                self.budget -= len(data)
        except OSError:
            return  # it has gone; its thread notices
        if self.budget <= 0:
            self.budget = 0
            self.hang_up()

    def tell(self, method: str, *parameters: Any) -> None:
        self.send({"id": None, "method": method, "params": list(parameters)})

    def answer(self, request: dict[str, Any], result: Any, error: Any = None) -> None:
        self.send({"id": request["id"], "result": result, "error": error})

    def give(self, job: PoolJob) -> None:
        self.job_extranonce[job.name] = self.extranonce1
        self.tell("mining.notify", *job.parameters())

    def hang_up(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it hung up first


Reaction = Callable[[Client, dict[str, Any]], bool]
"""What a pool does instead of answering a request; False when it should answer after all."""


class Pool:
    """Listens on the loopback from the beginning; use it as a context."""

    def __init__(
        self,
        *,
        difficulty: float = 1e-07,
        mask: int | None = 0x1FFFE000,
        extranonce2: int = 4,
        remembers: bool = True,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.difficulty = difficulty
        self.mask = mask
        self.extranonce2 = extranonce2
        self.remembers = remembers
        self.reactions: dict[str, Reaction] = {}
        self.received: list[dict[str, Any]] = []
        self.shares: list[bytes] = []
        """The headers that were accepted, each once."""
        self.verdicts: list[str] = []
        self.clients: list[Client] = []
        self.jobs: dict[str, PoolJob] = {}
        self.sessions: dict[str, bytes] = {}
        self.connections = 0
        self._made = 0
        self._tls = tls
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.new_job()
        self._spawn(self._accept)

    @property
    def url(self) -> str:
        return f"stratum+tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.close_listener()
        for client in list(self.clients):
            client.hang_up()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "a thread of the pool does not end"

    def close_listener(self) -> None:
        """New connections are refused; those there are go on."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed before
        self._listener.close()

    def new_job(self, *, clean: bool = True, siblings: int = 3, give: bool = True) -> PoolJob:
        """A job with a real coinbase; every client gets it."""
        with self._lock:
            self._made += 1
            name = f"job{self._made}"
            room = 4 + self.extranonce2
            tag = b"/test pool/" + bytes([self._made % 256])
            script = bytes([3]) + HEIGHT.to_bytes(3, "little") + bytes([room])
            length = len(script) + room + len(tag)
            before = (1).to_bytes(4, "little") + b"\1" + bytes(32) + b"\xff" * 4 + bytes([length]) + script
            output = (312_500_000).to_bytes(8, "little") + b"\x16" + b"\0\x14" + bytes(range(20))
            after = tag + b"\xff" * 4 + b"\1" + output + bytes(4)
            branch = [twice(f"{name} {at}".encode()) for at in range(siblings)]
            difficulty = Fraction(str(self.difficulty))
            job = PoolJob(
                name, difficulty, twice(f"block {self._made}".encode()), before, after, branch, clean=clean
            )
            if clean:
                self.jobs.clear()
            self.jobs[name] = job
            if give:
                for client in self.clients:
                    if client.authorized:
                        client.give(job)
            return job

    def set_difficulty(self, difficulty: float) -> None:
        """From the next job on."""
        self.difficulty = difficulty
        for client in self.clients:
            client.tell("mining.set_difficulty", difficulty)

    def set_mask(self, mask: int) -> None:
        self.mask = mask
        for client in self.clients:
            client.mask = mask
            client.tell("mining.set_version_mask", f"{mask:08x}")

    def asked(self, method: str) -> list[dict[str, Any]]:
        with self._lock:  # held from a message's arrival until it is answered
            return [message for message in self.received if message.get("method") == method]

    def wait_for_the_greeting(self) -> None:
        """Until the pool has said what it says unasked and answered what a client asks in the beginning."""
        self.wait_for(lambda: self.asked("mining.extranonce.subscribe"))

    def wait_for(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"the pool waited in vain; it had {self.received}"
            time.sleep(0.005)

    # One connection

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            self._spawn(self._serve, sock)

    def _serve(self, plain: socket.socket) -> None:
        sock = plain
        client = None
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(plain, server_side=True)
            client = Client(self, sock)
            self.clients.append(client)
            reaction = self.reactions.get("connect")
            if reaction is not None and reaction(client, {}):
                return
            with sock.makefile("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break  # cut off with the connection
                    message = json.loads(line)
                    with self._lock:
                        self.received.append(message)
                        reaction = self.reactions.get(message.get("method", "answer"))
                        if reaction is None or not reaction(client, message):
                            self._react(client, message)
        except OSError:
            return  # the client went away, as clients do
        finally:
            if client is not None:
                self.clients.remove(client)
            sock.close()

    def _react(self, client: Client, message: dict[str, Any]) -> None:
        parameters = message.get("params", [])
        match message.get("method"):
            case "mining.configure":
                self._configure(client, message, *parameters)
            case "mining.subscribe":
                self._subscribe(client, message, *parameters)
            case "mining.authorize":
                client.authorized = True
                client.answer(message, True)
                client.tell("mining.set_difficulty", self.difficulty)
                for job in self.jobs.values():
                    client.give(job)
            case "mining.extranonce.subscribe":
                client.answer(message, True)
            case "mining.ping":
                client.answer(message, "pong")
            case "mining.submit":
                error = self.judge(client, parameters)
                self.verdicts.append("accepted" if error is None else error[1])
                client.answer(message, error is None or None, error)
            case None:
                pass
            case _:
                client.answer(message, None, [20, "unknown method", None])

    def _configure(
        self, client: Client, message: dict[str, Any], extensions: list[str], options: dict[str, Any]
    ) -> None:
        result: dict[str, Any] = dict.fromkeys(extensions, False)
        if "version-rolling" in extensions and self.mask is not None:
            client.mask = self.mask & int(options["version-rolling.mask"], 16)
            result["version-rolling"] = True
            result["version-rolling.mask"] = f"{client.mask:08x}"
        client.answer(message, result)

    def _subscribe(self, client: Client, message: dict[str, Any], agent: str, session: str | None = None) -> None:
        assert agent
        if self.remembers and session in self.sessions:
            assert session is not None
            client.session, client.extranonce1 = session, self.sessions[session]
        else:
            client.session = f"session{len(self.sessions)}"
            client.extranonce1 = (0xA0B0_0000 + self.port * 16 + len(self.sessions)).to_bytes(4)
            self.sessions[client.session] = client.extranonce1
        client.job_extranonce = dict.fromkeys(self.jobs, client.extranonce1)
        about = [["mining.set_difficulty", "d" + client.session], ["mining.notify", client.session]]
        client.answer(message, [about, client.extranonce1.hex(), self.extranonce2])

    def judge(self, client: Client, parameters: list[Any]) -> list[Any] | None:
        """None when the share is good, else an error of the protocol."""
        if not client.extranonce1:
            return [25, "Not subscribed", None]
        if not client.authorized:
            return [24, "Unauthorized worker", None]
        if len(parameters) != (5 if client.mask is None else 6):
            return [20, "Wrong number of parameters", None]
        _, name, extranonce2, ntime, nonce = parameters[:5]
        bits = parameters[5] if client.mask is not None else "00000000"
        digits = 2 * self.extranonce2
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", extranonce2):
            return [20, "Extranonce2 of the wrong size", None]
        if not all(re.fullmatch("[0-9a-f]{8}", word) for word in (ntime, nonce, bits)):
            return [20, "Not eight digits", None]
        job = self.jobs.get(name)
        if job is None or name not in client.job_extranonce:
            return [21, "Job not found", None]
        if not NTIME <= int(ntime, 16) <= NTIME + 7000:
            return [20, "Time out of range", None]
        mask = client.mask or 0
        if int(bits, 16) & ~mask:
            return [20, "Version bits outside the mask", None]
        extranonce = client.job_extranonce[name] + bytes.fromhex(extranonce2)
        root = twice(job.coinb1 + extranonce + job.coinb2)
        for sibling in job.branch:
            root = twice(root + sibling)
        version = job.version & ~mask | int(bits, 16)
        fields = (version, None, None, int(ntime, 16), int(NBITS, 16), int(nonce, 16))
        numbers = [b"" if value is None else value.to_bytes(4, "little") for value in fields]
        header = numbers[0] + job.previous + root + b"".join(numbers[3:])
        if int.from_bytes(twice(header), "little") * job.difficulty > 0xFFFF << 208:
            return [23, "Low difficulty share", None]
        if header in self.shares:
            return [22, "Duplicate share", None]
        self.shares.append(header)
        return None
