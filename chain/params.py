"""What differs between Bitcoin's networks, as data.

The figures are those of Bitcoin Core's `kernel/chainparams.cpp`; testnet4 is BIP94, signet BIP325.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kernels.backend import UsageError
from .header import BlockHeader, display_hash

_TWO_WEEKS = 14 * 24 * 60 * 60
_TEN_MINUTES = 10 * 60


@dataclass(frozen=True, slots=True)
class Network:
    """The consensus parameters that header rules need. Times are in seconds."""

    name: str

    genesis: BlockHeader

    genesis_hash: str
    """In display order; a genesis that does not hash to it is a `ValueError`."""

    pow_limit: int
    """The easiest target."""

    bip34_height: int
    """From here on a version below 2 is refused."""

    bip66_height: int
    """From here on a version below 3 is refused."""

    bip65_height: int
    """From here on a version below 4 is refused."""

    allow_min_difficulty: bool = False
    """The 20-minute rule: a header later than twice the spacing may have the easiest target."""

    no_retargeting: bool = False

    enforce_bip94: bool = False
    """Retarget from the period's first header, and bound the time step between periods."""

    target_spacing: int = _TEN_MINUTES
    """Time between blocks that retargeting aims at."""

    target_timespan: int = _TWO_WEEKS
    """Time that a difficulty period is to take."""

    def __post_init__(self) -> None:
        found = display_hash(self.genesis.hash())
        if found != self.genesis_hash:
            raise ValueError(f"{self.name}'s genesis hashes to {found}, not to {self.genesis_hash}")

    @property
    def retarget_interval(self) -> int:
        """Headers in a difficulty period."""
        return self.target_timespan // self.target_spacing

    def minimum_version(self, height: int) -> int | None:
        """The lowest version allowed at `height`; None before BIP34, where any is, negative ones too."""
        if height >= self.bip65_height:
            return 4
        if height >= self.bip66_height:
            return 3
        if height >= self.bip34_height:
            return 2
        return None


def network(name: str) -> Network:
    """The network called `name`; `testnet` is testnet3. `UsageError` for a name that nothing has."""
    found = _NETWORKS.get("testnet3" if name == "testnet" else name)
    if found is None:
        raise UsageError(f"there is no network {name!r}; choose one of {', '.join(_NETWORKS)}")
    return found


# The coinbase with the headline of 3 January 2009, which all networks but testnet4 share.
_TIMES_ROOT = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
_TESTNET4_ROOT = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e"


def _genesis(merkle_root: str, time: int, bits: int, nonce: int) -> BlockHeader:
    return BlockHeader(1, bytes(32), bytes.fromhex(merkle_root)[::-1], time, bits, nonce)


_NETWORKS = {
    known.name: known
    for known in (
        Network(
            name="mainnet",
            genesis=_genesis(_TIMES_ROOT, 1231006505, 0x1D00FFFF, 2083236893),
            genesis_hash="000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
            pow_limit=(1 << 224) - 1,
            bip34_height=227931,
            bip66_height=363725,
            bip65_height=388381,
        ),
        Network(
            name="testnet3",
            genesis=_genesis(_TIMES_ROOT, 1296688602, 0x1D00FFFF, 414098458),
            genesis_hash="000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
            pow_limit=(1 << 224) - 1,
            bip34_height=21111,
            bip66_height=330776,
            bip65_height=581885,
            allow_min_difficulty=True,
        ),
        Network(
            name="testnet4",
            genesis=_genesis(_TESTNET4_ROOT, 1714777860, 0x1D00FFFF, 393743547),
            genesis_hash="00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
            pow_limit=(1 << 224) - 1,
            bip34_height=1,
            bip66_height=1,
            bip65_height=1,
            allow_min_difficulty=True,
            enforce_bip94=True,
        ),
        Network(
            name="signet",
            genesis=_genesis(_TIMES_ROOT, 1598918400, 0x1E0377AE, 52613770),
            genesis_hash="00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
            pow_limit=0x377AE << 216,
            bip34_height=1,
            bip66_height=1,
            bip65_height=1,
        ),
        Network(
            name="regtest",
            genesis=_genesis(_TIMES_ROOT, 1296688602, 0x207FFFFF, 2),
            genesis_hash="0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
            pow_limit=(1 << 255) - 1,
            bip34_height=1,
            bip66_height=1,
            bip65_height=1,
            allow_min_difficulty=True,
            no_retargeting=True,
        ),
    )
}
