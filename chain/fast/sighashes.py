"""What the signatures of the usual spends sign: `script/sighash.py` for all at once, with everything signed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import numba
import numpy as np
from numba import types

from ...kernels.py.cache import compiled
from ..check_transaction import MAX_WEIGHT
from ..script.opcodes import Op
from ..script.sighash import ALL, DEFAULT
from ..transaction import WITNESS_SCALE
from .messages import BUFFER, Messages, Words, hashes_of_digests, put, put_number, put_size, seal
from .sources import Spent
from .table import (
    BODY_END,
    END,
    FLAT,
    INPUTS,
    INPUTS_FROM,
    LAST_END,
    NUMBERS,
    OUTPOINT,
    OUTPUTS,
    OUTPUTS_AT,
    OWNER,
    ROWS,
    SEQUENCE,
    START,
    Numbers,
    Table,
)
from .templates import KEY_HASH, KEY_PATH, KIND, OTHER, P2PKH, PROGRAM, SIGNATURE_END

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

OUTPOINTS, SEQUENCES, PAID, AMOUNTS, SCRIPTS = range(5)
"""What the inputs of a transaction share, in the order of its digests; the last two are Taproot's alone."""

_TAG = np.frombuffer(sha256(b"TapSighash").digest() * 2, np.uint8)

_WITNESS_SIZE, _BLANK_INPUT = 256, 41
"""Bytes of a padded message of a witness spend, at most, and of an input with an empty script."""

_FRAME = 128
"""Bytes of a legacy message besides its blank inputs and its outputs, padding included, at most."""

_ROOM = 1 << 21
"""Bytes of messages that are written before they are hashed. So memory does not grow with inputs times outputs, as
legacy messages do, and most blocks' messages stay in the processor's cache."""

assert _ROOM > MAX_WEIGHT // WITNESS_SCALE + _FRAME  # the largest message has room

_CODE_BEGIN = int.from_bytes(bytes((25, Op.OP_DUP, Op.OP_HASH160, KEY_HASH)), "little")
_CODE_END = int.from_bytes(bytes((Op.OP_EQUALVERIFY, Op.OP_CHECKSIG)), "little")
"""What stands around a key's hash in the script code, its size included."""


class Shared(NamedTuple):
    """Digests for the spends of one transaction, uint32 of shape (digests, 8)."""

    once: Words

    twice: Words

    first: Numbers
    """The first of each transaction, those of `OUTPOINTS` to `PAID` or to `SCRIPTS` follow."""


def signature_hashes(table: Table, spent: Spent, spends: Numbers, which: Numbers) -> Words:
    """The hash that each of these spends signs, none of which is `OTHER`: uint32 of shape (spends, 8)."""
    shared = _shared(table, spent, spends)
    messages = Messages(np.empty(_ROOM, np.uint8), np.empty(len(which), np.int64), np.empty(len(which), np.int64))
    parts, done = [], 0
    while done < len(which):
        count = write_signed()(
            spent.text,
            table.transactions,
            table.inputs,
            spent.values,
            spends,
            which[done:],
            shared.once.view(np.uint8),
            shared.twice.view(np.uint8),
            shared.first,
            _TAG,
            *messages,
        )
        parts.append(messages.hashes(count))
        done += count
    hashes = np.concatenate([np.empty((0, 8), np.uint32), *parts])
    twice = spends[which, KIND] != KEY_PATH
    hashes[twice] = hashes_of_digests(hashes[twice])
    return hashes


def _shared(table: Table, spent: Spent, spends: Numbers) -> Shared:
    count, inputs = len(table.transactions), len(spent.inside)
    # Outpoints, sequences and outputs stand in the block; 13 bytes are an amount and a script's size.
    messages = Messages.room(5 * count, len(table.raw) + 13 * inputs + int((spent.ends - spent.begins).sum()))
    first = np.zeros(count, np.int64)
    total = write_shared()(
        spent.text,
        table.transactions,
        table.inputs,
        spent.begins,
        spent.ends,
        spent.values,
        spends,
        *messages,
        first,
    )
    once = messages.hashes(total)
    return Shared(once, hashes_of_digests(once), first)


@cache
def write_shared() -> Callable[..., int]:
    """`write_shared(text, transactions, inputs, begins, ends, values, spends, buffer, first_block,
    blocks, first)`: the messages of `Shared`; returns their number."""

    def write_shared(  # type: ignore[no-untyped-def]
        text, transactions, inputs, begins, ends, values, spends, buffer, first_block, blocks, first
    ):
        message = at = 0
        for index in range(1, len(transactions)):
            row = transactions[index]
            begin_input, end_input = row[INPUTS_FROM], row[INPUTS_FROM] + row[INPUTS]
            witness = taproot = False
            for place in range(begin_input, end_input):
                kind = spends[place - 1, KIND]
                witness = witness or kind not in (OTHER, P2PKH)
                taproot = taproot or kind == KEY_PATH
            first[index] = message
            if not witness:
                continue
            begin = at
            for place in range(begin_input, end_input):
                at = put(buffer, at, text, inputs[place, OUTPOINT], inputs[place, OUTPOINT] + 36)
            at = seal(buffer, begin, at, first_block, blocks, message + OUTPOINTS)
            begin = at
            for place in range(begin_input, end_input):
                at = put(buffer, at, text, inputs[place, SEQUENCE], inputs[place, SEQUENCE] + 4)
            at = seal(buffer, begin, at, first_block, blocks, message + SEQUENCES)
            begin = at
            at = put(buffer, at, text, row[OUTPUTS_AT], row[BODY_END])
            at = seal(buffer, begin, at, first_block, blocks, message + PAID)
            message += AMOUNTS
            if taproot:
                begin = at
                for coin in range(begin_input - 1, end_input - 1):
                    at = put_number(buffer, at, values[coin], 8)
                at = seal(buffer, begin, at, first_block, blocks, message)
                begin = at
                for coin in range(begin_input - 1, end_input - 1):
                    at = put_size(buffer, at, ends[coin] - begins[coin])
                    at = put(buffer, at, text, begins[coin], ends[coin])
                at = seal(buffer, begin, at, first_block, blocks, message + 1)
                message += 2
        return message

    return compiled(
        write_shared,
        types.int64(FLAT, ROWS, ROWS, NUMBERS, NUMBERS, NUMBERS, ROWS, BUFFER, NUMBERS, NUMBERS, NUMBERS),
    )


