"""What operations say of each other: refutations, caps, key events, equivocation, who waits.

A log of the first schema holds evidence and claims of version 1 only, so of the new rows it can owe
two kinds: how much of the log each operation covers, and equivocations of version 1 chains.
"""

from array import array
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ROW_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPERATION = "operation.seq"


def upgrade() -> None:
    """Make the tables and fill what the stored operations owe them."""
    op.add_column(
        "operation",
        sa.Column("covers", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    _make_refutes()
    _make_caps()
    _make_answers()
    _make_key_events()
    _make_equivocations()
    _make_waiting()
    _make_ledger()
    _fill(op.get_bind())


def _leaf(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, sa.ForeignKey(_OPERATION), nullable=nullable)


def _digest(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(32), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _row_key(name: str, *, autoincrement: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ROW_KEY, autoincrement=autoincrement)


def _make_refutes() -> None:
    op.create_table(
        "purge",
        _row_key("seq"),
        _number("purged_at"),
        sa.PrimaryKeyConstraint("seq", name="pk_purge"),
    )
    op.create_table(
        "refutes",
        _leaf("target"),
        _leaf("seq"),
        sa.PrimaryKeyConstraint("target", "seq", name="pk_refutes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_refutes_reverse", "refutes", ["seq", "target"])


def _make_caps() -> None:
    op.create_table(
        "cap",
        _digest("cap_id"),
        _leaf("grant_seq"),
        sa.Column("issuer_id", sa.BigInteger, sa.ForeignKey("author.id"), nullable=False),
        _text("audience"),
        _text("subject"),
        _digest("parent", nullable=True),
        _number("not_before"),
        _number("expires_at"),
        sa.Column("depth_left", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("cap_id", "grant_seq", name="pk_cap"),
    )
    op.create_index("ix_cap_audience", "cap", ["audience"])
    op.create_index("ix_cap_parent", "cap", ["parent"])
    op.create_index("ix_cap_grant_seq", "cap", ["grant_seq"])
    op.create_table(
        "revocation",
        _digest("cap_id"),
        _leaf("seq"),
        _number("deadline", nullable=True),
        sa.PrimaryKeyConstraint("cap_id", "seq", name="pk_revocation"),
    )
    op.create_index("ix_revocation_seq", "revocation", ["seq"])


def _make_answers() -> None:
    op.create_table(
        "attestation",
        _row_key("seq"),
        _digest("cap_id"),
        _leaf("claim_seq"),
        _digest("master_salt", nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_attestation"),
    )
    op.create_index("ix_attestation_cap_id", "attestation", ["cap_id", "seq"])
    op.create_index("ix_attestation_claim_seq", "attestation", ["claim_seq"])
    op.create_table(
        "receipt",
        _row_key("seq"),
        _digest("cap_id"),
        _leaf("revocation_seq"),
        _number("purged"),
        sa.PrimaryKeyConstraint("seq", name="pk_receipt"),
    )
    op.create_index("ix_receipt_cap_id", "receipt", ["cap_id", "seq"])


def _make_key_events() -> None:
    op.create_table(
        "key_event",
        _text("did"),
        _number("event_index"),
        _leaf("seq"),
        _text("kind"),
        _text("key_id"),
        sa.Column("pub", sa.LargeBinary, nullable=False),
        _digest("next", nullable=True),
        sa.PrimaryKeyConstraint("did", "event_index", "seq", name="pk_key_event"),
    )
    op.create_index("ix_key_event_key_id", "key_event", ["key_id"])
    op.create_index("ix_key_event_seq", "key_event", ["seq"])


def _make_equivocations() -> None:
    op.create_table(
        "equivocation",
        sa.Column("author_id", sa.BigInteger, sa.ForeignKey("author.id"), nullable=False),
        sa.Column("node_id", sa.BigInteger, sa.ForeignKey("node.id"), nullable=False),
        _leaf("seq_a"),
        _leaf("seq_b"),
        _leaf("confirmed_by", nullable=True),
        sa.PrimaryKeyConstraint("author_id", "node_id", "seq_a", "seq_b", name="pk_equivocation"),
    )
    op.create_index("ix_equivocation_seq_b", "equivocation", ["seq_b"])


def _make_waiting() -> None:
    op.create_table(
        "pending",
        _digest("op_id"),
        _text("peer"),
        sa.Column("missing", sa.LargeBinary, nullable=False),
        _digest("awaits", nullable=True),
        _number("due", nullable=True),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        _number("received_at"),
        sa.PrimaryKeyConstraint("op_id", "peer", name="pk_pending"),
    )
    op.create_index("ix_pending_awaits", "pending", ["awaits"])
    op.create_index("ix_pending_due", "pending", ["due"])
    op.create_index("ix_pending_peer", "pending", ["peer", "received_at"])
    op.create_table(
        "refused",
        _row_key("id", autoincrement=True),
        _digest("op_id"),
        _text("code"),
        sa.PrimaryKeyConstraint("id", name="pk_refused"),
        sa.UniqueConstraint("op_id", name="uq_refused_op_id"),
    )


def _make_ledger() -> None:
    op.create_table(
        "position",
        _row_key("seq"),
        _number("height"),
        _number("tx_index"),
        _number("leaf_index"),
        _number("block_time"),
        sa.PrimaryKeyConstraint("seq", name="pk_position"),
    )
    op.create_table(
        "graph_snapshot",
        _row_key("size"),
        _digest("digest"),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_graph_snapshot"),
    )


def _fill(connection: sa.Connection) -> None:
    """Walk the stored log once: `covers` of every row, and the forks of every chain."""
    parents: dict[int, list[int]] = defaultdict(list)
    for child, parent in connection.execute(
        sa.text("SELECT child, parent FROM parent ORDER BY child, parent")
    ):
        parents[child].append(parent)
    covers = array("q")
    heads: set[int] = set()
    chains: dict[tuple[int, int], list[int]] = defaultdict(list)
    forked: set[tuple[int, int]] = set()
    forks = []
    rows = connection.execute(sa.text("SELECT seq, author_id, node_id FROM operation ORDER BY seq"))
    for seq, author_id, node_id in rows:
        above = parents[seq]
        covers.append(seq if heads <= set(above) else _covered(above, covers))
        heads.difference_update(above)
        heads.add(seq)
        chain = (author_id, node_id)
        members = chains[chain]
        if members and (chain in forked or not _leads_to(members[-1], above, parents, covers)):
            beside = _first_beside(members, above, parents, covers)
            if beside is not None:
                forked.add(chain)
                forks.append({"a": author_id, "n": node_id, "x": beside, "y": seq})
        members.append(seq)
    if covers:
        connection.execute(
            sa.text("UPDATE operation SET covers = :covers WHERE seq = :seq"),
            [{"seq": seq, "covers": each} for seq, each in enumerate(covers)],
        )
    if forks:
        connection.execute(
            sa.text(
                "INSERT INTO equivocation (author_id, node_id, seq_a, seq_b)"
                " VALUES (:a, :n, :x, :y)"
            ),
            forks,
        )


def _covered(above: list[int], covers: "array[int]") -> int:
    covered = 0
    for parent in above:  # ascending
        covered = max(covered, covers[parent])
        if parent == covered:
            covered += 1
    return covered


def _leads_to(
    target: int, above: list[int], parents: dict[int, list[int]], covers: "array[int]"
) -> bool:
    return target in _past_down_to(target, above, parents, covers)


def _first_beside(
    members: list[int], above: list[int], parents: dict[int, list[int]], covers: "array[int]"
) -> int | None:
    covered = _covered(above, covers)
    open_ = [member for member in members if member >= covered]
    past = _past_down_to(open_[0], above, parents, covers) if open_ else set()
    return next((member for member in open_ if member not in past), None)


def _past_down_to(
    lowest: int, above: list[int], parents: dict[int, list[int]], covers: "array[int]"
) -> set[int]:
    """Return every operation at or above `lowest` that the parents lead to."""
    past: set[int] = set()
    waiting = list(above)
    while waiting:
        seq = waiting.pop()
        if seq < lowest or seq in past:
            continue
        past.add(seq)
        if covers[seq] > lowest:
            past.update(range(lowest, covers[seq]))
        waiting.extend(parents[seq])
    return past
