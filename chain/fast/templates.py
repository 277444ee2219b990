"""The usual spends, known by their shape: one signature of everything, by a key or the hash of a key.

A shape says how the interpreter's run would end, but for the signature: it asks for that one check, and it is
satisfied if the check is good. All others are left to the interpreter:

- P2PKH: the input's script pushes a signature and a key. The signature is too long to occur in the script that is
  spent, so that FindAndDelete has nothing to do;
- P2WPKH, alone or in P2SH: the same as two witness items;
- P2TR by its key: one witness item, without annex.

Signatures are strict DER, whatever the rules of the block's time, with numbers of at most 32 bytes. They sign all
inputs and outputs, and keys have the length that their first byte says. A program that means "false" as a stack
item is no such shape: the interpreter would end with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numba
import numpy as np
from numba import types

from ...kernels.py.cache import compiled
from ..script.opcodes import Op
from ..script.sighash import ALL
from . import ripemd160
from .messages import BUFFER, Messages, put, seal
from .sigops import is_p2sh
from .sources import Spent
from .table import (
    FLAT,
    ITEMS,
    ITEMS_AT,
    LAST_AT,
    LAST_END,
    NUMBERS,
    ROWS,
    SCRIPT_SIG,
    SEQUENCE,
    Numbers,
    Table,
)

# Numba has no types for mypy.
# mypy: disable-error-code="no-untyped-call"

KIND, SIGNATURE, SIGNATURE_END, KEY, KEY_END, PROGRAM = range(6)
"""Columns of an input's spend; all but the kind are places, and count as it says. Signatures are without hash
type. `PROGRAM` is the place of a key's hash, or of Taproot's output key."""
OTHER, P2PKH, P2WPKH, IN_P2SH, KEY_PATH = range(5)
"""Kinds; `IN_P2SH` is P2WPKH there."""

KEY_HASH = 20
_OUTPUT_KEY = 32
_SCHNORR = 64
"""Bytes of a signature without hash type."""

_DUP, _HASH160, _EQUALVERIFY = int(Op.OP_DUP), int(Op.OP_HASH160), int(Op.OP_EQUALVERIFY)
_CHECKSIG, _ONE = int(Op.OP_CHECKSIG), int(Op.OP_1)

_LONGEST, _SHORTEST = 73, 21
"""Bytes of a signature with its hash type: what strict DER has at most, and what P2PKH's script cannot contain."""


def templates(table: Table, spent: Spent) -> Numbers:
    """The spend of each input but the coinbase's, a row with the columns above."""
    count = len(spent.inside)
    spends = np.empty((count, PROGRAM + 1), np.int64)
    classify()(spent.text, table.inputs, spent.begins, spent.ends, spends)
    messages = Messages.room(2 * count, 2 * count * (65 + 2 + KEY_HASH))
    wanted, owners = np.empty((2 * count, KEY_HASH), np.uint8), np.empty(2 * count, np.int64)
    total = write_keys()(spent.text, table.inputs, spent.begins, spends, *messages, wanted, owners)
    found = ripemd160.hashes(messages.hashes(total)).view(np.uint8)
    wrong = (found != wanted[:total]).any(axis=1)
    spends[owners[:total][wrong], KIND] = OTHER
    return spends


@cache
def classify() -> Callable[..., None]:
    """`classify(text, inputs, begins, ends, spends)` fills the last one."""

    def classify(text, inputs, begins, ends, spends):  # type: ignore[no-untyped-def]
        for coin in range(len(spends)):
            row, spend = inputs[coin + 1], spends[coin]
            begin, size = begins[coin], ends[coin] - begins[coin]
            spend[KIND] = OTHER
            if row[ITEMS] == 0:
                if size == 25 and _pays_key_hash(text, begin):
                    _by_script(text, row, spend, begin + 3)
            elif row[ITEMS] == 1:
                if size == 34 and text[begin] == _ONE and text[begin + 1] == _OUTPUT_KEY:
                    _by_key_path(text, row, spend, begin + 2)
            elif row[ITEMS] == 2:
                if size == 22 and row[SCRIPT_SIG] == row[SEQUENCE] and _is_key_program(text, begin):
                    _by_witness(text, row, spend, P2WPKH, begin + 2)
                elif is_p2sh(text, begin, begin + size) and _is_true(text, begin + 2, KEY_HASH):
                    redeem = row[SCRIPT_SIG] + 1
                    if row[SEQUENCE] - redeem == 22 and text[redeem - 1] == 22 and _is_key_program(text, redeem):
                        _by_witness(text, row, spend, IN_P2SH, redeem + 2)

    return compiled(classify, types.void(FLAT, ROWS, NUMBERS, NUMBERS, ROWS))


@numba.njit
def _pays_key_hash(text, begin):  # type: ignore[no-untyped-def]
    return (
        text[begin] == _DUP
        and text[begin + 1] == _HASH160
        and text[begin + 2] == KEY_HASH
        and text[begin + 23] == _EQUALVERIFY
        and text[begin + 24] == _CHECKSIG
    )


@numba.njit
def _is_key_program(text, begin):  # type: ignore[no-untyped-def]
    """Whether 22 bytes are a witness program of version 0 for a key."""
    return text[begin] == 0 and text[begin + 1] == KEY_HASH and _is_true(text, begin + 2, KEY_HASH)