@cache
def write_signed() -> Callable[..., int]:
    """`write_signed(text, transactions, inputs, values, spends, which, once, twice, first, tag,
    buffer, first_block, blocks)`: the messages of as many spends as there is room for; returns their number."""

    def write_signed(  # type: ignore[no-untyped-def]
        text,
        transactions,
        inputs,
        values,
        spends,
        which,
        once,
        twice,
        first,
        tag,
        buffer,
        first_block,
        blocks,
    ):
        at = 0
        for message in range(len(which)):
            coin = which[message]
            source, kind = inputs[coin + 1], spends[coin, KIND]
            row = transactions[source[OWNER]]
            shared, begin = first[source[OWNER]], at
            program = spends[coin, PROGRAM]
            size = _WITNESS_SIZE
            if kind == P2PKH:
                size = _FRAME + _BLANK_INPUT * row[INPUTS] + row[BODY_END] - row[OUTPUTS_AT]
            if at + size > len(buffer):
                return message
            if kind == KEY_PATH:
                at = put(buffer, at, tag, 0, 64)
                hash_type = DEFAULT if source[LAST_END] == spends[coin, SIGNATURE_END] else ALL
                at = _put_taproot(buffer, at, text, row, coin + 1, hash_type, once, shared)
            elif kind == P2PKH:
                at = _put_legacy(buffer, at, text, row, inputs, coin + 1, program)
            else:
                at = _put_witness(buffer, at, text, row, source, program, values[coin], twice, shared)
            at = seal(buffer, begin, at, first_block, blocks, message)
        return len(which)

    digests = types.uint8[:, ::1]
    tables = (FLAT, ROWS, ROWS, NUMBERS, ROWS, NUMBERS)
    return compiled(write_signed, types.int64(*tables, digests, digests, NUMBERS, FLAT, BUFFER, NUMBERS, NUMBERS))


@numba.njit
def _put_taproot(buffer, at, text, row, place, hash_type, once, shared):  # type: ignore[no-untyped-def]
    """BIP341, "Common signature message"; `place` is the input's row."""
    at = put_number(buffer, at, 0, 1)
    at = put_number(buffer, at, hash_type, 1)
    at = put(buffer, at, text, row[START], row[START] + 4)
    at = put(buffer, at, text, row[END] - 4, row[END])
    at = put(buffer, at, once[shared + OUTPOINTS], 0, 32)
    at = put(buffer, at, once[shared + AMOUNTS], 0, 32)
    at = put(buffer, at, once[shared + SCRIPTS], 0, 32)
    at = put(buffer, at, once[shared + SEQUENCES], 0, 32)
    at = put(buffer, at, once[shared + PAID], 0, 32)
    at = put_number(buffer, at, 0, 1)
    return put_number(buffer, at, place - row[INPUTS_FROM], 4)


@numba.njit
def _put_witness(buffer, at, text, row, source, program, value, twice, shared):  # type: ignore[no-untyped-def]
    """BIP143, for the script code that a key's hash stands for."""
    at = put(buffer, at, text, row[START], row[START] + 4)
    at = put(buffer, at, twice[shared + OUTPOINTS], 0, 32)
    at = put(buffer, at, twice[shared + SEQUENCES], 0, 32)
    at = put(buffer, at, text, source[OUTPOINT], source[OUTPOINT] + 36)
    at = _put_code(buffer, at, text, program)
    at = put_number(buffer, at, value, 8)
    at = put(buffer, at, text, source[SEQUENCE], source[SEQUENCE] + 4)
    at = put(buffer, at, twice[shared + PAID], 0, 32)
    at = put(buffer, at, text, row[END] - 4, row[END])
    return put_number(buffer, at, ALL, 4)


@numba.njit
def _put_legacy(buffer, at, text, row, inputs, own, program):  # type: ignore[no-untyped-def]
    """The transaction with all scripts blanked but that of the input with the row `own`."""
    at = put(buffer, at, text, row[START], row[START] + 4)
    at = put_size(buffer, at, row[INPUTS])
    for place in range(row[INPUTS_FROM], row[INPUTS_FROM] + row[INPUTS]):
        at = put(buffer, at, text, inputs[place, OUTPOINT], inputs[place, OUTPOINT] + 36)
        at = _put_code(buffer, at, text, program) if place == own else put_number(buffer, at, 0, 1)
        at = put(buffer, at, text, inputs[place, SEQUENCE], inputs[place, SEQUENCE] + 4)
    at = put_size(buffer, at, row[OUTPUTS])
    at = put(buffer, at, text, row[OUTPUTS_AT], row[BODY_END])
    at = put(buffer, at, text, row[END] - 4, row[END])
    return put_number(buffer, at, ALL, 4)


@numba.njit
def _put_code(buffer, at, text, program):  # type: ignore[no-untyped-def]
    """The script that asks for the key with the hash at `program`, after its size."""
    at = put_number(buffer, at, _CODE_BEGIN, 4)
    at = put(buffer, at, text, program, program + KEY_HASH)
    return put_number(buffer, at, _CODE_END, 2)
