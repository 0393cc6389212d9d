"""The one schema on which each room of node declares its own tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Constraint names are fixed, so that a migration can name what it changes."""

# SQLite makes a key an alias of its row id only when the type is spelled INTEGER.
_ROW_KEY = BigInteger().with_variant(Integer, "sqlite")


def integer_key(name: str, *, autoincrement: bool = False) -> Column[int]:
    """Return a 64-bit integer primary key column that SQLite stores as its row id."""
    return Column(name, _ROW_KEY, primary_key=True, autoincrement=autoincrement)


def digest_column(name: str, **options: Any) -> Column[bytes]:
    """Return a column of exactly 32 bytes."""
    return Column(name, LargeBinary(32), nullable=False, **options)