@numba.njit
def _is_true(text, begin, size):  # type: ignore[no-untyped-def]
    """Whether a stack item means true; zero and minus zero do not."""
    for place in range(begin, begin + size - 1):
        if text[place]:
            return True
    return text[begin + size - 1] & 0x7F != 0


@numba.njit
def _by_script(text, row, spend, program):  # type: ignore[no-untyped-def]
    """P2PKH, if the input's script is two pushes that fit."""
    begin, end = row[SCRIPT_SIG] + 1, row[SEQUENCE]
    if end - begin < _SHORTEST or not _SHORTEST <= text[begin - 1] <= _LONGEST:
        return
    key = begin + int(text[begin - 1]) + 1
    if key < end and text[key - 1] == end - key:
        _take(text, spend, P2PKH, begin, key - 1, key, end, program)


@numba.njit
def _by_witness(text, row, spend, kind, program):  # type: ignore[no-untyped-def]
    begin = row[ITEMS_AT] + 1
    if text[begin - 1] <= _LONGEST:
        end = begin + int(text[begin - 1])
        _take(text, spend, kind, begin, end, row[LAST_AT], row[LAST_END], program)


@numba.njit
def _take(text, spend, kind, begin, end, key, key_end, program):  # type: ignore[no-untyped-def]
    """A spend by an ECDSA signature and a key."""
    if is_signature(text, begin, end) and _is_key(text, key, key_end):
        spend[KIND], spend[PROGRAM] = kind, program
        spend[SIGNATURE], spend[SIGNATURE_END], spend[KEY], spend[KEY_END] = begin, end - 1, key, key_end


@numba.njit
def _by_key_path(text, row, spend, key):  # type: ignore[no-untyped-def]
    """P2TR, if the item is a signature of everything, whose hash type is left out or ALL."""
    begin, end = row[LAST_AT], row[LAST_AT] + _SCHNORR
    left_out, is_all = row[LAST_END] == end, row[LAST_END] == end + 1 and text[end] == ALL
    if (left_out or is_all) and row[SCRIPT_SIG] == row[SEQUENCE] and _is_true(text, key, _OUTPUT_KEY):
        spend[KIND], spend[PROGRAM] = KEY_PATH, key
        spend[SIGNATURE], spend[SIGNATURE_END] = begin, end


@numba.njit
def is_signature(text, begin, end):  # type: ignore[no-untyped-def]
    """Whether these bytes are strict DER (BIP66) of numbers of at most 32 bytes, with the hash type ALL."""
    if not 9 <= end - begin <= _LONGEST or text[end - 1] != ALL:
        return False
    if text[begin] != 0x30 or text[begin + 1] != end - begin - 3:
        return False
    middle = _integer_end(text, begin + 2, end - 1)
    return middle > 0 and _integer_end(text, middle, end - 1) == end - 1


@numba.njit
def _integer_end(text, at, end):  # type: ignore[no-untyped-def]
    """Where the DER integer ends that begins at `at`: positive, as short as can be; 0 where there is none."""
    if at + 3 > end or text[at] != 0x02:
        return 0
    size = int(text[at + 1])
    first = at + 2
    if size == 0 or first + size > end or text[first] & 0x80:
        return 0
    if text[first] == 0:
        if size > 33 or (size > 1 and not text[first + 1] & 0x80):
            return 0
    elif size > 32:
        return 0
    return first + size


@numba.njit
def _is_key(text, begin, end):  # type: ignore[no-untyped-def]
    prefix, size = text[begin], end - begin
    if size == 33:
        return prefix == 2 or prefix == 3
    return size == 65 and (prefix == 4 or prefix == 6 or prefix == 7)


@cache
def write_keys() -> Callable[..., int]:
    """`write_keys(text, inputs, begins, spends, buffer, first, blocks, wanted, owners)`: messages of all
    that has to have a hash160, with the hashes and the coins whose spends they belong to; returns their number."""

    def write_keys(  # type: ignore[no-untyped-def]
        text, inputs, begins, spends, buffer, first, blocks, wanted, owners
    ):
        message = at = 0
        for coin in range(len(spends)):
            spend = spends[coin]
            if spend[KIND] == OTHER or spend[KIND] == KEY_PATH:
                continue
            begin, program = at, spend[PROGRAM]
            at = put(buffer, at, text, spend[KEY], spend[KEY_END])
            at = seal(buffer, begin, at, first, blocks, message)
            put(wanted[message], 0, text, program, program + KEY_HASH)
            owners[message] = coin
            message += 1
            if spend[KIND] == IN_P2SH:
                begin, program = at, begins[coin] + 2
                at = put(buffer, at, text, inputs[coin + 1, SCRIPT_SIG] + 1, inputs[coin + 1, SEQUENCE])
                at = seal(buffer, begin, at, first, blocks, message)
                put(wanted[message], 0, text, program, program + KEY_HASH)
                owners[message] = coin
                message += 1
        return message

    table = types.uint8[:, ::1]
    return compiled(write_keys, types.int64(FLAT, ROWS, NUMBERS, ROWS, BUFFER, NUMBERS, NUMBERS, table, NUMBERS))
