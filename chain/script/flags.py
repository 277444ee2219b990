"""Which rules a script is held to, as bits with Bitcoin Core's names (`SCRIPT_VERIFY_…` in `interpreter.h`).

Plain integers, because a block tests them a hundred thousand times and `IntFlag` is many times as slow.
"""

from __future__ import annotations

from ...kernels.backend import UsageError

P2SH = 1 << 0
"""BIP16: the last push of an input is a script, where an output holds nothing but its hash."""
STRICTENC = 1 << 1
"""Keys and hash types are of the defined kinds."""
DERSIG = 1 << 2
"""BIP66: signatures are strict DER."""
LOW_S = 1 << 3
SIGPUSHONLY = 1 << 4
"""An input's script only pushes."""
MINIMALDATA = 1 << 5
"""Pushes and numbers take no more bytes than they need."""
NULLDUMMY = 1 << 6
"""BIP147: the element too many that CHECKMULTISIG takes is empty."""
DISCOURAGE_UPGRADABLE_NOPS = 1 << 7
CLEANSTACK = 1 << 8
"""Nothing but the result is left on the stack; needs `P2SH` and `WITNESS` beside it."""
MINIMALIF = 1 << 9
"""What IF and NOTIF take in a witness script is empty or one byte 01."""
NULLFAIL = 1 << 10
"""BIP146: a signature that fails is empty."""
CHECKLOCKTIMEVERIFY = 1 << 11
"""BIP65."""
CHECKSEQUENCEVERIFY = 1 << 12
"""BIP112."""
WITNESS = 1 << 13
"""BIP141; needs `P2SH` beside it."""
DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 1 << 14
WITNESS_PUBKEYTYPE = 1 << 15
"""Keys in witness scripts are compressed."""
CONST_SCRIPTCODE = 1 << 16
"""What a legacy signature signs contains neither CODESEPARATOR nor the signature."""
TAPROOT = 1 << 17
"""BIP341 and BIP342."""
DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 1 << 18
DISCOURAGE_OP_SUCCESS = 1 << 19
DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 1 << 20

NAMES = {name: bit for name, bit in globals().items() if name.isupper() and isinstance(bit, int)}
"""Every flag by its name."""

NONE = 0

CONSENSUS = P2SH | DERSIG | NULLDUMMY | CHECKLOCKTIMEVERIFY | CHECKSEQUENCEVERIFY | WITNESS | TAPROOT
"""What blocks are held to today; older blocks to fewer of them."""

STANDARD = sum(NAMES.values()) & ~SIGPUSHONLY
"""What a relaying node demands of transactions (Bitcoin Core's `STANDARD_SCRIPT_VERIFY_FLAGS`)."""


def parse_flags(names: str) -> int:
    """Flags from names with commas between them; `NONE` or nothing is 0. `UsageError` for an unknown name."""
    flags = 0
    for name in names.split(","):
        if name not in ("", "NONE"):
            if name not in NAMES:
                raise UsageError(f"there is no script flag {name!r}; there are {', '.join(NAMES)}")
            flags |= NAMES[name]
    return flags
