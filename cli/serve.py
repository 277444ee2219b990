"""quorate chain serve: the chain on this machine as a node that gives miners their work."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .chainstore import ChainNetwork, Datadir, Verifier, open_chain, open_one_verifier
from .options import Json

_PORTS = {"mainnet": 8332, "testnet3": 18332, "testnet4": 48332, "signet": 38332, "regtest": 18443}
"""Where Bitcoin Core answers, and miners look for it."""


def serve(
    datadir: Datadir = None,
    network: ChainNetwork = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of this machine to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(metavar="P", min=0, max=65535, help="0 for any that is free. [default: Bitcoin Core's]"),
    ] = None,
    cookie: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File for the password of this run. [default: .cookie beside the chain]"
        ),
    ] = None,
    device: Verifier = None,
    as_json: Json = False,
) -> None:
    """Serve the chain to miners: getblocktemplate, submitblock and what else they ask, as Bitcoin Core answers.

    JSON-RPC over HTTP, with the password in the cookie file; begins the chain where there is none. What is
    said is not encrypted, so leave --host as it is unless the network is yours. Ctrl-C ends it.
    """
    from ..chain.rpc.cookie import authorization, new_cookie, written
    from ..chain.rpc.server import listening
    from ..chain.rpc.service import Service
    from . import show

    show.log_to_stderr()
    backend = open_one_verifier(device)
    with open_chain(datadir, network, backend, begin=True) as its:
        service = Service(its, backend)
        file = cookie or its.store.folder / ".cookie"
        place = port if port is not None else _PORTS[its.network.name]
        password = new_cookie()
        began = its.tip.height
        with (
            _stopped_by_signals(service.stop),
            listening(host, place, authorization(password), service.answer) as bound,
            written(password, file),
        ):
            where: dict[str, Any] = {
                "url": f"http://{f'[{host}]' if ':' in host else host}:{bound}",
                "cookie": str(file),
                "network": its.network.name,
                "datadir": str(its.store.folder.parent),
                "height": began,
            }
            if as_json:
                show.document(where)
            else:
                show.line(f"the chain of {where['network']}, height {began:,}, answers at {where['url']}")
                show.line(f"the password is in {file}; Ctrl-C ends it")
            sys.stdout.flush()  # whoever started it waits for these lines, and a pipe would keep them back
            service.run()
        if not as_json:
            show.line(f"ended at height {its.tip.height:,}, {its.tip.height - began:,} more than at the start")


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and a service manager's SIGTERM end the block in order."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
