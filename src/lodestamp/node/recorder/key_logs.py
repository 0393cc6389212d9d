"""The key logs in the log: every key event, folded from the operations that carry them (K9)."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, select

from lodestamp.core.keys import KeyEvent, KeyLog
from lodestamp.core.operations import parse_op
from lodestamp.errors import KeyEventError
from lodestamp.node.recorder import tables


def read_key_log(connection: Connection, did: str) -> KeyLog:
    """Return the key log of one identity; empty when the log holds no event of it.

    An event that cannot follow stays in the log, and out of the key log.
    """
    event, operation, position = tables.key_event.c, tables.operation.c, tables.position.c
    query = (
        select(
            operation.seq, operation.raw, position.height, position.tx_index, position.leaf_index
        )
        .join(tables.key_event, event.seq == operation.seq)
        .outerjoin(tables.position, position.seq == operation.seq)
        .where(event.did == did)
        .order_by(operation.seq)
    )
    log = KeyLog()
    for seq, raw, height, tx_index, leaf_index in connection.execute(query):
        carrier = parse_op(raw)
        place = None if height is None else (height, tx_index, leaf_index)
        with suppress(KeyEventError):
            log.append(KeyEvent.parse(carrier.body["event"]), carrier.op_id, seq, place)
    return log


def read_dids(connection: Connection) -> list[str]:
    """Return every identity that the log holds an event of, ascending."""
    column = tables.key_event.c.did
    return list(connection.execute(select(column).distinct().order_by(column)).scalars())
