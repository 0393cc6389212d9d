"""The log: operations, edges, tree tiles, head and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the first schema."""
    _make_operations()
    _make_edges()
    _make_log()


def _make_operations() -> None:
    for name in ("author", "node"):
        op.create_table(
            name,
            sa.Column("id", _ROW_KEY, autoincrement=True),
            sa.Column("text", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
            sa.UniqueConstraint("text", name=f"uq_{name}_text"),
        )
    op.create_table(
        "operation",
        sa.Column("seq", _ROW_KEY, autoincrement=False),
        sa.Column("op_id", sa.LargeBinary(32), nullable=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("author_id", sa.BigInteger, sa.ForeignKey("author.id"), nullable=False),
        sa.Column("node_id", sa.BigInteger, sa.ForeignKey("node.id"), nullable=False),
        sa.Column("author_seq", sa.BigInteger),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("cap_ref", sa.BigInteger),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_operation"),
        sa.UniqueConstraint("op_id", name="uq_operation_op_id"),
    )
    op.create_index("ix_operation_chain", "operation", ["author_id", "node_id", "author_seq"])
    op.create_index("ix_operation_type", "operation", ["type", "seq"])


def _make_edges() -> None:
    for name in ("parent", "source"):
        op.create_table(
            name,
            sa.Column("child", sa.BigInteger, sa.ForeignKey("operation.seq"), nullable=False),
            sa.Column("parent", sa.BigInteger, sa.ForeignKey("operation.seq"), nullable=False),
            sa.PrimaryKeyConstraint("child", "parent", name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
        op.create_index(f"ix_{name}_reverse", name, ["parent", "child"])
    op.create_table(
        "head",
        sa.Column("seq", _ROW_KEY, autoincrement=False),
        sa.PrimaryKeyConstraint("seq", name="pk_head"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def _make_log() -> None:
    op.create_table(
        "log_tile",
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_log_tile"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", _ROW_KEY, autoincrement=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("sealed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_log_checkpoint"),
    )
