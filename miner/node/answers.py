"""What a node's answer to `submitblock` means (BIP 22, and the words of Bitcoin Core)."""

from __future__ import annotations

from ..work import Answer, Outcome
from .errors import printable

_STALE = {
    "inconclusive": "the node keeps it on a side branch, since another block came first",
    "duplicate-inconclusive": "the node knew it, and keeps it on a side branch",
    "inconclusive-not-best-prevblk": "another block has become the tip",
    "prev-blk-not-found": "the node does not know the block below it",
    "bad-prevblk": "the block below it is invalid, or the tip no more",
    "stale-prevblk": "another block has become the tip",
    "stale-work": "the node has given up the template",
    "unknown-work": "the node does not know the template any more",
}
_REJECTED = {
    "duplicate": "the node has had this block before",
    "duplicate-invalid": "the node has had this block before, and refused it",
    "high-hash": "its hash is above the target: the device or Quorate has computed wrongly",
    "bad-diffbits": "the difficulty is not the one that is due",
    "bad-txnmrklroot": "its header does not commit to its transactions",
    "bad-witness-merkle-match": "its coinbase does not commit to its witnesses",
    "bad-cb-height": "its coinbase does not begin with its height",
    "bad-cb-amount": "its coinbase pays more than subsidy and fees",
    "bad-cb-length": "its coinbase has too long a script",
    "bad-blk-weight": "it is too heavy",
    "bad-blk-length": "it is too large",
    "bad-blk-sigops": "it has too many signature operations",
    "bad-version": "its version is out of date",
    "time-too-old": "its time is not after the median of the blocks below",
    "time-too-new": "its time is too far ahead of the node's clock: are both clocks right?",
    "time-timewarp-attack": "its time is too far before that of the block below",
    "rejected": "the node gives no reason",
}


def answer_to(result: object, sent_before: bool) -> Answer:
    """The answer in a node's result.

    `sent_before`: an earlier attempt may have reached the node though its answer did not reach us, so that a
    block that it knows, and does not call invalid, is one that it has accepted from us.
    """
    if result is None or (sent_before and result == "duplicate"):
        return Answer(Outcome.ACCEPTED)
    reason = printable(result if isinstance(result, str) else repr(result)) or "rejected"
    return Answer(Outcome.STALE if reason in _STALE else Outcome.REJECTED, reason)


def explain(reason: str) -> str:
    """A reason as a person understands it; empty for one that is not known here."""
    return _STALE.get(reason) or _REJECTED.get(reason) or ""
