"""The chain on disk: block files that only grow, and one SQLite file for everything else.

A block is first appended to a block file; then one transaction enters it in the index, changes the coins and
moves the tip. A process that is killed leaves at most bytes at the end of a block file that no index knows; the
next block is written over them. Before SQLite moves its log into the database proper, the block files are forced
to the disk, so that a power cut cannot leave an index without its blocks either.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ..kernels.backend import QuorateError
from .block_files import FILE_BYTES, Stored, frame
from .coins import Coin, pack, unpack
from .header import BlockHeader, display_hash
from .params import Network
from .refusal import Reason, Refusal
from .transaction import OutPoint, TxOut

SCHEMA_VERSION = 1

_APPLICATION = 0x51554F52
"""SQLite's `application_id`: QUOR."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    sequence INTEGER PRIMARY KEY,  -- in the order in which they came; genesis is not here
    hash BLOB NOT NULL UNIQUE,     -- wire order, as all hashes here
    header BLOB NOT NULL,
    file INTEGER,                  -- where the block is; NULL for one that was refused for its bytes
    offset INTEGER,
    size INTEGER,
    checksum BLOB,                 -- SHA-256 of its bytes
    reason TEXT,                   -- why it is refused; NULL where it is not, or only for a block below
    detail TEXT,
    undo BLOB                      -- the coins that it spent; NULL before it was first connected
)"""

COINS_SCHEMA = """
CREATE TABLE coins (
    txid BLOB NOT NULL,
    vout INTEGER NOT NULL,
    height INTEGER NOT NULL,
    is_coinbase INTEGER NOT NULL,
    value INTEGER NOT NULL,        -- satoshis
    script BLOB NOT NULL,
    PRIMARY KEY (txid, vout)
) WITHOUT ROWID"""

CACHE = "PRAGMA cache_size = -65536"
"""In KiB."""

_CHECKPOINT_EVERY = 64
"""Transactions between two visits to the disk proper."""


class StoreError(QuorateError):
    """The chain on disk cannot be used; the sentence says which, why, and what to do."""


class DamagedError(StoreError):
    """What is on the disk is not what was written there."""


class IndexedBlock(NamedTuple):
    hash: bytes
    header: BlockHeader
    refusal: Refusal | None


class Store:
    """One chain's directory, opened by one process."""

    def __init__(self, folder: Path, network: Network) -> None:
        """Open the chain in `folder`, or begin one there.

        Raises `StoreError` where that is not possible: another process has it, it belongs to another network or
        version, it is damaged, or the disk does not let us write.
        """
        self.folder = folder
        self.network = network
        self._since_checkpoint = 0
        self._coins: CoinTable | None = None
        try:
            (folder / "blocks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
        with self._explained():
            self._database = sqlite3.connect(folder / "chain.sqlite", timeout=0, isolation_level=None)
        try:
            with self._explained():
                self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        run = self._database.execute
        # Exclusive: the lock of the first transaction stays, which is what keeps a second process out, and the
        # operating system takes it back when we are killed.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA wal_autocheckpoint = 0")
        run(CACHE)
        run("BEGIN IMMEDIATE")
        [application], [version] = run("PRAGMA application_id").fetchone(), run("PRAGMA user_version").fetchone()
        if version == 0 and not run("SELECT 1 FROM sqlite_master").fetchone():
            for statement in (*_SCHEMA.split(";\n"), COINS_SCHEMA):
                run(statement)
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._set("network", self.network.name)
            self._set("tip", self.network.genesis.hash())
            application, version = _APPLICATION, SCHEMA_VERSION
        run("COMMIT")
        if application != _APPLICATION:
            raise StoreError(f"{self.folder / 'chain.sqlite'} is no chain of Quorate; choose another folder")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"the chain in {self.folder} has format {version} and this Quorate reads {SCHEMA_VERSION}; "
                "export its blocks with the version that wrote it and import them into a new folder"
            )
        name = self._get("network")
        if name != self.network.name:
            raise StoreError(f"the chain in {self.folder} is one of {name!s}, not of {self.network.name}")
        self._find_end()
        path = self._path(self._file)
        size = path.stat().st_size if path.exists() else 0
        if size < self._offset:
            raise DamagedError(
                f"{path} is cut off: {self._offset} bytes expected, {size} found; "
                "import the block files that are left into a new folder"
            )

    def _find_end(self) -> None:
        """Where the next block goes: behind the last one in the last file."""
        file, end = self._database.execute(
            "SELECT max(file), max(offset + size) FROM blocks WHERE file = (SELECT max(file) FROM blocks)"
        ).fetchone()
        self._file, self._offset = file or 0, end or 0

    def close(self) -> None:
        """Bring everything to the disk proper, and let others in."""
        with self._explained():
            self._checkpoint()
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is done wholly or, if an exception leaves it, not at all."""
        with self._explained():
            try:
                self._database.execute("BEGIN IMMEDIATE")  # in here, for Ctrl-C can come right behind it
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                self._find_end()  # Ctrl-C can come right behind COMMIT too
                raise
            self._since_checkpoint += 1
            if self._since_checkpoint >= _CHECKPOINT_EVERY:
                self._checkpoint()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a transaction that can fail alone: an exception that leaves it undoes that part only."""
        self._database.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK TO attempt")
            raise
        finally:
            if self._database.in_transaction:
                self._database.execute("RELEASE attempt")

    @property
    def tip(self) -> bytes:
        """Hash of the block to which the coins belong."""
        tip = self._get("tip")
        assert isinstance(tip, bytes)
        return tip

    @tip.setter
    def tip(self, digest: bytes) -> None:
        self._set("tip", digest)

    @property
    def coins(self) -> CoinTable:
        if self._coins is None:
            self._coins = CoinTable(self._database)
        return self._coins

    def blocks(self) -> Iterator[IndexedBlock]:
        """Every block but genesis, in the order in which they came."""
        with self._explained():
            for digest, header, reason, detail in self._database.execute(
                "SELECT hash, header, reason, detail FROM blocks ORDER BY sequence"
            ):
                refusal = Refusal(Reason(reason), detail) if reason else None
                yield IndexedBlock(digest, BlockHeader.parse(header), refusal)

    def add_block(self, digest: bytes, header: BlockHeader, raw: bytes | None, refusal: Refusal | None) -> None:
        """Enter a block behind those that are here; `raw` is None for one that is not worth keeping."""
        place = self._append(raw) if raw is not None else None
        self._database.execute(
            "INSERT INTO blocks (hash, header, file, offset, size, checksum, reason, detail) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                digest,
                header.serialise(),
                self._file if place else None,
                place.offset if place else None,
                place.size if place else None,
                None if raw is None else sha256(raw).digest(),
                refusal.reason.value if refusal else None,
                refusal.detail if refusal else None,
            ),
        )

    def set_refusal(self, digest: bytes, refusal: Refusal | None) -> None:
        pair = (refusal.reason.value, refusal.detail) if refusal else (None, None)
        self._database.execute("UPDATE blocks SET reason = ?, detail = ? WHERE hash = ?", (*pair, digest))

    def read_block(self, digest: bytes) -> bytes | None:
        """The block's bytes; None where only its header was kept. `StoreError` where its file is damaged."""
        with self._explained():
            row = self._database.execute(
                "SELECT file, offset, size, checksum FROM blocks WHERE hash = ?", (digest,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        path, place = self._path(row[0]), Stored(row[1], row[2])
        try:
            with path.open("rb") as file:
                file.seek(place.offset)
                raw = file.read(place.size)
        except OSError as error:
            raise StoreError(f"cannot read the block file {path}: {error.strerror}") from error
        # The block's hash would not do: it does not cover the witnesses.
        if sha256(raw).digest() != row[3]:
            raise DamagedError(
                f"{path} is damaged at byte {place.offset}, where block {display_hash(digest)} should stand; "
                "import the block files that are left into a new folder"
            )
        return raw

    def set_undo(self, digest: bytes, spent: Iterable[tuple[OutPoint, Coin]]) -> None:
        self._database.execute("UPDATE blocks SET undo = ? WHERE hash = ?", (pack(spent), digest))

    def read_undo(self, digest: bytes) -> list[tuple[OutPoint, Coin]]:
        """The coins that a block spent; `StoreError` for one that was never connected."""
        row = self._database.execute("SELECT undo FROM blocks WHERE hash = ?", (digest,)).fetchone()
        if row is None or row[0] is None:
            raise DamagedError(f"{self.folder} has no undo data for block {display_hash(digest)}; it is damaged")
        return list(unpack(row[0]))

    def check_database(self) -> str | None:
        """What SQLite finds wrong with its file, or None."""
        with self._explained():
            [found] = self._database.execute("PRAGMA integrity_check(1)").fetchone()
        return None if found == "ok" else str(found)

    def _path(self, file: int) -> Path:
        return self.folder / "blocks" / f"blk{file:05}.dat"

    def _append(self, raw: bytes) -> Stored:
        data = frame(raw, self.network)
        if self._offset and self._offset + len(data) > FILE_BYTES:
            self._sync()
            self._file, self._offset = self._file + 1, 0
        path = self._path(self._file)
        try:
            with path.open("r+b" if path.exists() else "wb") as file:
                file.truncate(self._offset)
                file.seek(self._offset)
                file.write(data)
        except OSError as error:
            raise StoreError(f"cannot write to the block file {path}: {error.strerror}") from error
        place = Stored(self._offset + len(data) - len(raw), len(raw))
        self._offset += len(data)
        return place

    def _sync(self) -> None:
        path = self._path(self._file)
        try:
            if path.exists():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write to the block file {path}: {error.strerror}") from error

    def _checkpoint(self) -> None:
        self._sync()
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._since_checkpoint = 0

    def _get(self, name: str) -> str | bytes | None:
        row = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str | bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as a sentence for a person."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith("SQLITE_BUSY"):
                text = f"the chain in {self.folder} is in use by another process; stop it or use another folder"
            elif name.startswith("SQLITE_FULL"):
                text = f"the disk with {self.folder} is full; nothing of the last block was kept"
            elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                text = f"{self.folder / 'chain.sqlite'} is damaged ({error}); import its blocks into a new folder"
                raise DamagedError(text) from error
            else:
                text = f"cannot use the chain in {self.folder}: {error}"
            raise StoreError(text) from error


class CoinTable:
    """The coins of the store: a `CoinSet`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def get(self, outpoint: OutPoint, /) -> Coin | None:
        row = self._database.execute(
            "SELECT value, script, height, is_coinbase FROM coins WHERE txid = ? AND vout = ?", outpoint
        ).fetchone()
        return Coin(TxOut(row[0], row[1]), row[2], bool(row[3])) if row else None

    def change(self, remove: Iterable[OutPoint], add: Iterable[tuple[OutPoint, Coin]]) -> None:
        removed = list(remove)
        found = self._database.executemany("DELETE FROM coins WHERE txid = ? AND vout = ?", removed).rowcount
        if removed and found != len(removed):
            raise DamagedError(
                f"{len(removed) - found} coins are missing that should be there; the chain is damaged"
            )
        self._database.executemany(
            "INSERT INTO coins VALUES (?, ?, ?, ?, ?, ?)",
            (
                (outpoint.txid, outpoint.vout, coin.height, coin.is_coinbase, *coin.output)
                for outpoint, coin in add
            ),
        )

    def items(self) -> Iterator[tuple[OutPoint, Coin]]:
        """All coins, in the order of their outpoints."""
        for txid, index, height, is_coinbase, value, script in self._database.execute(
            "SELECT * FROM coins ORDER BY txid, vout"
        ):
            yield OutPoint(txid, index), Coin(TxOut(value, script), height, bool(is_coinbase))

    def of_script(self, script: bytes) -> list[tuple[OutPoint, Coin]]:
        """The coins that this script locks, the oldest first. All coins are read for it: there is no index."""
        rows = self._database.execute(
            "SELECT txid, vout, value, height, is_coinbase FROM coins WHERE script = ? "
            "ORDER BY height, txid, vout",
            (script,),
        )
        return [
            (OutPoint(txid, vout), Coin(TxOut(value, script), height, bool(is_coinbase)))
            for txid, vout, value, height, is_coinbase in rows
        ]

    def total(self) -> tuple[int, int]:
        """How many there are, and their satoshis."""
        count, value = self._database.execute("SELECT count(*), coalesce(sum(value), 0) FROM coins").fetchone()
        return count, value
