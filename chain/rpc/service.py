"""The methods by name, and the thread in which each is answered."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from functools import partial

from ...kernels.backend import Backend, QuorateError
from ..chainstate import Chainstate
from ..store import StoreError
from . import blocks, mining
from .blocks import Served
from .calls import ChainCalls, StoppedError
from .params import block_hash
from .protocol import Code, RpcError
from .tip import TipWatch

METHODS: dict[str, Callable[..., object]] = {
    method.__name__: method
    for method in (
        blocks.getbestblockhash,
        blocks.getblock,
        blocks.getblockchaininfo,
        blocks.getblockcount,
        blocks.getblockhash,
        blocks.getblockheader,
        blocks.getdifficulty,
        blocks.getmininginfo,
        blocks.getnetworkhashps,
        blocks.validateaddress,
        mining.getblocktemplate,
        mining.submitblock,
    )
}


class Service:
    """A chain that answers calls. The thread that opened it calls `run`; `answer` is for all others."""

    def __init__(self, chain: Chainstate, backend: Backend, clock: Callable[[], float] = time.time) -> None:
        """`backend` verifies the signatures of proposed blocks; `clock` gives Unix seconds."""
        self._calls = ChainCalls(chain)
        self._tip = TipWatch(chain.tip.hash)
        self._backend, self._clock = backend, clock

    def run(self) -> None:
        """Answer calls until `stop`."""
        self._calls.run()
        self._tip.stop()

    def stop(self) -> None:
        """End `run`; a signal's handler may call this."""
        self._calls.stop()

    def answer(self, method: str, params: list[object], gone: Callable[[], bool]) -> object:
        """A method's result, or an `RpcError`. `gone` says whether whoever asks has hung up."""
        function = METHODS.get(method)
        if function is None:
            raise RpcError(Code.METHOD_NOT_FOUND, "Method not found")
        try:
            inspect.signature(function).bind(None, *params)
        except TypeError as error:
            raise RpcError(Code.MISC, f"{method}: {error}") from None
        try:
            if method == "getblocktemplate":
                self._wait(params, gone)
            return self._calls.call(partial(self._answer, function, params))
        except StoppedError:
            raise _shutting_down() from None

    def _answer(self, function: Callable[..., object], params: list[object], chain: Chainstate) -> object:
        try:
            return function(Served(chain, self._backend, self._clock), *params)
        except StoreError as error:
            raise RpcError(Code.DATABASE, str(error)) from error
        except QuorateError as error:
            raise RpcError(Code.MISC, str(error)) from error
        finally:
            self._tip.move(chain.tip.hash)

    def _wait(self, params: list[object], gone: Callable[[], bool]) -> None:
        """Long polling (BIP 22): as long as the template with this id is the newest, nothing is answered."""
        request = params[0] if params else None
        watched = request.get("longpollid") if isinstance(request, dict) else None
        if watched is None:
            return
        digest = block_hash(watched[:64], "longpollid") if isinstance(watched, str) else None
        if not self._tip.wait(digest, gone):
            raise _shutting_down()


def _shutting_down() -> RpcError:
    return RpcError(Code.NOT_CONNECTED, "Shutting down")
