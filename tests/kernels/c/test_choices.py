"""The table of choices: what must never be chosen, and what the kernels' text needs."""

from __future__ import annotations

import pytest

from quorate.kernels.c import choices
from quorate.kernels.c.choices import AVX512, alternatives, choose, cpu_features

DRIVERS = ["Portable Computing Language", "Intel(R) OpenCL", "rusticl", "Oclgrind", "a driver yet unknown"]
ZEN_3 = frozenset({"avx", "avx2", "bmi2"})


@pytest.mark.parametrize("platform", DRIVERS)
@pytest.mark.parametrize("features", [frozenset(), ZEN_3, ZEN_3 | {"avx512f", "avx512bw"}])
def test_avx512_only_where_the_processor_has_all_of_it(platform: str, features: frozenset[str]) -> None:
    """Otherwise the process would die of an illegal instruction."""
    assert not choose(platform, gpu=False, features=features).avx512


def test_pocl_is_told_of_avx512() -> None:
    choice = choose("Portable Computing Language", gpu=False, features=AVX512)
    assert (choice.avx512, choice.width) == (True, 16)
    assert "-DAVX512" in choice.options


@pytest.mark.parametrize("platform", DRIVERS)
def test_gpus_get_scalar_code_whatever_the_host_is(platform: str) -> None:
    choice = choose(platform, gpu=True, features=AVX512)
    assert (choice.lanes, choice.for_versions.width) == (1, 1)
    assert choice.for_versions.chains > 1
    assert not choice.avx512


@pytest.mark.parametrize(
    ("features", "lanes"),
    [(AVX512 | {"avx2"}, 8), (ZEN_3, 4), (frozenset(), 2)],
    ids=["AVX-512", "AVX2", "neither"],
)
def test_signatures_take_64_bit_lanes_in_vectors_as_long(features: frozenset[str], lanes: int) -> None:
    choice = choose("Portable Computing Language", gpu=False, features=features)
    assert (choice.for_signatures.width, choice.for_signatures.chains) == (lanes, 1)
    assert choice.for_signatures.avx512 == choice.avx512
    assert choose("NVIDIA CUDA", gpu=True, features=features).for_signatures.lanes == 1


def test_groups_divide_the_items() -> None:
    table = [choice for choice in vars(choices).values() if isinstance(choice, choices.Choice)]
    assert len(table) >= 6
    for choice in table:
        assert choice.items_per_unit % choice.local == 0
        assert choice.for_versions.items_per_unit % choice.local == 0


@pytest.mark.parametrize("platform", DRIVERS)
@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("features", [frozenset(), ZEN_3, AVX512 | {"avx2"}])
def test_alternatives_have_names_of_their_own_and_run_wherever_the_default_does(
    platform: str, gpu: bool, features: frozenset[str]
) -> None:
    default = choose(platform, gpu=gpu, features=features)
    found = alternatives(platform, default)
    assert found[0] == default
    assert len({choice.name for choice in found}) == len(found)
    for choice in found:
        assert choice.width <= default.width
        assert choice.avx512 == default.avx512
        assert not (choice.avx512 and choice.rotate)
        assert choice.rotate or platform != "Oclgrind"


def test_the_features_of_this_processor_are_names_of_features() -> None:
    features = cpu_features()
    assert all(name.isascii() and not name.isspace() for name in features)
    if features:
        assert features & {"sse2", "asimd", "fp", "fpu"}
