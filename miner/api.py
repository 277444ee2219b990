"""The miner's status over HTTP, for scripts and Prometheus: read-only, for this machine unless told otherwise.

Sources: RFC 9110 for HTTP; for Prometheus, its text format 0.0.4 (prometheus.io, Exposition formats).
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from ..kernels.backend import UsageError
from .status import DeviceStatus, Status

LOOPBACK = "127.0.0.1"

QUESTION_SECONDS = 5.0
"""How long a question may take to arrive."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without `HTTPServer`'s search for the host's full name, which takes seconds where nobody knows it."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class Api:
    """Serves what `status` returns until it is closed. Raises `UsageError` for an address that cannot be had."""

    def __init__(self, address: str, status: Callable[[], Status]) -> None:
        """`address` is `HOST:PORT`, or `PORT` for this machine only; port 0 is one that is free."""
        host, port = parse_address(address)
        try:
            self._server = (_ServerV6 if ":" in host else _Server)((host, port), _handler(host, status))
        except OSError as error:
            raise UsageError(f"--api cannot listen on {address}: {error.strerror or error}") from None
        self.address = f"{f'[{host}]' if ':' in host else host}:{self._server.server_address[1]}"
        """Where it listens: `HOST:PORT`."""

        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="api", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[HOST]:PORT` or `PORT`."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise UsageError(f"--api takes HOST:PORT or PORT, as in {LOOPBACK}:4028, not {text!r}")
    return host.strip("[]") or LOOPBACK, int(port)


def _handler(host: str, status: Callable[[], Status]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = QUESTION_SECONDS
        server_version = "quorate"
        sys_version = ""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if not may_ask(self.headers.get("Host", ""), host):
                self._answer(421, "text/plain", "this is another host's miner\n")
                return
            match self.path.partition("?")[0]:
                case "/" | "/status":
                    self._answer(200, "application/json", json.dumps(status().to_json(), indent=2) + "\n")
                case "/metrics":
                    self._answer(200, "text/plain; version=0.0.4", metrics(status()))
                case _:
                    self._answer(404, "text/plain", "there is / for JSON and /metrics for Prometheus\n")

        def _answer(self, code: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Who asks how often is nobody's news."""

    return Handler


def may_ask(asked: str, host: str) -> bool:
    """Whether a question for the host named so is for this server.

    A page from the web can make a browser ask here under a name of its own that it lets point here (DNS
    rebinding). It cannot do so under an address, under localhost, or under the name that --api was given.
    """
    name = asked.rpartition(":")[0] if asked.rpartition(":")[2].isdigit() else asked
    if name.lower() in ("localhost", host.lower()):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def metrics(status: Status) -> str:
    """The status in Prometheus's text format."""
    return "".join(_metrics(status))


def _metrics(status: Status) -> Iterator[str]:
    yield from _metric("seconds", "gauge", "Since mining began.", [("", status.seconds)])
    yield from _metric("hashes_total", "counter", "Hashes done.", [("", status.hashes)])
    rates = [(f'{{span="{span}"}}', rate.hashes_per_second) for span, rate in status.rates.items()]
    yield from _metric("hashes_per_second", "gauge", "Mean rate over a span.", rates)
    answers = [("accepted", "", status.accepted), ("stale", "", status.stale)]
    answers += [("rejected", reason, count) for reason, count in status.rejected.items()]
    solutions = [(_labels(answer=answer, reason=reason), float(count)) for answer, reason, count in answers]
    yield from _metric("solutions_total", "counter", "Solutions handed in, by answer.", solutions)
    yield from _metric("best_difficulty", "gauge", "Of the best solution.", [("", status.best_difficulty)])
    if status.seconds_to_block is not None:
        about = "Mean time to a block at the rate of the last minute."
        yield from _metric("seconds_to_block", "gauge", about, [("", status.seconds_to_block)])
    counters: dict[str, tuple[str, str, Callable[[DeviceStatus], float | None]]] = {
        "device_well": ("gauge", "1 where the device is at work.", lambda d: int(d.state == "well")),
        "device_hashes_total": ("counter", "Hashes done.", lambda d: d.hashes),
        "device_accepted_total": ("counter", "Solutions accepted.", lambda d: d.accepted),
        "device_stale_total": ("counter", "Solutions that came too late.", lambda d: d.stale),
        "device_rejected_total": ("counter", "Solutions refused.", lambda d: sum(d.rejected.values())),
        "device_hardware_errors_total": ("counter", "Wrong or missing answers.", lambda d: d.hardware_errors),
        "device_canaries_total": ("counter", "Canary windows asked.", lambda d: d.canaries),
        "device_missed_canaries_total": ("counter", "Canary windows missed.", lambda d: d.missed_canaries),
        "device_restarts_total": ("counter", "Times the device was opened anew.", lambda d: d.restarts),
        "device_hits_total": ("counter", "Checked hits at the watch target.", lambda d: d.hits),
        "device_expected_hits_total": ("counter", "Hits that its hashes let expect.", lambda d: d.expected_hits),
        "device_celsius": ("gauge", "Temperature.", lambda d: d.celsius),
        "device_watts": ("gauge", "Power.", lambda d: d.watts),
    }
    for name, (kind, about, value) in counters.items():
        values = [(_labels(device=d.name), value(d)) for d in status.devices]
        yield from _metric(name, kind, about, [(labels, v) for labels, v in values if v is not None])
    rates = [
        (_labels(device=d.name, span=span), rate.hashes_per_second)
        for d in status.devices
        for span, rate in d.rates.items()
    ]
    yield from _metric("device_hashes_per_second", "gauge", "Mean rate over a span.", rates)


def _metric(name: str, kind: str, about: str, values: list[tuple[str, float]]) -> Iterator[str]:
    if values:
        yield f"# HELP quorate_{name} {about}\n# TYPE quorate_{name} {kind}\n"
        for labels, value in values:
            yield f"quorate_{name}{labels} {value!r}\n"


def _labels(**labels: str) -> str:
    escaped = {
        name: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
