"""Scripts as Bitcoin Core's test vectors write them (`ParseScript` in `core_io`)."""

from __future__ import annotations

from quorate.chain.script.number import encode_number
from quorate.chain.script.opcodes import Op
from quorate.chain.script.parse import push

# Those that push are written as numbers, but for one that never could.
_WORDS = {op.name.removeprefix("OP_"): op for op in Op if op >= Op.OP_NOP or op == Op.OP_RESERVED}


def assemble(text: str) -> bytes:
    """Words are numbers, 'text', opcodes with or without OP_, and 0x before bytes that stand for themselves."""
    script = b""
    for word in text.split():
        if word.lstrip("-").isdigit():
            number = int(word)
            if number == 0:
                script += b"\0"
            elif number == -1 or 1 <= number <= 16:
                script += bytes((Op.OP_RESERVED + number,))
            else:
                script += push(encode_number(number))
        elif word.startswith("0x"):
            script += bytes.fromhex(word[2:])
        elif word.startswith("'"):
            assert word.endswith("'")
            script += push(word[1:-1].encode())
        else:
            script += bytes((_WORDS[word.removeprefix("OP_")],))
    return script
