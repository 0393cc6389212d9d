"""The block store: packs, blocks, file references, pins, leases, IPNS records, pin requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables of content."""
    _make_packs()
    _make_pins()
    _make_names()


def _make_packs() -> None:
    op.create_table(
        "content_packs",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("live", sa.BigInteger),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("sha256", sa.LargeBinary(32)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_packs"),
        sa.UniqueConstraint("name", name="uq_content_packs_name"),
    )
    op.create_table(
        "content_blocks",
        sa.Column("mh", sa.LargeBinary(200), nullable=False),
        sa.Column("pack_id", sa.Integer, sa.ForeignKey("content_packs.id"), nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("head", sa.SmallInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("bad", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mh", name="pk_content_blocks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_content_blocks_pack_id", "content_blocks", ["pack_id"])
    op.create_table(
        "content_file_refs",
        sa.Column("mh", sa.LargeBinary(200), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mh", name="pk_content_file_refs"),
    )


def _make_pins() -> None:
    op.create_table(
        "content_pins",
        sa.Column("cid", sa.LargeBinary(256), nullable=False),
        sa.Column("mode", sa.String(9), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("profile", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("dag_size", sa.BigInteger),
        sa.Column("blocks", sa.BigInteger),
        sa.Column("meta", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_content_pins"),
    )
    op.create_index("ix_content_pins_name", "content_pins", ["name"])
    op.create_table(
        "content_leases",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_leases"),
    )


def _make_names() -> None:
    op.create_table(
        "content_ipns",
        sa.Column("name", sa.LargeBinary(64), nullable=False),
        sa.Column("record", sa.LargeBinary(10240), nullable=False),
        sa.Column("sequence", sa.Numeric(20, 0), nullable=False),
        sa.Column("validity", sa.String(40), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_content_ipns"),
    )
    op.create_table(
        "content_pin_requests",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("cid", sa.LargeBinary(256), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("meta", sa.Text, nullable=False),
        sa.Column("info", sa.Text, nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_pin_requests"),
    )
    op.create_index("ix_content_pin_requests_cid", "content_pin_requests", ["cid"])
