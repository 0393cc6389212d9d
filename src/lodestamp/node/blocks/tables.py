"""The block store's tables: packs, where each block stands in them, pins and leases.

The index holds nothing that the packs do not: it can be made again by scanning them. What cannot is
what people asked for, the pins. Times are Unix milliseconds (content spec §7).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
)

from lodestamp.node.storage import METADATA

packs = Table(
    "content_packs",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("live", BigInteger),
    Column("state", String(8), nullable=False),
    Column("owner", String(64)),
    Column("sha256", LargeBinary(32)),
    Column("created_at", BigInteger, nullable=False),
)
"""`size` is what was committed, in bytes. `live` is null as long as every section has a row, else
the bytes of those that have. `state` is ``open``, ``sealed`` or ``dead``."""

blocks = Table(
    "content_blocks",
    METADATA,
    Column("mh", LargeBinary(200), primary_key=True),
    Column("pack_id", Integer, ForeignKey("content_packs.id"), nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("head", SmallInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("bad", Boolean, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`mh` is the binary multihash; `offset` and `head` the section's start and the bytes before its
data. `bad` is set when the bytes were found not to match."""

file_refs = Table(
    "content_file_refs",
    METADATA,
    Column("mh", LargeBinary(200), primary_key=True),
    Column("path", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
)
"""Raw leaves that stay in somebody's file (R107)."""

pins = Table(
    "content_pins",
    METADATA,
    Column("cid", LargeBinary(256), primary_key=True),
    Column("mode", String(9), nullable=False),
    Column("name", String(255), index=True),
    Column("profile", Text),
    Column("size", BigInteger),
    Column("dag_size", BigInteger),
    Column("blocks", BigInteger),
    Column("meta", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""`mode` is ``recursive`` or ``direct``; `meta` a JSON object."""

leases = Table(
    "content_leases",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Work in progress. An id begins with the time it was taken, so that collecting garbage spares
whatever was added since."""

ipns = Table(
    "content_ipns",
    METADATA,
    Column("name", LargeBinary(64), primary_key=True),
    Column("record", LargeBinary(10240), nullable=False),
    Column("sequence", Numeric(20, 0), nullable=False),
    Column("validity", String(40), nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
"""The newest record of each IPNS name."""

pin_requests = Table(
    "content_pin_requests",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("cid", LargeBinary(256), nullable=False, index=True),
    Column("name", String(255)),
    Column("origins", Text, nullable=False),
    Column("meta", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""What others asked this node to pin."""
