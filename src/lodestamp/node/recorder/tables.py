"""The recorder's tables: operations and what they say of each other, the tree, who waits.

Row `seq` of `operation` is leaf `seq` of the log and the log's entry is its CID, so entries need no
table of their own (operations spec §10, transparency spec §5). Times are Unix milliseconds, but
`operation.ts`, which is the author's Unix seconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from lodestamp.node.storage import METADATA, digest_column, integer_key

author = Table(
    "author",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
)
node = Table(
    "node",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
)

operation = Table(
    "operation",
    METADATA,
    integer_key("seq"),
    digest_column("op_id", unique=True),
    Column("version", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("author_id", BigInteger, ForeignKey("author.id"), nullable=False),
    Column("node_id", BigInteger, ForeignKey("node.id"), nullable=False),
    Column("author_seq", BigInteger),
    Column("ts", BigInteger, nullable=False),
    Column("cap_ref", BigInteger),
    Column("generation", BigInteger, nullable=False),
    Column("raw", LargeBinary),
    Column("received_at", BigInteger, nullable=False),
    Column("covers", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_operation_chain", "author_id", "node_id", "author_seq"),
    Index("ix_operation_type", "type", "seq"),
)
"""`raw` is the wire form; null once purged. `generation` is the longest way down to a root.

Every leaf below `covers` is in the operation's past; there may be more. `author_seq` is the place
in a version 2 chain, null in version 1; `cap_ref` is the leaf of the grant acted under.
"""

purge = Table(
    "purge", METADATA, integer_key("seq"), Column("purged_at", BigInteger, nullable=False)
)
"""Whose body was erased on purpose; a body that is gone without a row here is damage."""

verdict = Table(
    "verdict",
    METADATA,
    integer_key("seq"),
    Column("fault", SmallInteger, nullable=False),
    Column("attested", SmallInteger, nullable=False),
)
"""What erased bodies had decided, as the graph numbers it: of their own leaves and of others that
read them. It says nothing of what stood in them."""

content_key = Table(
    "content_key",
    METADATA,
    integer_key("seq"),
    Column("key", LargeBinary(32)),
    Column("erased_at", BigInteger),
)
"""What opens the sealed content of our own evidence: never synced, never exported.

Of an erased key only the row and its time are left.
"""

parent = Table(
    "parent",
    METADATA,
    Column("child", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("parent", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Index("ix_parent_reverse", "parent", "child"),
    sqlite_with_rowid=False,
)
source = Table(
    "source",
    METADATA,
    Column("child", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("parent", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Index("ix_source_reverse", "parent", "child"),
    sqlite_with_rowid=False,
)
refutes = Table(
    "refutes",
    METADATA,
    Column("target", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("seq", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Index("ix_refutes_reverse", "seq", "target"),
    sqlite_with_rowid=False,
)
"""Refutation `seq` speaks against `target`; whether with effect is state, not stored here."""

cap = Table(
    "cap",
    METADATA,
    digest_column("cap_id", primary_key=True),
    Column("grant_seq", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("issuer_id", BigInteger, ForeignKey("author.id"), nullable=False),
    Column("audience", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("parent", LargeBinary(32)),
    Column("not_before", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("depth_left", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_cap_audience", "audience"),
    Index("ix_cap_parent", "parent"),
    Index("ix_cap_grant_seq", "grant_seq"),
)
"""Every cap that a grant operation carries; `body` is its canonical JSON, times are Unix seconds.

