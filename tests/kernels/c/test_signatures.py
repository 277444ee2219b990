"""The signature kernels' text built for the host under AddressSanitizer and UndefinedBehaviorSanitizer.

There a number carries its magnitude, and every bound that a formula relies on is an assertion. Magnitudes do not
depend on the input, so a run through every formula proves its bounds for all of them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from quorate.kernels.c import curves
from quorate.kernels.c.signatures import CURVES, SECP256K1, arrays, chunks, numbers, source, table
from quorate.kernels.signatures import Rules, Scheme, Verdict

from .. import signature_cases
from .. import signature_oracle as oracle
from ..signature_cases import Case

COMPILER = shutil.which("gcc") or shutil.which("clang")

needs_a_compiler = pytest.mark.skipif(COMPILER is None, reason="neither gcc nor clang is on the PATH")

# Without optimisation the sanitizers see everything that is written, and it compiles in a fraction of the time.
OPTIONS = "-std=c11", "-O0", "-g", "-Wall", "-Werror", "-Wno-unused", "-DHOST", "-DWIDTH=1", "-DCHAINS=1"
SANITIZERS = "-fsanitize=address,undefined", "-fno-sanitize-recover=all"

RULES = [
    (Scheme.ECDSA, Rules()),
    (Scheme.ECDSA, Rules(low_s=True, hybrid_keys=True)),
    (Scheme.SCHNORR, Rules()),
    (Scheme.ED25519, Rules(ed25519="rfc8032")),
    (Scheme.ED25519, Rules(ed25519="zip215")),
]

Build = Callable[..., Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("signatures")

    @cache
    def compiled(curve: str, right: str = "", wrong: str = "") -> Path:
        """The program launch_signatures.c for a curve, with `wrong` in place of `right` where it is given."""
        text = source(curve)
        if right:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        name = f"{curve}{sha256((right + wrong).encode()).hexdigest()[:8]}"
        code, program = folder / f"{name}.c", folder / name
        code.write_text(text + Path(__file__).with_name("launch_signatures.c").read_text())
        defined = ["-DSECP256K1"] if curve == SECP256K1 else []
        result = subprocess.run(
            [str(COMPILER), *OPTIONS, *defined, *SANITIZERS, "-o", str(program), str(code)],
            capture_output=True,
            text=True,
            check=False,
        )
        if "cannot find" in result.stderr:
            pytest.skip(f"{COMPILER} comes without the libraries of its sanitizers: {result.stderr}")
        assert result.returncode == 0, result.stderr
        return program

    return compiled


_table = cache(table)


def run(program: Path, cases: Sequence[Case], rules: Rules, length: int = 7) -> subprocess.CompletedProcess[bytes]:
    """Verifies cases of one scheme; `length` of them share an inversion."""
    batch, scheme = signature_cases.batch(cases, rules), cases[0].scheme
    given, flags = arrays(batch, 1), numbers(batch)
    name = rules.ed25519 if scheme == Scheme.ED25519 else scheme.name.lower()
    size = len(given["messages"]) if "messages" in given else 0
    values = len(batch), length, size, int(flags["hybrid"]), int(flags["low_s"])
    order = "keys", "signatures", "hashes", "messages", "offsets"
    data = _table(CURVES[scheme]).tobytes() + b"".join(given[name].tobytes() for name in order if name in given)
    command = [str(program), name, *map(str, values)]
    return subprocess.run(command, input=data, capture_output=True, timeout=300, check=False)


def wrong(
    program: Path, cases: Sequence[Case], rules: Rules, length: int = 7
) -> list[tuple[Case, Verdict, Verdict]]:
    """Cases with the oracle's verdict and another one."""
    result = run(program, cases, rules, length)
    assert (result.returncode, result.stderr) == (0, b"")
    given = [Verdict(code) for code in np.frombuffer(result.stdout, np.uint32).tolist()]
    expected = [case.verdict(rules) for case in cases]
    return [found for found in zip(cases, expected, given, strict=True) if found[1] != found[2]]


@needs_a_compiler
@pytest.mark.parametrize(("scheme", "rules"), RULES, ids=lambda v: v.name if isinstance(v, Scheme) else v.ed25519)
def test_verdicts_bounds_and_memory(build: Build, scheme: Scheme, rules: Rules) -> None:
    cases = [*signature_cases.edges(scheme), *signature_cases.random_cases(scheme, 60, seed=2)]
    assert wrong(build(CURVES[scheme]), cases, rules) == []


