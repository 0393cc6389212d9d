"""The database: one engine, one schema, its migrations, and its failures in our own words.

SQLite is the embedded default (WAL, ``synchronous=FULL``); everything goes through SQLAlchemy Core,
so that PostgreSQL can share the schema. Each room of node declares its own tables on `METADATA`.
"""

from lodestamp.node.storage.database import Database
from lodestamp.node.storage.failures import damaged_values, store_failures
from lodestamp.node.storage.metadata import METADATA, digest_column, integer_key
from lodestamp.node.storage.schema import declared_schema, read_schema
from lodestamp.node.storage.sqlite import make_private, sqlite_engine

__all__ = [
    "METADATA",
    "Database",
    "damaged_values",
    "declared_schema",
    "digest_column",
    "integer_key",
    "make_private",
    "read_schema",
    "sqlite_engine",
    "store_failures",
]
