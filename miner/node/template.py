"""From a node's block template (BIP 22, 23, 9, 145) to work: the coinbase is ours, and all else is checked.

What can be computed is computed and compared with what the node says; what cannot be, such as the fees and the
difficulty, is held within the bounds of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_bytes
from typing import NamedTuple

from ...chain.block import commit_to_witnesses
from ...chain.check_block_context import height_push
from ...chain.check_transaction import COINBASE_SCRIPT_SIZES, MAX_MONEY, MAX_WEIGHT
from ...chain.hashes import hash256
from ...chain.header import display_hash
from ...chain.merkle import merkle_root
from ...chain.params import Network
from ...chain.pow import bits_to_target
from ...chain.script.opcodes import Op
from ...chain.script.parse import push
from ...chain.serialise import MalformedError, compact_size
from ...chain.transaction import WITNESS_SCALE, OutPoint, Transaction, TxIn, TxOut
from ...kernels.backend import UsageError
from ..work import Work
from .errors import TemplateError
from .fields import Fields

TAG = b"/Quorate/"
"""In every coinbase, for those who count who mines."""

EXTRANONCE_BYTES = 8

SALT_BYTES = 8
"""Before the extranonce and new for each work, so that neither two works nor two miners do the same."""

VERSION_ROLLING_MASK = 0x1FFFE000
"""The bits that BIP 320 leaves to miners."""

_VERSION_BITS, _VERSION_BITS_TOP = 0x20000000, 0xE0000000
"""How a version begins that BIP 9 gives a meaning to, and the bits that it begins with."""

_KNOWN_RULES = frozenset(("csv", "segwit", "taproot"))

_FUTURE_SECONDS = 60 * 60
"""How far a time is rolled ahead of the node's clock: half of what nodes accept, since clocks differ."""

_RESERVED = bytes(32)
"""What the coinbase's witness holds until later rules give it a meaning (BIP 141)."""

_WITNESS = b"\1\x20" + _RESERVED
"""Of the coinbase: one item of 32 bytes."""

