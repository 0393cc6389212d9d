"""Data flows: packets, patterns, what happened to each, what was sent, and coins kept for it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of flows."""
    op.create_table(
        "flow_packet",
        sa.Column("packet_id", sa.String(32), nullable=False),
        sa.Column("workflow_id", sa.String(32), nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("content_cid", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("packet_id", name="pk_flow_packet"),
        sa.UniqueConstraint("workflow_id", name="uq_flow_packet_workflow_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_flow_packet_idempotency_key"),
    )
    op.create_index(
        "ix_flow_packet_state_next_attempt_at", "flow_packet", ["state", "next_attempt_at"]
    )
    op.create_table(
        "flow_pattern",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_flow_pattern"),
    )
    _make_effects()


def _make_effects() -> None:
    op.create_table(
        "flow_event",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("packet_id", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_flow_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_flow_event_packet_id", "flow_event", ["packet_id"])
    op.create_table(
        "flow_intent",
        sa.Column("packet_id", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("txid", sa.LargeBinary(32), nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("packet_id", "stage", "kind", "n", name="pk_flow_intent"),
    )
    op.create_table(
        "flow_coin",
        sa.Column("txid", sa.LargeBinary(32), nullable=False),
        sa.Column("vout", sa.BigInteger, nullable=False),
        sa.Column("packet_id", sa.String(32), nullable=False),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("txid", "vout", name="pk_flow_coin"),
    )
