from __future__ import annotations

from quorate.chain.orphans import Orphans


def test_they_come_out_in_their_order_and_once() -> None:
    orphans = Orphans()
    orphans.hold("b", "a", b"1")
    orphans.hold("c", "a", b"2")
    orphans.hold("b", "a", b"again")
    orphans.hold("d", "b", b"3")
    assert len(orphans) == 3
    assert orphans.take("a") == [b"1", b"2"]
    assert orphans.take("a") == []
    assert orphans.take("b") == [b"3"]


def test_the_oldest_make_room() -> None:
    orphans = Orphans(capacity=10)
    for name in "abc":
        orphans.hold(name, "parent", bytes(4))
    assert len(orphans) == 2
    orphans.hold("d", "parent", b"x" * 9)
    assert orphans.take("parent") == [b"x" * 9]
