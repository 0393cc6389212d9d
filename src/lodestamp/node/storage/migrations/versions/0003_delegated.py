"""What owners delegated to us: operations without their past, apart from our own log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the shallow store."""
    op.create_table(
        "delegated",
        sa.Column("cap_id", sa.LargeBinary(32), nullable=False),
        sa.Column("op_id", sa.LargeBinary(32), nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("cap_id", "op_id", name="pk_delegated"),
    )
    op.create_index("ix_delegated_cap_id", "delegated", ["cap_id", "place"])
