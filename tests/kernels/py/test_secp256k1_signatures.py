"""ECDSA and BIP 340 in lanes against the oracle, with what is crafted against these very formulas."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quorate.kernels.py import chunks, ecdsa, multiplier, schnorr
from quorate.kernels.py.curve_secp256k1 import G, N
from quorate.kernels.py.scalar_secp256k1 import LAMBDA
from quorate.kernels.signatures import Codes, Rules, Scheme, SignatureBatch, Verdict

from ..signature_cases import Case, batch, by_scalars, edges, good, random_cases
from ..signature_oracle import times

pytestmark = pytest.mark.skipif(multiplier.lanes() == 0, reason="the processor has no AVX2")

STANDARD = Rules()
STRICT = Rules(low_s=True, hybrid_keys=True)


def verdicts(signatures: SignatureBatch) -> Codes:
    b = signatures
    if b.schemes[0] == Scheme.ECDSA:
        return ecdsa.verify(b.keys, b.signatures, b.messages.reshape(-1, 32), b.rules, multiplier.lanes())
    return schnorr.verify(b.keys, b.signatures, b.messages, b.offsets, multiplier.lanes())


def check(cases: list[Case], rules: Rules = STANDARD) -> None:
    found = verdicts(batch(cases, rules)).tolist()
    wrong = [(case.name, case.verdict(rules), code) for case, code in zip(cases, found, strict=True)
             if case.verdict(rules) != code]  # fmt: skip
    assert not wrong


@pytest.mark.parametrize("rules", [Rules(), STRICT], ids=["standard", "strict"])
@pytest.mark.parametrize("scheme", [Scheme.ECDSA, Scheme.SCHNORR])
def test_edges_and_random_cases(scheme: Scheme, rules: Rules) -> None:
    check([*edges(scheme), *random_cases(scheme, 120, 11)], rules)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 15, 16, 17, 33, 255, 256, 257, 300])
@pytest.mark.parametrize("scheme", [Scheme.ECDSA, Scheme.SCHNORR])
def test_any_number_of_signatures(scheme: Scheme, count: int) -> None:
    """The good ones stay good beside a bad one in every 5th place."""
    rng = random.Random(count)
    pool = [good(scheme, rng) for _ in range(6)]
    fault = pool[0]._replace(key=b"\x05" * 33 if scheme == Scheme.ECDSA else b"\xff" * 32)
    cases = [fault if i % 5 == 3 else pool[i % 6] for i in range(count)]
    expected = [Verdict.KEY if i % 5 == 3 else Verdict.VALID for i in range(count)]
    assert verdicts(batch(cases, Rules())).tolist() == expected


def windows_of_the_order() -> int:
    """u1 for which two halves of the generator's sum are the same point.

    The last step of that sum adds the windows that meet in its first place to those in its second. If N is written
    in signed windows and those of one of the two are negated, the two halves are equal modulo N.
    """
    digits = []
    rest = N
    for _ in range(19):
        digit = rest % 2**14 - 2**13
        digits.append(digit)
        rest = (rest - digit) >> 13
    digits.append(rest)
    assert sum(digit << 13 * i for i, digit in enumerate(digits)) == N
    places: list[list[int]] = [[i] for i in range(20)]
    while len(places) > 2:
        half = len(places) // 2
        outer = [a + b for a, b in zip(places[:half], reversed(places[-half:]), strict=True)]
        places = outer + places[half : len(places) - half]
    halves = [sum(digits[i] << 13 * i for i in group) for group in places]
    first, second = halves if 19 in places[0] else reversed(halves)
    return (first - second) % N


def exceptional() -> list[Case]:
    """Cases of which every one meets an exceptional addition."""
    rng = random.Random("exceptional")
    cases = []
    for d in (1, N - 1, LAMBDA, N - LAMBDA, rng.randrange(N), 12345):
        key = times(d, G)
        assert key
        for u2 in (1, LAMBDA, rng.randrange(1, N)):
            cases.append(by_scalars(f"equal: {d}, {u2}", key, u2 * d % N, u2))
            cases.append(by_scalars(f"opposite: {d}, {u2}", key, -u2 * d % N, u2))
            cases.append(by_scalars(f"no generator: {d}, {u2}", key, 0, u2))
            cases.append(by_scalars(f"equal windows: {d}, {u2}", key, windows_of_the_order(), u2))
    return cases


def flagged(cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Which of at most 16 signatures went through the complete formulas."""
    memory = chunks.working_memory(16, multiplier.lanes())
    monkeypatch.setattr(ecdsa, "working_memory", lambda *_: memory)
    verdicts(batch(cases, Rules()))
    flags: list[int] = memory[chunks.EXCEPTIONAL : chunks.EXCEPTIONAL + 2].reshape(-1).tolist()
    return [flag != 0 for flag in flags[: len(cases)]]


def test_exceptional_additions_are_decided_rightly() -> None:
    rng = random.Random(1)
    cases = exceptional()
    mixed = [case for one in cases for case in (one, good(Scheme.ECDSA, rng))]
    check(cases)
    check(mixed)


@pytest.mark.parametrize("start", range(0, 64, 8))
def test_exceptional_additions_are_exceptional(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crafted cases are what they claim, and their neighbours are not drawn into it."""
    rng = random.Random(2)
    crafted = exceptional()[start : start + 4]
    cases = [
        case for pair in zip(crafted, [good(Scheme.ECDSA, rng) for _ in crafted], strict=True) for case in pair
    ]
    assert flagged(cases, monkeypatch) == [True, False] * 4


def test_threads_do_not_disturb_each_other() -> None:
    signatures = [batch(random_cases(Scheme.ECDSA, 100, seed), Rules()) for seed in (1, 2)] * 4
    expected = [verdicts(b).tolist() for b in signatures]
    with ThreadPoolExecutor(4) as pool:
        assert [codes.tolist() for codes in pool.map(verdicts, signatures)] == expected


def test_real_signatures(vectors: Path) -> None:
    """All of block 413567, and with another hash none of them."""
    lines = (vectors / "signatures" / "mainnet_413567_p2pkh.csv").read_text().splitlines()[1:2001]
    columns = [line.split(",") for line in lines]
    keys = [bytes.fromhex(column[3]) for column in columns]
    hashes = [bytes.fromhex(column[1]) for column in columns]
    compact = [from_der(bytes.fromhex(column[2])) for column in columns]
    assert not verdicts(SignatureBatch.of(Scheme.ECDSA, keys, compact, hashes)).any()
    shifted = [*hashes[1:], hashes[0]]
    assert (verdicts(SignatureBatch.of(Scheme.ECDSA, keys, compact, shifted)) == Verdict.EQUATION).all()


def from_der(encoded: bytes) -> bytes:
    """r and s of a signature that is known to be well formed."""
    length = encoded[3]
    r, s = encoded[4 : 4 + length], encoded[6 + length : 6 + length + encoded[5 + length]]
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in (r, s))
