from __future__ import annotations

import pytest

from quorate.chain.script import flags
from quorate.chain.script.flags import CONSENSUS, NAMES, STANDARD, parse_flags
from quorate.kernels.backend import UsageError


def test_names() -> None:
    assert len(NAMES) == 21
    assert sorted(NAMES.values()) == [1 << place for place in range(21)]
    assert parse_flags("P2SH,WITNESS") == flags.P2SH | flags.WITNESS
    assert parse_flags("") == parse_flags("NONE") == 0
    assert parse_flags(",".join(NAMES)) == sum(NAMES.values())


def test_policy_asks_for_all_that_consensus_does() -> None:
    assert CONSENSUS & ~STANDARD == 0
    assert not STANDARD & flags.SIGPUSHONLY


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="no script flag 'P2PK'"):
        parse_flags("P2SH,P2PK")
