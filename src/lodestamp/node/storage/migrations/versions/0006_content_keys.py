"""Keys of sealed evidence, private to this home."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "content_key",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(32)),
        sa.Column("erased_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="pk_content_key"),
    )
