"""The table of sync: what owners delegated to us, apart from our own log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from lodestamp.node.storage import METADATA, digest_column

delegated = Table(
    "delegated",
    METADATA,
    digest_column("cap_id", primary_key=True),
    digest_column("op_id", primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_delegated_cap_id", "cap_id", "place"),
)
"""The shallow store (S27): operations whose parents are hidden from us, so no leaves of ours.

`place` is the order in which they came. `raw` is the wire form, null once dropped or purged; the
id stays.
"""
