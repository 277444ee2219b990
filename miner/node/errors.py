"""What can go wrong between a miner and its node."""

from __future__ import annotations

from ..work import SourceError


class NodeError(SourceError):
    """A call that came to nothing, or an answer of no use."""

    def __init__(self, text: str, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting
        """Whether only a person can mend it, so that trying again is of no use."""


class CallRefusedError(NodeError):
    """The node has understood the call and says no."""

    def __init__(self, text: str, code: int, message: str) -> None:
        super().__init__(text)
        self.code, self.message = code, message


class TemplateError(NodeError):
    """A block template that no good block can follow from."""


def printable(text: str) -> str:
    """What a node has said as a terminal may show it: in one line, short, and without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])
