"""The host side of signatures for every platform of the C family: the kernels' text, what they are given, when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ..signatures import HASH_BYTES, Scheme, SignatureBatch, Verdict
from . import curves

STATE_BYTES = 6 * curves.LIMBS * 8
"""Of a signature in the buffer `state`; SLOTS in batch.h."""

MESSAGE_BYTES = 1 << 26
"""Of a chunk of signatures, unless a single message is longer."""

Arrays = dict[str, npt.NDArray[np.generic]]
Rows = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Step:
    """A kernel and what it takes: buffers and numbers by name, then the number of groups, then `run` of them."""

    kernel: str
    arguments: tuple[str, ...]
    shares: bool = False
    """Whether an item takes a run of groups, which share an inversion."""


SECP256K1, ED25519 = "secp256k1", "ed25519"

CURVES = {Scheme.ECDSA: SECP256K1, Scheme.SCHNORR: SECP256K1, Scheme.ED25519: ED25519}

_MESSAGES = "messages", "offsets"


def steps(scheme: Scheme, rule: str) -> list[Step]:
    """What verifies a chunk whose `arrays` are on the device, with the buffers `table` (of the curve's generator),
    `state` and `codes` (a uint32 each)."""
    if scheme == Scheme.ECDSA:
        return [
            Step("load_ecdsa", ("keys", "signatures", "hybrid", "low_s", "state", "codes")),
            Step("divide_by_s", ("hashes", "signatures", "state"), shares=True),
            Step("multiply_add", ("table", "state")),
            Step("finish_ecdsa", ("signatures", "state", "codes")),
        ]
    if scheme == Scheme.SCHNORR:
        return [
            Step("load_schnorr", ("keys", "signatures", *_MESSAGES, "state", "codes")),
            Step("multiply_add", ("table", "state")),
            Step("finish_schnorr", ("signatures", "state", "codes"), shares=True),
        ]
    return [
        Step("load_ed25519", ("keys", "signatures", *_MESSAGES, "strict", "state", "codes")),
        Step("multiply_subtract", ("table", "state")),
        Step(f"finish_{rule}", ("signatures", "state", "codes"), shares=rule == "rfc8032"),
    ]


def source(curve: str) -> str:
    """The kernels of a curve with what they need, constants included, as one text."""
    hashes = "sha256.h" if curve == SECP256K1 else "sha512.h"
    before = "dialect.h", "limbs.h"
    after = "field.h", "scalar.h", "batch.h", "table.h", "message.h", hashes, f"point_{curve}.h", f"{curve}.cl"
    verdicts = "".join(f"#define VERDICT_{verdict.name} {verdict.value}\n" for verdict in Verdict)
    constants = curves.secp256k1() if curve == SECP256K1 else curves.ed25519()
    return _text(*before) + verdicts + constants + _text(*after)


def _text(*names: str) -> str:
    return "".join(files(__package__).joinpath(name).read_text() for name in names)


def table(curve: str) -> Rows:
    return curves.generator_table() if curve == SECP256K1 else curves.base_point_table()


def chunks(batch: SignatureBatch, scheme: Scheme, most: int) -> Iterator[npt.NDArray[np.int64]]:
    """The rows of a scheme, at most so many at a time, and no more of them than have `MESSAGE_BYTES`."""
    rows = np.flatnonzero(batch.schemes == scheme)
    lengths = np.diff(batch.offsets)[rows]
    first = 0
    while first < len(rows):
        fitting = int(np.searchsorted(np.cumsum(lengths[first : first + most]), MESSAGE_BYTES, side="right"))
        end = first + max(1, fitting)
        yield rows[first:end]
        first = end


def arrays(batch: SignatureBatch, lanes: int) -> Arrays:
    """What the kernels are given for a batch of one scheme, padded to whole groups of so many signatures."""
    scheme, count = Scheme(int(batch.schemes[0])), -(-len(batch) // lanes) * lanes
    order = "<u8" if scheme == Scheme.ED25519 else ">u8"
    found: Arrays = {"signatures": _rows(_words(batch.signatures, order), count)}
    if scheme == Scheme.ECDSA:
        prefixes = batch.keys[:, :1].astype(np.uint64)
        found["keys"] = _rows(np.hstack([_words(batch.keys[:, 1:], order), prefixes]), count)
        found["hashes"] = _rows(_words(batch.messages.reshape(-1, HASH_BYTES), order), count)
        return found
    found["keys"] = _rows(_words(batch.keys[:, :32], order), count)
    found["messages"] = np.append(batch.messages, np.zeros(1, np.uint8))  # because no buffer is empty
    found["offsets"] = np.pad(batch.offsets, (0, count - len(batch)), mode="edge").astype(np.uint64)
    return found


def numbers(batch: SignatureBatch) -> dict[str, int]:
    """The numbers among the kernels' arguments."""
    rules = batch.rules
    return {"hybrid": rules.hybrid_keys, "low_s": rules.low_s, "strict": rules.ed25519 == "rfc8032"}


def _words(data: npt.NDArray[np.uint8], order: str) -> Rows:
    """Numbers of 32 bytes of this byte order as four words each, least significant first."""
    words = np.ascontiguousarray(data).view(order).astype(np.uint64)
    if order == ">u8":
        words = words.reshape(len(data), -1, 4)[:, :, ::-1].reshape(len(data), -1)
    return words


def _rows(rows: Rows, count: int) -> Rows:
    return np.pad(rows, ((0, count - len(rows)), (0, 0)))
