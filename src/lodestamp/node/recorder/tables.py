"""The recorder's tables: operations and their edges, the tree, its head and its checkpoints.

Row `seq` of `operation` is leaf `seq` of the log and the log's entry is its CID, so entries need no
table of their own (operations spec §10, transparency spec §5). Times are Unix milliseconds, but
`operation.ts`, which is the author's Unix seconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from lodestamp.node.storage import METADATA, digest_column, integer_key

author = Table(
    "author",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
)
node = Table(
    "node",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
)

operation = Table(
    "operation",
    METADATA,
    integer_key("seq"),
    digest_column("op_id", unique=True),
    Column("version", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("author_id", BigInteger, ForeignKey("author.id"), nullable=False),
    Column("node_id", BigInteger, ForeignKey("node.id"), nullable=False),
    Column("author_seq", BigInteger),
    Column("ts", BigInteger, nullable=False),
    Column("cap_ref", BigInteger),
    Column("generation", BigInteger, nullable=False),
    Column("raw", LargeBinary),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_operation_chain", "author_id", "node_id", "author_seq"),
    Index("ix_operation_type", "type", "seq"),
)
"""`raw` is the wire form; null once purged. `generation` is the longest way down to a root."""

parent = Table(
    "parent",
    METADATA,
    Column("child", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("parent", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Index("ix_parent_reverse", "parent", "child"),
    sqlite_with_rowid=False,
)
source = Table(
    "source",
    METADATA,
    Column("child", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("parent", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Index("ix_source_reverse", "parent", "child"),
    sqlite_with_rowid=False,
)
head = Table("head", METADATA, integer_key("seq"))
"""The DAG heads (rule S5): operations that are nobody's `prev`."""

meta = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

log_tile = Table(
    "log_tile",
    METADATA,
    Column("level", SmallInteger, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""One growing row a tile: at most 256 hashes; partial tile W is its first 32·W bytes."""

log_head = Table(
    "log_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    digest_column("root"),
    Column("note", LargeBinary, nullable=False),
)
"""One row, id 1. Every writer compares and swaps it; that is what keeps the log from forking."""

log_checkpoint = Table(
    "log_checkpoint",
    METADATA,
    integer_key("size"),
    digest_column("root"),
    Column("note", LargeBinary, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
)
