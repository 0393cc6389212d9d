"""Witnesses, calendars and anchors: what others vouch for, and what Bitcoin does."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables of witnesses, anchors and calendars."""
    _make_witnesses()
    _make_anchors()
    _make_calendars()
    _make_headers()


def _row_id() -> sa.Column[Any]:
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("id", key, autoincrement=True, nullable=False)


def _height() -> sa.Column[Any]:
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("height", key, nullable=False)


def _make_witnesses() -> None:
    op.create_table(
        "log_cosignature",
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key_id", sa.LargeBinary(4), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("vkey", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("size", "name", "key_id", name="pk_log_cosignature"),
    )
    op.create_table(
        "witness_log",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("vkeys", sa.JSON, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.PrimaryKeyConstraint("origin", name="pk_witness_log"),
    )
    op.create_table(
        "witness_evidence",
        _row_id(),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_witness_evidence"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_witness_evidence_origin", "witness_evidence", ["origin"])


def _make_calendars() -> None:
    op.create_table(
        "calendar_commitment",
        _row_id(),
        sa.Column("commitment", sa.LargeBinary(44), nullable=False),
        sa.Column("cycle", sa.BigInteger),
        sa.Column("leaf", sa.BigInteger),
        sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(["cycle"], ["anchor_cycle.id"]),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_commitment"),
        sa.UniqueConstraint("commitment", name="uq_calendar_commitment_commitment"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_calendar_commitment_cycle", "calendar_commitment", ["cycle"])
    op.create_table(
        "anchor_submission",
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("ots", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("next_try", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("size", "uri", name="pk_anchor_submission"),
    )
    op.create_index(
        "ix_anchor_submission_state_next_try", "anchor_submission", ["state", "next_try"]
    )


def _make_anchors() -> None:
    op.create_table(
        "anchor_cycle",
        _row_id(),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tip", sa.LargeBinary(32)),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("txid", sa.LargeBinary(32)),
        sa.Column("height", sa.Integer),
        sa.Column("block_hash", sa.LargeBinary(32)),
        sa.Column("ops", sa.LargeBinary),
        sa.Column("mined_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_anchor_cycle"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_anchor_cycle_state", "anchor_cycle", ["state"])
    op.create_table(
        "anchor_tx",
        sa.Column("txid", sa.LargeBinary(32), nullable=False),
        sa.Column("cycle", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("fee", sa.BigInteger, nullable=False),
        sa.Column("tip", sa.LargeBinary(32), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("height", sa.Integer),
        sa.ForeignKeyConstraint(["cycle"], ["anchor_cycle.id"]),
        sa.PrimaryKeyConstraint("txid", name="pk_anchor_tx"),
    )
    op.create_index("ix_anchor_tx_cycle", "anchor_tx", ["cycle"])
    op.create_table(
        "anchor_coin",
        sa.Column("txid", sa.LargeBinary(32), nullable=False),
        sa.Column("vout", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("height", sa.Integer),
        sa.Column("coinbase", sa.Boolean, nullable=False),
        sa.Column("spent_by", sa.LargeBinary(32)),
        sa.Column("spent_height", sa.Integer),
        sa.PrimaryKeyConstraint("txid", "vout", name="pk_anchor_coin"),
    )
    op.create_table(
        "anchor_block",
        _height(),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("height", name="pk_anchor_block"),
    )
    op.create_table(
        "anchor_event",
        _row_id(),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("cycle", sa.BigInteger),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_anchor_event"),
        sqlite_autoincrement=True,
    )


def _make_headers() -> None:
    op.create_table(
        "header",
        _height(),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("raw", sa.LargeBinary(80), nullable=False),
        sa.Column("chainwork", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("height", name="pk_header"),
        sa.UniqueConstraint("hash", name="uq_header_hash"),
    )
    op.create_table(
        "header_side",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("raw", sa.LargeBinary(80), nullable=False),
        sa.Column("chainwork", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_header_side"),
    )
    op.create_index("ix_header_side_height", "header_side", ["height"])