One cap may stand in several grants, by its issuer or by a stranger: hence the two keys.
"""

revocation = Table(
    "revocation",
    METADATA,
    digest_column("cap_id", primary_key=True),
    Column("seq", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("deadline", BigInteger),
    Index("ix_revocation_seq", "seq"),
)
"""`deadline` is ours alone, Unix seconds by which a receipt is due; null means the default."""

attestation = Table(
    "attestation",
    METADATA,
    integer_key("seq"),
    digest_column("cap_id"),
    Column("claim_seq", BigInteger, ForeignKey("operation.seq"), nullable=False),
    Column("master_salt", LargeBinary(32)),
    Index("ix_attestation_cap_id", "cap_id", "seq"),
    Index("ix_attestation_claim_seq", "claim_seq"),
)
"""`master_salt` is private: never synced, never exported, gone with a purge."""

receipt = Table(
    "receipt",
    METADATA,
    integer_key("seq"),
    digest_column("cap_id"),
    Column("revocation_seq", BigInteger, ForeignKey("operation.seq"), nullable=False),
    Column("purged", BigInteger, nullable=False),
    Index("ix_receipt_cap_id", "cap_id", "seq"),
)

key_event = Table(
    "key_event",
    METADATA,
    Column("did", Text, primary_key=True),
    Column("event_index", BigInteger, primary_key=True),
    Column("seq", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("pub", LargeBinary, nullable=False),
    Column("next", LargeBinary(32)),
    Index("ix_key_event_key_id", "key_id"),
    Index("ix_key_event_seq", "seq"),
)
"""Key events of every DID; two at one index are a fork and both are kept (K8)."""

equivocation = Table(
    "equivocation",
    METADATA,
    Column("author_id", BigInteger, ForeignKey("author.id"), primary_key=True),
    Column("node_id", BigInteger, ForeignKey("node.id"), primary_key=True),
    Column("seq_a", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("seq_b", BigInteger, ForeignKey("operation.seq"), primary_key=True),
    Column("confirmed_by", BigInteger, ForeignKey("operation.seq")),
    Index("ix_equivocation_seq_b", "seq_b"),
)
"""One row for each operation `seq_b` that contradicts its chain, S7.

`seq_a` is the first leaf of the chain that contradicts it: of the same sequence number (version 2),
or beside it, neither an ancestor of the other (version 1). `confirmed_by` is the newest `confirm`
that speaks of the chain; whether a root wrote it is state.
"""

pending = Table(
    "pending",
    METADATA,
    digest_column("op_id", primary_key=True),
    Column("peer", Text, primary_key=True),
    Column("missing", LargeBinary, nullable=False),
    Column("awaits", LargeBinary(32)),
    Column("due", BigInteger),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_pending_awaits", "awaits"),
    Index("ix_pending_due", "due"),
    Index("ix_pending_peer", "peer", "received_at"),
)
"""Operations that wait, per peer who sent them (N6, S9).

`missing` are the ids it lacks, 32 bytes each, and `awaits` is the first of them: when that one
comes the operation is tried again. A held one lacks nothing and has `due`, the Unix second from
which this clock admits it.
"""

pending_share = Table(
    "pending_share",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("operations", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""How many operations wait for each peer, and their bytes: what `pending` holds, counted (N6)."""

refused = Table(
    "refused",
    METADATA,
    integer_key("id", autoincrement=True),
    digest_column("op_id", unique=True),
    Column("code", Text, nullable=False),
)
"""Ids that were rejected for good, and those put out of the pool, ``evicted`` (N6)."""

position = Table(
    "position",
    METADATA,
    integer_key("seq"),
    Column("height", BigInteger, nullable=False),
    Column("tx_index", BigInteger, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("block_time", BigInteger, nullable=False),
)
"""Where the ledger finalised an operation; rows are only ever added (N7)."""

graph_snapshot = Table(
    "graph_snapshot",
    METADATA,
    integer_key("size"),
    digest_column("digest"),
    Column("blob", LargeBinary, nullable=False),
)
"""A cache of the provenance graph over the first `size` leaves; any mismatch drops it."""

head = Table("head", METADATA, integer_key("seq"))
"""The DAG heads (rule S5): operations that are nobody's `prev`."""

meta = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

log_tile = Table(
    "log_tile",
    METADATA,
    Column("level", SmallInteger, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""One growing row a tile: at most 256 hashes; partial tile W is its first 32·W bytes."""

log_head = Table(
    "log_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    digest_column("root"),
    Column("note", LargeBinary, nullable=False),
)
"""One row, id 1. Every writer compares and swaps it; that is what keeps the log from forking."""

log_checkpoint = Table(
    "log_checkpoint",
    METADATA,
    integer_key("size"),
    digest_column("root"),
    Column("note", LargeBinary, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
)
