"""What differs between Bitcoin's networks, as data.

The figures are those of Bitcoin Core's `kernel/chainparams.cpp`; testnet4 is BIP94, signet BIP325.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..kernels.backend import UsageError
from .hashes import hash256
from .header import BlockHeader, display_hash
from .script import flags
from .serialise import with_size
from .transaction import COIN

_TWO_WEEKS = 14 * 24 * 60 * 60
_TEN_MINUTES = 10 * 60


@dataclass(frozen=True, slots=True)
class AddressPrefixes:
    """What tells one network's addresses and keys from another's."""

    p2pkh: int
    """First byte in base58check, as for the next two."""

    p2sh: int

    wif: int
    """Of a private key."""

    bech32: str
    """What stands before the 1."""


@dataclass(frozen=True, slots=True)
class Network:
    """One network's parameters. Times are in seconds."""

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

    csv_height: int
    """From here on relative locktimes count (BIP68, BIP112), and times are the median of headers (BIP113)."""

    segwit_height: int
    """From here on a coinbase may commit to witnesses (BIP141), and NULLDUMMY holds (BIP147)."""

    magic: bytes
    """Four bytes before every block in a block file, and before every message."""

    addresses: AddressPrefixes

    halving_interval: int = 210_000
    """Blocks after which the subsidy is halved."""

    coinbase_maturity: int = 100
    """Blocks that a coinbase's outputs wait before they can be spent."""

    bip34_hash: str = ""
    """The block at `bip34_height`, in display order: on its branch coinbases are known to be unique (BIP30)."""

    bip30_exceptions: frozenset[str] = frozenset()
    """Blocks, in display order, whose coinbase repeats an unspent one."""

    flag_exceptions: Mapping[str, int] = field(default_factory=dict)
    """Blocks, in display order, older than rules that they break, and the script flags that they keep."""

    signet_challenge: bytes = b""
    """The script that a block's signature has to satisfy (BIP325); empty where blocks are not signed."""

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

    def subsidy(self, height: int) -> int:
        """Satoshis that a block at `height` creates."""
        return 50 * COIN >> height // self.halving_interval

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


_MAIN_ADDRESSES = AddressPrefixes(p2pkh=0, p2sh=5, wif=128, bech32="bc")
_TEST_ADDRESSES = AddressPrefixes(p2pkh=111, p2sh=196, wif=239, bech32="tb")

_SIGNET_CHALLENGE = bytes.fromhex(
    "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430"
    "210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
)
"""One of two keys signs (BIP325)."""


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
            csv_height=419328,
            segwit_height=481824,
            magic=bytes.fromhex("f9beb4d9"),
            bip34_hash="000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8",
            bip30_exceptions=frozenset(
                (
                    "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec",  # height 91842
                    "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721",  # height 91880
                )
            ),
            flag_exceptions={
                # Height 170060, before P2SH
                "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22": flags.NONE,
                # Height 692261, before Taproot
                "0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad": flags.P2SH | flags.WITNESS,
            },
            addresses=_MAIN_ADDRESSES,
        ),
        Network(
            name="testnet3",
            genesis=_genesis(_TIMES_ROOT, 1296688602, 0x1D00FFFF, 414098458),
            genesis_hash="000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
            pow_limit=(1 << 224) - 1,
            bip34_height=21111,
            bip66_height=330776,
            bip65_height=581885,
            csv_height=770112,
            segwit_height=834624,
            magic=bytes.fromhex("0b110907"),
            bip34_hash="0000000023b3a96d3484e5abb3755c413e7d41500f8e2a5c3f0dd01299cd8ef8",
            flag_exceptions={
                "00000000dd30457c001f4095d208cc1296b0eed002427aa599874af7a432b105": flags.NONE,
            },
            addresses=_TEST_ADDRESSES,
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
            csv_height=1,
            segwit_height=1,
            magic=bytes.fromhex("1c163f28"),
            addresses=_TEST_ADDRESSES,
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
            csv_height=1,
            segwit_height=1,
            magic=hash256(with_size(_SIGNET_CHALLENGE))[:4],
            signet_challenge=_SIGNET_CHALLENGE,
            addresses=_TEST_ADDRESSES,
        ),
        Network(
            name="regtest",
            genesis=_genesis(_TIMES_ROOT, 1296688602, 0x207FFFFF, 2),
            genesis_hash="0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
            pow_limit=(1 << 255) - 1,
            bip34_height=1,
            bip66_height=1,
            bip65_height=1,
            csv_height=1,
            segwit_height=0,
            magic=bytes.fromhex("fabfb5da"),
            halving_interval=150,
            addresses=replace(_TEST_ADDRESSES, bech32="bcrt"),
            allow_min_difficulty=True,
            no_retargeting=True,
        ),
    )
}
