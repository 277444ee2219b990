"""The state of one script while it runs."""

from __future__ import annotations

from enum import IntEnum

from .checker import Checker
from .errors import ScriptError, ScriptFailedError
from .flags import MINIMALDATA
from .number import decode_number, encode_number
from .sighash import NO_CODE_SEPARATOR

MAX_OPERATIONS = 201

_TRUE, _FALSE = b"\1", b""


class Version(IntEnum):
    """Which rules a script runs by (Bitcoin Core's `SigVersion`)."""

    BASE = 0
    WITNESS_V0 = 1
    TAPSCRIPT = 2


class Machine:
    __slots__ = (
        "alt",
        "annex_hash",
        "checker",
        "code_begin",
        "code_separator",
        "flags",
        "leaf_hash",
        "minimal",
        "next",
        "operations",
        "position",
        "script",
        "stack",
        "version",
        "weight_left",
    )

    def __init__(
        self,
        script: bytes,
        stack: list[bytes],
        version: Version,
        flags: int,
        checker: Checker,
        *,
        annex_hash: bytes | None = None,
        leaf_hash: bytes | None = None,
        weight_left: int = 0,
    ) -> None:
        self.script = script
        self.stack = stack
        """The caller's own list: what the script leaves is found there."""
        self.alt: list[bytes] = []
        self.version = version
        self.flags = flags
        self.minimal = flags & MINIMALDATA != 0
        self.checker = checker

        self.next = 0
        """Where the operation after the current one begins, in bytes."""
        self.position = -1
        """Of the current operation, counted in operations."""
        self.operations = 0
        """Those that count against the limit of legacy and witness v0 scripts."""
        self.code_begin = 0
        """Where the part that is signed begins: after the last CODESEPARATOR."""

        # Tapscript
        self.code_separator = NO_CODE_SEPARATOR
        """Position of the last CODESEPARATOR that was executed."""
        self.annex_hash = annex_hash
        self.leaf_hash = leaf_hash
        self.weight_left = weight_left
        """What signatures may still cost (BIP342's budget)."""

    def count_operations(self, number: int) -> None:
        self.operations += number
        if self.operations > MAX_OPERATIONS:
            raise ScriptFailedError(ScriptError.OP_COUNT)

    def require(self, depth: int) -> None:
        """Refuse a stack of fewer than `depth` items."""
        if len(self.stack) < depth:
            raise ScriptFailedError(ScriptError.INVALID_STACK_OPERATION)

    def number(self, place: int, size: int = 4) -> int:
        """The number at this place of the stack, which stays there; the top is −1."""
        return decode_number(self.stack[place], self.minimal, size)

    def pop_number(self) -> int:
        return decode_number(self.stack.pop(), self.minimal)

    def push_number(self, number: int) -> None:
        self.stack.append(encode_number(number))

    def push_bool(self, value: bool) -> None:
        self.stack.append(_TRUE if value else _FALSE)
