"""From a script's checks to a backend's batch, and back to verdicts.

A backend knows signatures; the third kind of check, Taproot's commitment, is put to it as two of them.
The commitment says Q = P + tG. ECDSA's equation, for a key K, a message z and a signature (r, s), is
x(z/s · G + r/s · K) = r (mod n). With s = r it says x(z/r · G + K) = r, so we can ask whether

    x(tG + P) = x(Q)     key P, z = tr, r = x(Q)
    x(−tG + Q) = x(P)    key Q, z = −tr, r = x(P)

The first leaves Q = ±(tG + P), the second Q = tG ± P. Both together leave the commitment alone, since
the other combinations need t = 0, P = −tG or Q = 0: the first two would take a hash that hits one given
number, the last is no key. That x is compared modulo n adds no combination that would take less.

One case is left. An x of n itself makes r zero, which ECDSA refuses, and n is the x of a point. Nobody
finds a tweak that leads to that point, but everybody can choose it as P. Then the second question is moved
by G: x((1 − t)G + Q) = x(P + G).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from ..kernels.backend import Backend
from ..kernels.encodings import parse_der
from ..kernels.signatures import NO_SIGNATURE, SIGNATURE_BYTES, Rules, Scheme, SignatureBatch, Verdict
from .script.checker import Check, CheckKind

RULES = Rules(hybrid_keys=True)
"""Bitcoin's consensus: either s, and hybrid keys; what a flag forbids has been refused before."""

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""n, the order of secp256k1 (SEC 2, section 2.4.1)."""

_MOVED_X = 0x4D7390E2F91D5F6E63AD25B8B3FC253DAE216965FD3C312DE56CCAEEA97737F8
"""x(P + G) where x(P) = n and y(P) is even."""

_EVEN = b"\2"
"""How a key with an even y begins; Taproot's internal keys have one."""


class _Question(NamedTuple):
    """One row of a batch that asks for ECDSA."""

    key: bytes
    signature: bytes
    message: bytes


def decide(checks: Collection[Check], backend: Backend) -> dict[Check, bool]:
    """The true verdict of each check, by one call of the backend.

    Raises what `Backend.verify` does.
    """
    verdicts, _ = decide_beside(None, checks, backend)
    return verdicts


def decide_beside(
    beside: SignatureBatch | None, checks: Collection[Check], backend: Backend
) -> tuple[dict[Check, bool], bool]:
    """The same, and whether all signatures of a batch under `RULES` are valid, in one call together."""
    batches = [] if beside is None else [beside]
    ecdsa, schnorr, commitments = ([check for check in checks if check.kind is kind] for kind in CheckKind)
    if checks:
        batches.append(_batch(ecdsa, schnorr, commitments))
    if not batches:
        return {}, True
    good = (backend.verify(_joined(batches)) == Verdict.VALID).tolist()

    answers = iter(good[len(good) - len(batches[-1]) :]) if checks else iter(())
    verdicts = dict(zip(ecdsa + schnorr, answers, strict=False))
    for check, first, second in zip(commitments, answers, answers, strict=True):
        verdicts[check] = first and second
    return verdicts, beside is None or all(good[: len(beside)])


def _batch(ecdsa: Sequence[Check], schnorr: Sequence[Check], commitments: Sequence[Check]) -> SignatureBatch:
    """A row for each signature, and two for each commitment."""
    signed = [*ecdsa, *schnorr]
    questions = [question for check in commitments for question in _questions(check)]
    decoded, _ = parse_der([check.signature for check in ecdsa], strict=False)
    plain = b"".join([check.signature for check in schnorr] + [question.signature for question in questions])
    return SignatureBatch.of(
        [Scheme.ECDSA] * len(ecdsa) + [Scheme.SCHNORR] * len(schnorr) + [Scheme.ECDSA] * len(questions),
        [check.key for check in signed] + [question.key for question in questions],
        np.concatenate([decoded, np.frombuffer(plain, np.uint8).reshape(-1, SIGNATURE_BYTES)]),
        [check.message for check in signed] + [question.message for question in questions],
        RULES,
    )


def _joined(batches: Sequence[SignatureBatch]) -> SignatureBatch:
    """One batch after the other."""
    first, *others = batches
    if not others:
        return first
    ends = np.cumsum([batch.offsets[-1] for batch in batches])
    return SignatureBatch(
        np.concatenate([batch.schemes for batch in batches]),
        np.concatenate([batch.keys for batch in batches]),
        np.concatenate([batch.signatures for batch in batches]),
        np.concatenate([batch.messages for batch in batches]),
        np.concatenate(
            [first.offsets, *[batch.offsets[1:] + end for batch, end in zip(others, ends, strict=False)]]
        ),
        first.rules,
    )


def _questions(check: Check) -> tuple[_Question, _Question]:
    """The two of the text above."""
    tweak = int.from_bytes(check.message)
    internal, output = int.from_bytes(check.signature), int.from_bytes(check.key[1:])
    first = _question(_EVEN + check.signature, tweak, output)
    if internal == _ORDER:
        second = _question(check.key, 1 - tweak, _MOVED_X)
    else:
        second = _question(check.key, -tweak, internal)
    if tweak >= _ORDER:
        first = first._replace(signature=NO_SIGNATURE)  # BIP341 refuses it
    return first, second


def _question(key: bytes, factor: int, x: int) -> _Question:
    """Whether factor · G + key has this x."""
    r = x % _ORDER
    scalar = r.to_bytes(32)
    return _Question(key, scalar + scalar, (factor * r % _ORDER).to_bytes(32))
