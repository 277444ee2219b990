"""Known answers: honest devices pass, and every lie that an answer can show fails."""

from __future__ import annotations

import pytest

from quorate.kernels import catalog, faulty
from quorate.kernels.backend import DeviceError, Hits
from quorate.kernels.faulty import Faulty
from quorate.kernels.reference import ReferenceBackend
from quorate.miner.watch.selftest import self_test


@pytest.mark.parametrize("name", [d.name for d in catalog.usable() if d.kind in ("reference", "cpu")])
def test_honest_devices_pass(name: str) -> None:
    self_test(catalog.open_backend(name))


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("false-hit", "wrong hits around the nonce of block 0"),
        ("withheld-hit", "wrong hits around the nonce of block 0"),
        ("late-onset", "wrong hits around the nonce of block"),
        ("intermittent", "wrong hits"),
        ("flipped-bit", "wrong fingerprint of a window"),
        ("crash", "it failed to search: .*crashed on purpose"),
        ("slow", "times as long as the reference"),
    ],
)
def test_liars_fail(lie: str, said: str) -> None:
    with pytest.raises(DeviceError, match=rf"self-test: .*{said}"):
        self_test(Faulty(ReferenceBackend(), lie))


def test_a_device_that_skips_the_end_of_the_nonces_fails() -> None:
    class Short(ReferenceBackend):
        def search(self, header: bytes, start: int, count: int, target: int) -> Hits:
            hits = super().search(header, start, count, target)
            return Hits(start, count, hits.nonces[hits.nonces < (1 << 32) - 1000])

    with pytest.raises(DeviceError, match="wrong hits at the end of the nonces"):
        self_test(Short())


def test_every_lie_about_searching_is_tried_here() -> None:
    about_signatures = {"false-accept", "false-refusal", "wrong-reason"}
    tried = {"false-hit", "withheld-hit", "late-onset", "intermittent", "flipped-bit", "crash", "slow"}
    assert set(faulty.LIES) - about_signatures == tried
