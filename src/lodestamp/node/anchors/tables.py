"""The tables of witnesses, calendars and anchors (transparency spec §5).

`time` columns of cosignatures are Unix seconds, as signed; every other time is Unix milliseconds.
Hashes are in internal byte order, amounts satoshis.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
)

from lodestamp.node.storage import METADATA, digest_column, integer_key

cosignatures = Table(
    "log_cosignature",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("key_id", LargeBinary(4), primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    Column("vkey", Text, nullable=False),
)
"""What witnesses said of our own checkpoints; `line` is the signature line without its newline.

`vkey` is the key it was verified with: a witness may have left the settings since.
"""

witnessed = Table(
    "witness_log",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("vkeys", JSON, nullable=False),
    Column("size", BigInteger, nullable=False),
    digest_column("root"),
    Column("note", LargeBinary),
)
"""The logs we are a witness of, and the last checkpoint of each that we cosigned (null: none)."""

evidence = Table(
    "witness_evidence",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("origin", Text, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""Signed checkpoints that contradict one another: what convicts a log (R25)."""

cycles = Table(
    "anchor_cycle",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("state", Text, nullable=False, index=True),
    Column("tip", LargeBinary(32)),
    Column("count", BigInteger, nullable=False),
    Column("txid", LargeBinary(32)),
    Column("height", Integer),
    Column("block_hash", LargeBinary(32)),
    Column("ops", LargeBinary),
    Column("mined_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""One anchoring in Bitcoin; `ops` leads from `tip` to the Merkle root of the block (R61).

`tip`, `count` and `txid` are those of the version that was mined, before that of the newest one.
"""

commitments = Table(
    "calendar_commitment",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("commitment", LargeBinary(44), nullable=False, unique=True),
    Column("cycle", BigInteger, ForeignKey("anchor_cycle.id"), index=True),
    Column("leaf", BigInteger),
    Column("imported", Boolean, nullable=False, default=False, server_default=false()),
    sqlite_autoincrement=True,
)
"""The calendar's journal, in its order: time, root and mac (R47), or an anchor digest of our own
(R50, 32 bytes). `cycle` is null while it waits; `leaf` its place in the tree of that cycle. What is
`imported` from a journal file may be an anchor digest of another log."""

transactions = Table(
    "anchor_tx",
    METADATA,
    digest_column("txid", primary_key=True),
    Column("cycle", BigInteger, ForeignKey("anchor_cycle.id"), nullable=False, index=True),
    Column("number", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("fee", BigInteger, nullable=False),
    digest_column("tip"),
    Column("count", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("height", Integer),
)
"""Every version of an anchoring transaction: any of them may be mined (R59).

`number` counts the versions of a cycle; `height` is that of the block of the best chain it is in.
"""

coins = Table(
    "anchor_coin",
    METADATA,
    digest_column("txid", primary_key=True),
    Column("vout", BigInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    Column("height", Integer),
    Column("coinbase", Boolean, nullable=False),
    Column("spent_by", LargeBinary(32)),
    Column("spent_height", Integer),
)
"""What pays for anchors, as the best chain has it; `height` is null since its block has left."""

blocks = Table(
    "anchor_block",
    METADATA,
    integer_key("height"),
    digest_column("hash"),
)
"""The last blocks that were read for coins and anchors: where to go on, and what has left (R62)."""

events = Table(
    "anchor_event",
    METADATA,
    integer_key("id", autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cycle", BigInteger),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""What an operator should know: funds run low, a block has left, an anchor is lost."""

submissions = Table(
    "anchor_submission",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("uri", Text, primary_key=True),
    digest_column("digest"),
    Column("ots", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("reason", Text),
    Index("ix_anchor_submission_state_next_try", "state", "next_try"),
)
"""Checkpoints of ours handed to a calendar, and what it has answered so far.

`ots` is a bare timestamp of `digest`, empty while `state` is ``unsent``; then it is ``pending``,
and ``complete`` once it ends in a verified block. `tries` counts the vain ones since, `reason`
says why the last one was.
"""

headers = Table(
    "header",
    METADATA,
    integer_key("height"),
    digest_column("hash", unique=True),
    Column("raw", LargeBinary(80), nullable=False),
    Column("chainwork", LargeBinary(32), nullable=False),
)
"""The best chain of block headers; `chainwork` is big-endian, so that it sorts as a number."""

side_headers = Table(
    "header_side",
    METADATA,
    digest_column("hash", primary_key=True),
    Column("height", Integer, nullable=False, index=True),
    Column("raw", LargeBinary(80), nullable=False),
    Column("chainwork", LargeBinary(32), nullable=False),
)
"""Valid headers off the best chain, near its tip: the branch may yet get more work (R66)."""