_MARKER = b"\0\1"
"""How a transaction with witnesses says so, behind its version (BIP 144)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NodeWork(Work):
    """Work, and what makes a whole block of a solution."""

    height: int

    transactions: tuple[bytes, ...]
    """Those behind the coinbase, as on the wire."""

    commits: bool
    """Whether the coinbase commits to witnesses, and so has one itself."""

    identity: str | None
    """The node's own name for the template, which it wants back (BIP 22's workid)."""

    def block(self, header: bytes, extranonce: int) -> bytes:
        """The block with this header, which has to commit to the extranonce, as on the wire."""
        coinbase = extranonce.to_bytes(self.extranonce_bytes).join(self.coinbase)
        if self.commits:
            coinbase = b"".join((coinbase[:4], _MARKER, coinbase[4:-4], _WITNESS, coinbase[-4:]))
        return b"".join((header, compact_size(1 + len(self.transactions)), coinbase, *self.transactions))


class _Body(NamedTuple):
    """What a block holds behind its coinbase."""

    transactions: tuple[Transaction, ...]

    fees: int | None
    """Satoshis; None where the node leaves some out."""

    commitment: bytes | None
    """The script of the output that commits to the witnesses; None where the template has none."""


def read_template(
    document: object, network: Network, script_pubkey: bytes, empty: bool, before: Work | None
) -> NodeWork:
    """Work on the template, paid to `script_pubkey`; `empty` leaves out all transactions.

    It replaces the work `before` it if that is on another tip. `TemplateError` says what is wrong with a template.
    """
    fields = Fields(document)
    _check_rules(fields)
    previous = fields.hash("previousblockhash")
    height = fields.integer("height", 1, (1 << 31) - 1)
    bits = int.from_bytes(fields.raw("bits", 4))
    target = _target(fields, bits, network)
    time, time_last = _times(fields, network)
    version = fields.integer("version", -(1 << 31), (1 << 32) - 1) & 0xFFFFFFFF
    body = _body(fields, empty)
    value = _value(fields, network.subsidy(height), body.fees, empty)
    coinbase, hole = _coinbase(height, _aux(fields), value, script_pubkey, body.commitment)
    raws = tuple(transaction.raw for transaction in body.transactions)
    work = NodeWork(
        id=f"{height}-{coinbase[hole - SALT_BYTES : hole].hex()}",
        version=version,
        version_mask=_version_mask(fields, version),
        previous=previous,
        time=time,
        time_last=time_last,
        bits=bits,
        target=target,
        coinbase=(coinbase[:hole], coinbase[hole + EXTRANONCE_BYTES :]),
        extranonce_bytes=EXTRANONCE_BYTES,
        branch=merkle_branch([transaction.txid for transaction in body.transactions]),
        replaces=before is None or before.previous != previous,
        once=True,
        height=height,
        transactions=raws,
        commits=body.commitment is not None,
        identity=fields.text("workid") if "workid" in fields else None,
    )
    _check_weight(fields, work, body)
    return work


def merkle_branch(txids: list[bytes]) -> tuple[bytes, ...]:
    """The siblings of a coinbase before these transactions, from the leaves up, 32 bytes each in wire order."""
    branch = []
    level = [b"", *txids]  # the coinbase's own hashes are not known, and not needed
    while len(level) > 1:
        branch.append(level[1])
        if len(level) % 2:
            level.append(level[-1])
        level = [b"", *(hash256(left + right) for left, right in zip(level[2::2], level[3::2], strict=True))]
    return tuple(branch)


def _check_rules(fields: Fields) -> None:
    for rule in fields.texts("rules"):
        name = rule.removeprefix("!")
        if name == "signet":
            raise TemplateError(
                "the node is on signet, whose blocks need a signature that Quorate cannot make", True
            )
        if rule.startswith("!") and name not in _KNOWN_RULES:
            raise TemplateError(
                f"the node's template follows the rule {name!r}, which Quorate does not know", True
            )
    if "coinbasetxn" in fields and "coinbasevalue" not in fields:
        raise TemplateError("the node prescribes the coinbase (coinbasetxn), so nothing could be paid to us", True)
    nonces = fields.text("noncerange", "00000000ffffffff")
    if nonces.lower() != "00000000ffffffff":
        raise TemplateError(f"the node allows only the nonces {nonces[:16]!r}; Quorate needs all of them", True)


def _target(fields: Fields, bits: int, network: Network) -> int:
    try:
        target = bits_to_target(bits, network.pow_limit)
    except UsageError as error:
        raise TemplateError(f"the node's template has a wrong difficulty: {error}") from None
    if "target" in fields and int.from_bytes(fields.raw("target", 32)) != target:
        raise TemplateError(f"the node's template has a target that is not that of its bits {bits:08x}")
    return target


def _times(fields: Fields, network: Network) -> tuple[int, int]:
    """The first time of a header, and the last to which it may be rolled."""
    now = fields.integer("curtime", 0, 0xFFFFFFFF)
    earliest = fields.integer("mintime", 0, 0xFFFFFFFF, default=0)
    latest = fields.integer("maxtime", 0, 0xFFFFFFFF, default=0xFFFFFFFF)
    if not earliest <= now <= latest:
        raise TemplateError(
            f"the node's template has curtime {now} outside of mintime {earliest}, maxtime {latest}"
        )
    may_roll = not {"time", "time/increment"}.isdisjoint(fields.texts("mutable")) or "maxtime" in fields
    if not may_roll or (network.allow_min_difficulty and not network.no_retargeting):
        return now, now  # on the test networks the difficulty depends on the time
    return now, min(latest, now + _FUTURE_SECONDS)


def _version_mask(fields: Fields, version: int) -> int:
    """The bits that may be rolled: BIP 320's, without those that a deployment uses or that the node requires."""
    if version & _VERSION_BITS_TOP != _VERSION_BITS:
        return 0
    mask = VERSION_ROLLING_MASK & ~fields.integer("vbrequired", 0, 0xFFFFFFFF, default=0)
    deployments = fields.fields("vbavailable")
    for name in deployments.names():
        mask &= ~(1 << deployments.integer(name, 0, 28))
    return mask


