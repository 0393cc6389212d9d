"""The simulator's own SQLite file: its tables and its engine.

It is no part of the home's schema: a chain for tests is made and thrown away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    StaticPool,
    Table,
    Text,
    create_engine,
    event,
)

_TABLES: Final = MetaData()

META: Final = Table(
    "sim_meta", _TABLES, Column("key", Text, primary_key=True), Column("value", Text)
)
BLOCK: Final = Table(
    "sim_block",
    _TABLES,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("height", Integer, nullable=False, index=True),
    Column("prev", LargeBinary(32), nullable=False, index=True),
    Column("header", LargeBinary(80), nullable=False),
    Column("work", LargeBinary(32), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("undo", LargeBinary),
    Column("status", SmallInteger, nullable=False),
    Column("seq", Integer, nullable=False, unique=True),
)
ACTIVE: Final = Table(
    "sim_active",
    _TABLES,
    Column("height", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
)
UTXO: Final = Table(
    "sim_utxo",
    _TABLES,
    Column("txid", LargeBinary(32), primary_key=True),
    Column("vout", Integer, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("script", LargeBinary, nullable=False, index=True),
    Column("height", Integer, nullable=False),
    Column("coinbase", Boolean, nullable=False),
)
TX: Final = Table(
    "sim_tx",
    _TABLES,
    Column("txid", LargeBinary(32), primary_key=True),
    Column("block_hash", LargeBinary(32), nullable=False, index=True),
    Column("position", Integer, nullable=False),
)
MEMPOOL: Final = Table(
    "sim_mempool",
    _TABLES,
    Column("txid", LargeBinary(32), primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("vsize", Integer, nullable=False),
    Column("added", BigInteger, nullable=False),
)

BUSY_TIMEOUT_S: Final = 30
"""How long a command waits for another process that writes the same file."""


def open_engine(path: Path | None) -> Engine:
    """Return the engine of a simulator's file, or of one in memory, with its tables made."""
    if path is None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        url = URL.create("sqlite+pysqlite", database=str(path))
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        _TABLES.create_all(connection)
    return engine


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, and only there
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Take the write lock at once: what a command reads must be what it changes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
