"""An event loop that can be left at any time."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any


class Loop(asyncio.SelectorEventLoop):
    """Looks for addresses in threads that nobody waits for.

    Asyncio's own threads keep the process alive until the last name server has been given up.
    """

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        found: asyncio.Future[list[Any]] = self.create_future()

        def tell(addresses: list[Any], error: OSError | None) -> None:
            if found.cancelled():
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look() -> None:
            addresses, fault = [], None
            try:
                addresses = socket.getaddrinfo(host, port, family, type, proto, flags)
            except OSError as error:
                fault = error
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                self.call_soon_threadsafe(tell, addresses, fault)

        threading.Thread(target=look, name="pool address", daemon=True).start()
        return await found
