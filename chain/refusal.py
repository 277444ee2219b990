"""Why something is refused: a reason from one list, and a sentence with the particulars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Bitcoin Core's reject reason where it has one (`validation.cpp`, BIP22)."""

    # Headers

    HIGH_HASH = "high-hash"
    """The hash is above the target, or nBits is no target that the network knows."""

    BAD_DIFFBITS = "bad-diffbits"
    """nBits is not what the headers before it require."""

    TIME_TOO_OLD = "time-too-old"
    """Not later than the median time of the eleven headers before it."""

    TIME_TIMEWARP_ATTACK = "time-timewarp-attack"
    """The first header of a period lies too far before the last one of the period before (BIP94)."""

    TIME_TOO_NEW = "time-too-new"
    """Too far in the future of the validator's clock."""

    BAD_VERSION = "bad-version"
    """A version that BIP34, BIP66 or BIP65 has retired."""

    PREV_BLK_NOT_FOUND = "prev-blk-not-found"
    """The previous hash is not that of the header before it."""

    DUPLICATE = "duplicate"
    """The same header has occurred before."""

    BAD_GENESIS = "bad-genesis"
    """The header at height 0 is not the network's genesis. The name is ours, like the next."""

    TRUNCATED_HEADER = "truncated-header"
    """The data ends inside a header."""

    # Transactions on their own

    BAD_TXNS_VIN_EMPTY = "bad-txns-vin-empty"
    """No inputs."""

    BAD_TXNS_VOUT_EMPTY = "bad-txns-vout-empty"
    """No outputs."""

    BAD_TXNS_OVERSIZE = "bad-txns-oversize"
    """Larger than a block, without its witnesses."""

    BAD_TXNS_VOUT_NEGATIVE = "bad-txns-vout-negative"
    """An output pays less than nothing."""

    BAD_TXNS_VOUT_TOOLARGE = "bad-txns-vout-toolarge"
    """An output pays more than there can be."""

    BAD_TXNS_TXOUTTOTAL_TOOLARGE = "bad-txns-txouttotal-toolarge"
    """The outputs together pay more than there can be."""

    BAD_TXNS_INPUTS_DUPLICATE = "bad-txns-inputs-duplicate"
    """Two inputs spend the same output."""

    BAD_CB_LENGTH = "bad-cb-length"
    """A coinbase's script is too short or too long."""

    BAD_TXNS_PREVOUT_NULL = "bad-txns-prevout-null"
    """An input that spends nothing, in a transaction that is no coinbase."""

    # Blocks on their own

    BAD_BLOCK = "bad-block"
    """Bytes that are no block. The name is ours: Bitcoin Core drops whoever sends them."""

    BAD_TXNMRKLROOT = "bad-txnmrklroot"
    """The header commits to other transactions."""

    BAD_TXNS_DUPLICATE = "bad-txns-duplicate"
    """The list of transactions repeats its end, which leaves the root as it was (CVE-2012-2459)."""

    BAD_BLK_LENGTH = "bad-blk-length"
    """No transactions, or too many bytes of them without their witnesses."""

    BAD_CB_MISSING = "bad-cb-missing"
    """The first transaction is no coinbase."""

    BAD_CB_MULTIPLE = "bad-cb-multiple"
    """A later transaction is a coinbase."""

    BAD_BLK_SIGOPS = "bad-blk-sigops"
    """Too many signature operations."""

    BAD_SIGNET_BLKSIG = "bad-signet-blksig"
    """The block is not signed as its network demands (BIP325)."""

    # Blocks in their place

    BAD_PREVBLK = "bad-prevblk"
    """It follows an invalid block."""

    BAD_TXNS_NONFINAL = "bad-txns-nonfinal"
    """A transaction whose locktime, absolute or relative, has not come."""

    BAD_CB_HEIGHT = "bad-cb-height"
    """The coinbase does not begin with the block's height (BIP34)."""

    BAD_WITNESS_NONCE_SIZE = "bad-witness-nonce-size"
    """The coinbase commits to witnesses, and its own is not one item of 32 bytes."""

    BAD_WITNESS_MERKLE_MATCH = "bad-witness-merkle-match"
    """The coinbase commits to other witnesses."""

    UNEXPECTED_WITNESS = "unexpected-witness"
    """Witnesses to which nothing commits."""

    BAD_BLK_WEIGHT = "bad-blk-weight"
    """Heavier than a block may be, witnesses included."""

    # Blocks and the coins that they spend

    BAD_TXNS_BIP30 = "bad-txns-BIP30"
    """A transaction repeats an earlier one that is not spent."""

    BAD_TXNS_INPUTS_MISSINGORSPENT = "bad-txns-inputs-missingorspent"
    """An input spends what is not there, or is there no more."""

    BAD_TXNS_PREMATURE_SPEND_OF_COINBASE = "bad-txns-premature-spend-of-coinbase"
    """A coinbase is spent before it has a hundred blocks on it."""

    BAD_TXNS_INPUTVALUES_OUTOFRANGE = "bad-txns-inputvalues-outofrange"
    """The spent coins are together more than there can be."""

    BAD_TXNS_IN_BELOWOUT = "bad-txns-in-belowout"
    """A transaction pays more than it spends."""

    BAD_TXNS_ACCUMULATED_FEE_OUTOFRANGE = "bad-txns-accumulated-fee-outofrange"
    """The block's fees are more than there can be."""

    BAD_CB_AMOUNT = "bad-cb-amount"
    """The coinbase pays more than subsidy and fees."""

    SCRIPT_FAILED = "block-script-verify-flag-failed"
    """An input's script, or a signature in it, is not satisfied."""

    MARKED_INVALID = "marked-invalid"
    """Somebody here has called the block invalid. The name is ours."""


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    detail: str
    """What is wrong and where, expected against found: one sentence for a person."""
