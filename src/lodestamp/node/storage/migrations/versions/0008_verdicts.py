"""What erased bodies had decided, so that a log reads the same before and after."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of verdicts."""
    op.create_table(
        "verdict",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("fault", sa.SmallInteger, nullable=False),
        sa.Column("attested", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_verdict"),
    )
