"""What waits for each peer, counted once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the counters and count what waits now."""
    op.create_table(
        "pending_share",
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("operations", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("peer", name="pk_pending_share"),
    )
    op.execute(
        "INSERT INTO pending_share"
        " SELECT peer, count(*), sum(length(raw)) FROM pending GROUP BY peer"
    )
