"""The tables of ownership, in the scanner's own database (§6): no part of a home's schema."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from lodestamp.node.storage import integer_key

SCHEMA: Final = "1"
"""What `own_meta` says of these tables; a store with another number is not opened."""

TABLES: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _asset(*, key: bool = False) -> Column[str]:
    return Column("asset", String(80), primary_key=key, nullable=False)


def _number(name: str, *, index: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, index=index)


def _owner(name: str, *, index: bool = True, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable, index=index)


def _txid() -> Column[bytes]:
    return Column("txid", LargeBinary(32), primary_key=True)


META: Final = Table(
    "own_meta",
    TABLES,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
BLOCK: Final = Table(
    "own_block",
    TABLES,
    integer_key("height"),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("header", LargeBinary(80), nullable=False),
    Column("work", String(80), nullable=False),
    Column("state_hash", LargeBinary(32), nullable=False),
)
ASSET: Final = Table(
    "own_asset",
    TABLES,
    _asset(key=True),
    _owner("registrant", index=False),
    Column("txid", LargeBinary(32), nullable=False),
    _number("height"),
    _number("tx_index"),
    Column("text_z", LargeBinary, nullable=False),
    Column("sha256", LargeBinary(32), index=True),
)
OP: Final = Table(
    "own_op",
    TABLES,
    _txid(),
    _number("height", index=True),
    _number("tx_index"),
    Column("kind", String(1), nullable=False),
    _asset(),
    _owner("from_owner", nullable=True),
    _owner("to_owner"),
    _number("value"),
    _number("sat"),
    _number("ttl", nullable=True),
    Index(None, "asset", "height", "tx_index"),
)


def _flows(name: str) -> Table:
    return Table(
        name,
        TABLES,
        _txid(),
        _number("height", index=True),
        _number("tx_index"),
        _asset(),
        _owner("destination"),
        _number("amount"),
        Index(None, "asset", "height", "tx_index"),
    )


TIP: Final = _flows("own_tip")
PAYMENT: Final = _flows("own_payment")
SOURCE: Final = Table(
    "own_source",
    TABLES,
    Column("kind", String(1), primary_key=True),
    _txid(),
    Column("pos", BigInteger, primary_key=True, autoincrement=False),
    _owner("owner"),
)
BALANCE: Final = Table(
    "own_balance",
    TABLES,
    _asset(key=True),
    Column("owner", LargeBinary, primary_key=True, index=True),
    _number("amount"),
    CheckConstraint("amount > 0", name="amount"),
)
JOURNAL: Final = Table(
    "own_journal", TABLES, integer_key("height"), Column("effect", LargeBinary, nullable=False)
)
EVIDENCE: Final = Table(
    "own_evidence",
    TABLES,
    _txid(),
    _number("height", index=True),
    _number("tx_index"),
    Column("raw", LargeBinary, nullable=False),
    Column("branch", LargeBinary),
    Column("prevouts", LargeBinary),
)
REORG: Final = Table(
    "own_reorg",
    TABLES,
    integer_key("id", autoincrement=True),
    _number("fork_height"),
    _number("depth"),
    Column("old_tip", LargeBinary(32), nullable=False),
    Column("new_tip", LargeBinary(32), nullable=False),
    _number("seen_at"),
)
