"""Asking the node whether a block would be valid before anyone has found it (BIP 23)."""

from __future__ import annotations

from .errors import CallRefusedError, printable
from .rpc import Rpc
from .template import NodeWork

_SECONDS = 60.0

_NO_VERDICT = ("inconclusive", "duplicate", "stale")
"""How reasons begin that say nothing about the block: the tip has moved meanwhile, or it was found already."""


def propose(rpc: Rpc, work: NodeWork) -> str | None:
    """Why the node would refuse the work's block; None where it would not, or does not say. Raises `NodeError`."""
    extranonce = (1 << 8 * work.extranonce_bytes) - 1  # far from where mining begins: this is no block yet
    block = work.block(work.header(extranonce, work.version, work.time), extranonce)
    request = {"mode": "proposal", "data": block.hex(), "rules": ["segwit"]}
    if work.identity is not None:
        request["workid"] = work.identity
    try:
        result = rpc.call("getblocktemplate", [request], _SECONDS)
    except CallRefusedError as error:
        return error.message
    if result is None:
        return None
    if isinstance(
        result, dict
    ):  # changes that the node asks for, and a reason where the block is not good as it is
        result = result.get("reject-reason")
        if result is None:
            return None
    reason = printable(str(result))
    return None if reason.startswith(_NO_VERDICT) else reason
