"""The tables of flows (flows spec §7). Times are Unix microseconds, as in the packets."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from lodestamp.node.storage import METADATA, digest_column, integer_key

packets = Table(
    "flow_packet",
    METADATA,
    Column("packet_id", String(32), primary_key=True),
    Column("workflow_id", String(32), nullable=False, unique=True),
    Column("pattern", Text, nullable=False),
    Column("stage", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("lease_owner", String(64)),
    Column("lease_until", BigInteger),
    Column("document", Text, nullable=False),
    Column("content_cid", Text, nullable=False),
    Column("idempotency_key", String(255), unique=True),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Index("ix_flow_packet_state_next_attempt_at", "state", "next_attempt_at"),
)
"""`pattern` is its name; `next_attempt_at` is null for a flow that is finished; `document` the
canonical JSON of the packet."""

patterns = Table(
    "flow_pattern",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("document", Text, nullable=False),
    digest_column("digest"),
)
"""Every registered pattern, and the SHA-256 of its canonical JSON."""

events = Table(
    "flow_event",
    METADATA,
    integer_key("seq", autoincrement=True),
    Column("packet_id", String(32), nullable=False, index=True),
    Column("stage", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Every transition, never changed. `detail` is JSON: what happened, and the SHA-256 of the document
that came of it."""

intents = Table(
    "flow_intent",
    METADATA,
    Column("packet_id", String(32), primary_key=True),
    Column("stage", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    digest_column("txid"),
    Column("raw", LargeBinary, nullable=False),
    Column("status", String(16), nullable=False),
)
"""What is sent to the chain, stored before it is sent (R41). `kind` is ``funding`` or ``spend``;
`status` is ``signed``, ``sent`` or ``mined``."""

coins = Table(
    "flow_coin",
    METADATA,
    digest_column("txid", primary_key=True),
    Column("vout", BigInteger, primary_key=True, autoincrement=False),
    Column("packet_id", String(32), nullable=False),
    Column("released", Boolean, nullable=False),
)
"""Coins of the signer that a funding spends; no other flow may until they are released (R48)."""
