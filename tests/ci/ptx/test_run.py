"""Launches: who runs, in which order, and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from ptx.run import FaultError, load

from .module import needs_gcc, ptx

pytestmark = needs_gcc

OWN_PLACE = (
    "mov.u32 %r1, %ctaid.x;",
    "mov.u32 %r2, %ntid.x;",
    "mov.u32 %r3, %tid.x;",
    "mad.lo.s32 %r4, %r1, %r2, %r3;",
    "mul.wide.u32 %rd1, %r4, 4;",
    "add.s64 %rd1, %rd0, %rd1;",
)


def launch(*body: str, array: np.ndarray, threads: int = 1, order: str = "ascending") -> None:
    load(ptx(*body))["test"].launch(1, threads, array, order=order)


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_every_thread_of_every_block_runs_once(order: str) -> None:
    places = np.zeros(12, np.uint32)
    body = "mov.u32 %r5, %nctaid.x;", "mad.lo.u32 %r6, %r1, 100, %r3;", "mad.lo.u32 %r6, %r5, 10000, %r6;"
    load(ptx(*OWN_PLACE, *body, "st.global.u32 [%rd1], %r6;"))["test"].launch(3, 4, places, order=order)
    assert places.tolist() == [30000 + 100 * block + thread for block in range(3) for thread in range(4)]


def test_orders_are_what_they_are_called() -> None:
    """Each thread draws a number and notes its own in that place."""
    counter = ("ld.param.u64 %rd2, [counter];", "atom.global.add.u32 %r5, [%rd2], 1;")
    place = ("mul.wide.u32 %rd1, %r5, 4;", "add.s64 %rd1, %rd0, %rd1;", "st.global.u32 [%rd1], %r4;")
    kernel = load(ptx(*OWN_PLACE, *counter, *place, parameters=".param .u64 array, .param .u64 counter"))["test"]

    def order(name: str) -> list[int]:
        places, numbers = np.zeros(40, np.uint32), np.zeros(1, np.uint32)
        kernel.launch(5, 8, places, numbers, order=name)
        assert numbers == [40]
        return [int(place) for place in places]

    assert order("ascending") == list(range(40))
    assert order("descending") == list(range(40))[::-1]
    assert sorted(order("a")) == sorted(order("b")) == list(range(40))
    assert order("a") == order("a") != order("b")


@pytest.mark.parametrize("offset", [-4, 12, 1 << 20, 1 << 30])
@pytest.mark.parametrize("access", ["ld.global.u32 %r1, [%rd0+{}];", "st.global.u32 [%rd0+{}], 1;"])
def test_accesses_outside_an_array_are_faults(access: str, offset: int) -> None:
    with pytest.raises(
        FaultError, match="an access outside the arrays .*, by thread 0 of block 0, line 9: .* \\[%rd0"
    ):
        launch(access.format(offset), array=np.zeros(3, np.uint32))


def test_the_last_bytes_of_an_array_may_be_used_and_those_after_them_not() -> None:
    array = np.zeros(3, np.uint32)
    launch("st.global.u32 [%rd0+8], 7;", array=array)
    assert array.tolist() == [0, 0, 7]
    with pytest.raises(FaultError, match="outside"):
        launch("st.global.u64 [%rd0+8], 7;", array=array)


def test_null_and_addresses_cut_to_32_bits_are_faults() -> None:
    for body in (["mov.u64 %rd1, 0;"], ["cvt.u32.u64 %r1, %rd0;", "cvt.u64.u32 %rd1, %r1;"]):
        with pytest.raises(FaultError, match="outside the arrays at 0x0"):
            launch(*body, "st.global.u32 [%rd1], 1;", array=np.zeros(1, np.uint32))


def test_misaligned_accesses_are_faults() -> None:
    with pytest.raises(FaultError, match="a misaligned access at byte 2 of array 0"):
        launch("ld.global.u32 %r1, [%rd0+2];", array=np.zeros(4, np.uint32))
    with pytest.raises(FaultError, match="a misaligned access at byte 4 of array 0"):
        launch("ld.global.u64 %rd1, [%rd0+4];", array=np.zeros(4, np.uint32))


def test_writes_to_read_only_arrays_are_faults() -> None:
    array = np.zeros(1, np.uint32)
    array.flags.writeable = False
    launch("ld.global.u32 %r1, [%rd0];", array=array)
    for write in ("st.global.u32 [%rd0], 1;", "atom.global.add.u32 %r1, [%rd0], 1;"):
        with pytest.raises(FaultError, match="read-only"):
            launch(write, array=array)


READ, WRITE, ATOMIC = (
    "ld.global.u32 %r9, [%rd0];",
    "st.global.u32 [%rd0], 1;",
    "atom.global.xor.b32 %r9, [%rd0], 1;",
)


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("even", [READ, WRITE, ATOMIC])
@pytest.mark.parametrize("odd", [READ, WRITE, ATOMIC])
def test_races_between_two_threads(even: str, odd: str, order: str) -> None:
    body = "mov.u32 %r1, %tid.x;", "setp.eq.u32 %p1, %r1, 0;", f"@%p1 {even}", f"@!%p1 {odd}"
    array = np.zeros(1, np.uint32)
    if even == odd != WRITE:
        launch(*body, array=array, threads=2, order=order)
    else:
        with pytest.raises(FaultError, match="a race at byte 0 of array 0"):
            launch(*body, array=array, threads=2, order=order)


def test_what_many_threads_read_none_may_write() -> None:
    body = "mov.u32 %r1, %tid.x;", "setp.eq.u32 %p1, %r1, 5;", READ, f"@%p1 {WRITE}"
    with pytest.raises(FaultError, match="a race at byte 0 of array 0, by thread 5 of block 0"):
        launch(*body, array=np.zeros(1, np.uint32), threads=9)


def test_a_thread_may_do_what_it_likes_at_its_own_place_and_launches_are_in_order() -> None:
    array = np.zeros(9, np.uint32)
    for _ in range(2):
        own = (line.replace("%rd0", "%rd1") for line in (READ, WRITE, ATOMIC, WRITE, READ, ATOMIC))
        launch(*OWN_PLACE, *own, array=array, threads=9)
    assert array.tolist() == [0] * 9


def test_endless_loops_are_faults() -> None:
    with pytest.raises(FaultError, match="an endless loop .*bra.uni"):
        launch("$again:", "bra.uni $again;", array=np.zeros(1, np.uint32))


def test_registers_that_were_never_written_hold_junk_that_does_not_repeat() -> None:
    places = "st.global.u32 [%rd0], %r1;", "st.global.u32 [%rd0+4], %r2;"
    seen = set()
    for order in ("ascending", "descending", "shuffled"):
        array = np.zeros(2, np.uint32)
        launch(*places, array=array, order=order)
        seen |= set(array.tolist())
    assert len(seen) == 6
    assert not seen & {0, 1}


def test_launches_that_do_not_fit_the_kernel_are_refused() -> None:
    text = ptx(parameters=".param .u64 array, .param .u32 count", directives=".maxntid 8")
    kernel, array = load(text)["test"], np.zeros((4, 4), np.uint32)
    kernel.launch(1, 8, array, 1)
    with pytest.raises(ValueError, match="at most 8 threads"):
        kernel.launch(1, 9, array, 1)
    with pytest.raises(ValueError, match="has 2 parameters, not 1"):
        kernel.launch(1, 8, array)
    with pytest.raises(ValueError, match="takes a parameter of 64 bits"):
        kernel.launch(1, 8, array, array.copy())
    with pytest.raises(ValueError, match="contiguous"):
        kernel.launch(1, 8, array[:, 1], 1)
    with pytest.raises(ValueError, match="4294967296 does not fit into 32 bits"):
        kernel.launch(1, 8, array, 1 << 32)
    both = load(ptx(parameters=".param .u64 array, .param .u64 other"))["test"]
    with pytest.raises(ValueError, match="overlap"):
        both.launch(1, 8, array[:2], array[1:3])