def _body(fields: Fields, empty: bool) -> _Body:
    listed = [Fields(item, f"transactions[{index}]") for index, item in enumerate(fields.items("transactions"))]
    fees = None
    if all("fee" in item for item in listed):
        fees = sum(item.integer("fee", 0, MAX_MONEY) for item in listed)
    told = fields.raw("default_witness_commitment") if "default_witness_commitment" in fields else None
    if empty and listed:  # what is left out need not be right
        return _Body((), fees, None if told is None else _commitment(()))
    transactions = tuple(_transaction(item, index) for index, item in enumerate(listed))
    if told is None and any(transaction.has_witness for transaction in transactions):
        raise TemplateError("the node's template has witnesses and no default_witness_commitment")
    if told is not None and told != (found := _commitment(transactions)):
        raise TemplateError(
            "the node's template has another default_witness_commitment than its transactions: "
            f"{found.hex()} expected, {told.hex()[:80]} found"
        )
    return _Body(transactions, fees, told)


def _transaction(item: Fields, index: int) -> Transaction:
    try:
        transaction = Transaction.parse(item.raw("data"))
    except MalformedError as error:
        raise TemplateError(f"the node's template has transaction {index} malformed: {error}") from None
    for field, digest in (("txid", transaction.txid), ("hash", transaction.wtxid)):
        # Nodes without segwit call the txid `hash`.
        if field in item and item.hash(field) not in (digest, transaction.txid):
            raise TemplateError(
                f"the node's template has a wrong {field} at transaction {index}: {display_hash(digest)} expected"
            )
    return transaction


def _commitment(transactions: tuple[Transaction, ...]) -> bytes:
    root = merkle_root([bytes(32), *[transaction.wtxid for transaction in transactions]]).root
    return Op.OP_RETURN.to_bytes(1) + push(b"\xaa\x21\xa9\xed" + commit_to_witnesses(root, _RESERVED))


def _value(fields: Fields, subsidy: int, fees: int | None, empty: bool) -> int:
    """What the coinbase may pay. Where all fees are told, subsidy and fees have to make the node's sum."""
    value = fields.integer("coinbasevalue", 0, MAX_MONEY)
    if fees is not None and value != subsidy + fees:
        raise TemplateError(
            f"the node's template has coinbasevalue = {value}; the subsidy {subsidy} and the fees {fees} "
            f"are together {subsidy + fees} satoshis"
        )
    if value < subsidy:
        raise TemplateError(f"the node's template has coinbasevalue = {value}; the subsidy alone is {subsidy}")
    return subsidy if empty else value


def _aux(fields: Fields) -> bytes:
    """What the node wants to stand in the coinbase's script."""
    wanted = fields.fields("coinbaseaux")
    return b"".join(wanted.raw(name) for name in wanted.names())


def _coinbase(
    height: int, aux: bytes, value: int, script_pubkey: bytes, commitment: bytes | None
) -> tuple[bytes, int]:
    """The coinbase without its witness, and where in it the extranonce stands."""
    room = token_bytes(SALT_BYTES) + bytes(EXTRANONCE_BYTES)
    script = height_push(height) + aux + push(TAG) + push(room)
    if len(script) not in COINBASE_SCRIPT_SIZES:
        raise TemplateError(f"the node's template has a coinbaseaux of {len(aux)} bytes, too much for a coinbase")
    outputs = [TxOut(value, script_pubkey)]
    if commitment is not None:
        outputs.append(TxOut(0, commitment))
    coinbase = Transaction(2, (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), script),), tuple(outputs))
    # Version, number of inputs, outpoint and the size of the script, which is one byte, stand before the script.
    return coinbase.stripped, 4 + 1 + 36 + 1 + len(script) - EXTRANONCE_BYTES


def _check_weight(fields: Fields, work: NodeWork, body: _Body) -> None:
    without = 80 + len(compact_size(1 + len(body.transactions))) + sum(map(len, work.coinbase)) + EXTRANONCE_BYTES
    weight = WITNESS_SCALE * without + len(_MARKER + _WITNESS) * work.commits
    weight += sum(transaction.weight for transaction in body.transactions)
    most = min(MAX_WEIGHT, fields.integer("weightlimit", 0, MAX_MONEY, default=MAX_WEIGHT))
    if weight > most:
        raise TemplateError(f"the node's template makes a block of {weight} weight units; the most is {most}")
