"""Reading the block that holds a version, for the path from its tip (R64)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from lodestamp.core.bitcoin import Transaction
from lodestamp.errors import LogCorrupt
from lodestamp.node.anchors.bitcoin.cycle import Take
from lodestamp.node.anchors.bitcoin.path import encode_ops, ops_to_root, state_of
from lodestamp.node.anchors.bitcoin.rows import find_version
from lodestamp.node.anchors.tables import blocks
from lodestamp.node.chains import ChainSource
from lodestamp.node.storage import Database


def path_of(
    database: Database, source: ChainSource, action: Take
) -> tuple[Any, bytes, bytes | None]:
    """Return the row of a mined version, its block's hash, and the operations from tip to root.

    The genesis of a chain of anchors has no tip, and no operations. LogCorrupt when the version is
    not stored; errors as `ops_to_root`.
    """
    with database.reading("reading an anchor") as connection:
        row = find_version(connection, action.txid)
        query = select(blocks.c.hash).where(blocks.c.height == action.height)
        block_hash = connection.execute(query).scalar()
    block_hash = block_hash or source.block_hash(action.height)
    if row is None or block_hash is None:
        raise LogCorrupt("an anchor that was mined is not stored")
    if not row.count:
        return row, block_hash, None
    block = source.block(block_hash).block
    before = _state_before(database, source, Transaction.decode(row.raw))
    return row, block_hash, encode_ops(ops_to_root(block, row.txid, row.tip, state_before=before))


def _state_before(database: Database, source: ChainSource, tx: Transaction) -> bytes | None:
    """Return the state before a chained anchor; None for a plain one."""
    if state_of(tx) is None:
        return None
    parent = tx.inputs[0].prevout.txid
    with database.reading("reading an anchor") as connection:
        row = find_version(connection, parent)
    before = source.transaction(parent) if row is None else Transaction.decode(row.raw)
    return state_of(before)
