"""quorate mine: where the work comes from. The options say it, and each place has words of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .chainstore import default_datadir, open_chain

if TYPE_CHECKING:
    from ..chain.params import Network
    from ..miner.config import Settings
    from ..miner.node.source import NodeSource
    from ..miner.sources.chain import ChainSource
    from ..miner.stratum.pool import PoolSource
    from ..miner.work import Source

ANYONE = b"\x51"
"""OP_TRUE: whoever comes may spend it, without a key."""

PACE = 1.0
"""Seconds from block to block where they cost nothing and nobody said how many there should be."""

LINGER = 0.2
"""Seconds that a pool may still answer after the miner has waited for its answers itself."""

_ABOUT = {
    "--header": ("--start", "--count", "--target", "--versions"),
    "blocks": ("--blocks", "--address", "--network"),
    "the chain of this machine": ("--datadir",),
    "--node": ("--cookie", "--empty"),
    "--node or --pool": ("--user", "--password-file"),
}
"""What the options are about that not all ways to mine have."""

_WAYS = {
    "--header": {"--header"},
    "--node": {"--node", "--node or --pool", "blocks"},
    "--pool": {"--pool", "--node or --pool"},
    "": {"blocks", "the chain of this machine"},
}
"""What each way to mine is about, by the option that chooses it."""


def check_together(given: Mapping[str, object]) -> None:
    """Raise `UsageError` for options that do not go together. None and False are of options not given."""
    named = {option for option, value in given.items() if value is not None and value is not False}
    chosen = [way for way in _WAYS if way in named]
    if len(chosen) > 1:
        _refuse(f"{chosen[0]} and {chosen[1]} are two ways to mine; choose one")
    [way] = chosen or [""]
    for about, options in _ABOUT.items():
        for option in options:
            if option in named and about not in _WAYS[way]:
                _refuse(f"{option} is about {about}, " + (f"and {way} is not" if way else "which is missing"))


def _refuse(text: str) -> NoReturn:
    from ..kernels.backend import UsageError

    raise UsageError(text)


class Place:
    """An open source, and how its results are called."""

    unit = "block"
    """What a solution is to it."""

    accepted = "accepted"
    """What became of one, behind `found by DEVICE, `."""

    goes_on = ""
    """What else is said where somebody has interrupted."""

    def __init__(self, source: Source, pace: float = 0.0) -> None:
        self.source = source
        self.pace = pace

    def begin(self) -> tuple[str, dict[str, Any]]:
        """Behind `Mining `, for people; and as plain data."""
        raise NotImplementedError

    def notes(self) -> list[str]:
        """What else people should know."""
        return ["Every second hash makes a block here, so there is one a second; Ctrl-C ends it."] * bool(
            self.pace
        )

    def remark(self, rate: str) -> str:
        """How it goes."""
        return rate

    def end(self) -> tuple[str, dict[str, Any]]:
        """The end of the summary, for people; and as plain data."""
        raise NotImplementedError


class ChainPlace(Place):
    accepted = "valid, stored"
    goes_on = "; the same command goes on from there"

    def __init__(
        self, source: ChainSource, network: Network, datadir: Path, script_pubkey: bytes, pace: float
    ) -> None:
        super().__init__(source, pace)
        self._source, self._network = source, network
        self._datadir, self._script_pubkey = datadir, script_pubkey

    def begin(self) -> tuple[str, dict[str, Any]]:
        text = f"on the chain of {self._network.name} in {self._datadir}, from height {self._source.tip.height:,}"
        return text, {**self._facts(), "script": self._script_pubkey.hex()}

    def notes(self) -> list[str]:
        anyone = "Anyone may spend the rewards (OP_TRUE); --address says whose they are to be."
        return [anyone] * (self._script_pubkey == ANYONE) + super().notes()

    def remark(self, rate: str) -> str:
        # Where every second hash makes a block, devices hardly hash.
        return f"height {self._source.tip.height:,}" + ("" if self._network.no_retargeting else f", {rate}")

    def end(self) -> tuple[str, dict[str, Any]]:
        tip = self._source.tip
        text = f"the chain of {self._network.name} in {self._datadir} has height {tip.height:,}, tip {tip.name}"
        return text, self._facts()

    def _facts(self) -> dict[str, Any]:
        tip = self._source.tip
        place = {"network": self._network.name, "datadir": str(self._datadir)}
        return {**place, "height": tip.height, "tip": tip.name}


class NodePlace(Place):
    def __init__(self, source: NodeSource, pace: float) -> None:
        super().__init__(source, pace)
        self._source = source

    def begin(self) -> tuple[str, dict[str, Any]]:
        return f"for the node at {self.source.name}, on {self._source.network.name}", self._facts()

    def end(self) -> tuple[str, dict[str, Any]]:
        return f"for the node at {self.source.name}", self._facts()

    def _facts(self) -> dict[str, Any]:
        return {"node": self.source.name, "network": self._source.network.name}


class PoolPlace(Place):
    unit = "share"

    def __init__(self, source: PoolSource, pools: str, worker: str) -> None:
        super().__init__(source)
        self._source, self._pools, self._worker = source, pools, worker

    def begin(self) -> tuple[str, dict[str, Any]]:
        return f"for {self._worker} at {self._pools}", {"pool": self._pools, "worker": self._worker}

    def end(self) -> tuple[str, dict[str, Any]]:
        tally = self._source.tally()
        faults = {fault.value: number for fault, number in tally.faults.items()}
        seen = "".join(f", {number:,} × {fault}" for fault, number in faults.items())
        again = f", {tally.connections:,} connections" if tally.connections != 1 else ""
        facts = {"pool": self.source.name, "connections": tally.connections, "faults": faults}
        return f"for {self.source.name}{again}{seen}", facts


def choose(chosen: Settings, network: str | None, datadir: Path | None, blocks: int | None) -> Callable[[], Place]:
    """What opens the place that the options name; `UsageError` says what is wrong with them.

    The options go together, as `check_together` has found.
    """
    if chosen.node is not None:
        return _choose_node(chosen, chosen.node, network, blocks)
    if chosen.pool is not None:
        return _choose_pool(chosen, chosen.pool)
    return _choose_chain(chosen.address, network, datadir, blocks)


def _choose_chain(
    address: str | None, network: str | None, datadir: Path | None, blocks: int | None
) -> Callable[[], Place]:
    from ..chain.address import address_to_script

    rules = _mineable(network or "regtest")
    if address is None and not rules.no_retargeting:
        _refuse(f"--address is missing: on {rules.name} the reward should belong to somebody")
    script_pubkey = ANYONE if address is None else address_to_script(address, rules)

    def opened() -> Place:
        from ..miner.sources.chain import ChainSource

        folder = datadir or default_datadir()
        source = ChainSource(open_chain(folder, rules.name, begin=True), script_pubkey)
        return ChainPlace(source, rules, folder, script_pubkey, _pace(rules, blocks))

    return opened


def _choose_node(chosen: Settings, url: str, network: str | None, blocks: int | None) -> Callable[[], Place]:
    from ..chain.address import address_to_script
    from ..miner.node.credentials import Credentials
    from ..miner.node.source import NodeSource

    address = chosen.address
    if address is None:
        _refuse("--address is missing: the reward should belong to somebody")
    if (chosen.cookie is None) == (chosen.user is None):
        _refuse("--node wants either --cookie or --user, as the node's name and password")
    if chosen.password_file is not None and chosen.user is None:
        _refuse("--password-file is about --user, which is missing")
    if network is not None:
        address_to_script(address, _mineable(network))
    credentials = Credentials(chosen.cookie or chosen.password_file, chosen.user)

    def opened() -> Place:
        source = NodeSource(url, credentials, address, chosen.empty)
        found = source.network
        if network not in (None, found.name):
            source.close()
            _refuse(f"the node at {url} is on {found.name}, not on {network} as --network says")
        return NodePlace(source, _pace(found, blocks))

    return opened


def _choose_pool(chosen: Settings, urls: str) -> Callable[[], Place]:
    from ..miner.secretfile import read_secret
    from ..miner.stratum.address import parse_pools
    from ..miner.stratum.connection import Timing
    from ..miner.stratum.pool import PoolSource
    from ..miner.stratum.protocol import Credentials

    pools = parse_pools(urls)
    if chosen.user is None:
        _refuse("--user is missing: the name of the worker at the pool")
    file = chosen.password_file
    credentials = Credentials(chosen.user, *([] if file is None else [read_secret(file, "password")]))
    names = ", ".join(map(str, pools))
    timing = Timing(linger=LINGER)
    return lambda: PoolPlace(PoolSource(pools, credentials, timing), names, credentials.user)


def _mineable(name: str) -> Network:
    from ..chain.params import network

    rules = network(name)
    if rules.signet_challenge:
        _refuse(f"blocks of {rules.name} need the signature of its operators, so they cannot be mined here")
    return rules


def _pace(network: Network, blocks: int | None) -> float:
    return PACE if network.no_retargeting and blocks is None else 0.0