@needs_a_compiler
@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize(("count", "length"), [(1, 1), (1, 64), (5, 2), (6, 3)])
def test_any_number_in_runs_of_any_length(build: Build, scheme: Scheme, count: int, length: int) -> None:
    cases = signature_cases.random_cases(scheme, count, seed=3)
    assert wrong(build(CURVES[scheme]), cases, Rules(), length) == []


FAULTS = {
    "a carry that is dropped": (
        "columns[2] += columns[1] >> LIMB_BITS; /* by less than 2^22 + 2^2 */",
        "",
    ),
    "a fold that is left out": (
        "columns[LIMBS - 1] += (high[LIMBS - 1] * FOLD1) << LIMB_BITS;",
        "",
    ),
    "no last reduction below p": (
        "const wide over = sum[LIMBS - 1] >> TOP_BITS;",
        "const wide over = 0 * sum[0];",
    ),
    "a borrow that is dropped": ("(rest[i] & LIMB_MASK) - borrow;", "(rest[i] & LIMB_MASK);"),
}


@needs_a_compiler
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(build: Build, fault: str) -> None:
    cases = [*signature_cases.edges(Scheme.ECDSA), *signature_cases.random_cases(Scheme.ECDSA, 60, seed=2)]
    assert wrong(build(SECP256K1, *FAULTS[fault]), cases, Rules()) != []


@needs_a_compiler
def test_a_bound_that_does_not_hold_is_caught(build: Build) -> None:
    """A formula that forgets how large its numbers have become stops at the first signature."""
    program = build(SECP256K1, "multiple(&three_xx, 3, xx);", "multiple(&three_xx, 301, xx);")
    result = run(program, [signature_cases.edges(Scheme.ECDSA)[0]], Rules())
    assert result.returncode != 0
    assert b"Assertion" in result.stderr


@needs_a_compiler
def test_a_step_outside_a_buffer_would_be_seen(build: Build) -> None:
    program = build(SECP256K1, "if (ITEM < groups) multiply_add_group", "multiply_add_group")
    result = run(program, [signature_cases.edges(Scheme.ECDSA)[0]], Rules())
    assert result.returncode != 0
    assert b"heap-buffer-overflow" in result.stderr


def test_the_tables_are_the_multiples_that_they_should_be() -> None:
    generator, base = _table(SECP256K1), _table(CURVES[Scheme.ED25519])
    for window, entry in ((0, 1), (0, 2), (0, 4096), (1, 1), (7, 1234), (18, 4095), (19, 4096)):
        scalar = entry << 13 * window
        point = oracle.times(scalar % oracle.n, oracle.G)
        assert point is not None
        words = generator[window, entry - 1].tolist()
        assert tuple(sum(w << 64 * i for i, w in enumerate(words[k : k + 4])) for k in (0, 4)) == point
        x, y = oracle.edwards_times(scalar % oracle.L, oracle.B)
        words = base[window, entry - 1].tolist()
        numbers = [sum(w << 64 * i for i, w in enumerate(words[k : k + 4])) for k in (0, 4, 8)]
        assert numbers == [(y + x) % oracle.q, (y - x) % oracle.q, 2 * curves.D * x * y % oracle.q]


def test_halves_of_a_scalar_are_short() -> None:
    """So that with KEY_BIAS they are no less than 0 and fit 26 digits of 5 bits."""
    _, (a1, b1), (a2, b2) = curves.endomorphism()
    bias = sum(16 << 5 * i for i in range(26))
    for first, second in ((a1, a2), (b1, b2)):
        # Half of each vector, and a little more because of the rounded factors.
        longest = (abs(first) + abs(second)) * 51 // 100
        assert longest < bias
        assert bias + longest < 1 << 130


@pytest.mark.parametrize("scheme", Scheme)
def test_chunks_hold_every_row_of_a_scheme_once(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.kernels.c.signatures.MESSAGE_BYTES", 500)
    cases = [case for s in Scheme for case in signature_cases.random_cases(s, 40, seed=4)]
    batch = signature_cases.batch(cases[::3] + cases[1::3] + cases[2::3], Rules())
    parts = list(chunks(batch, scheme, 9))
    assert np.array_equal(np.concatenate(parts), np.flatnonzero(batch.schemes == scheme))
    lengths = np.diff(batch.offsets)
    assert all(0 < len(rows) <= 9 and (lengths[rows].sum() <= 500 or len(rows) == 1) for rows in parts)
