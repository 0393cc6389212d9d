"""The key logs in the log: every key event, folded from the operations that carry them (K9)."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, select

from lodestamp.core.encoding import digest_of_address
from lodestamp.core.keys import EventKind, KeyEvent, KeyLog, next_key_digest
from lodestamp.core.operations import parse_op
from lodestamp.errors import KeyEventError
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.known import LOOKUP_WIDTH


def read_key_log(connection: Connection, did: str) -> KeyLog:
    """Return the key log of one identity; empty when the log holds no event of it.

    An event that cannot follow stays in the log, and out of the key log. The place of an event in
    the log decides nothing: each is appended after the one that it says it follows.
    """
    wanted = _leaves_in_question(connection, did)
    operation, position = tables.operation.c, tables.position.c
    log = KeyLog()
    for at in range(0, len(wanted), LOOKUP_WIDTH):
        query = (
            select(
                operation.seq,
                operation.raw,
                position.height,
                position.tx_index,
                position.leaf_index,
            )
            .outerjoin(tables.position, position.seq == operation.seq)
            .where(operation.seq.in_(wanted[at : at + LOOKUP_WIDTH]))
        )
        rows = {row.seq: row for row in connection.execute(query)}
        for seq in wanted[at : at + LOOKUP_WIDTH]:
            _, raw, height, tx_index, leaf_index = rows[seq]
            carrier = parse_op(raw)
            place = None if height is None else (height, tx_index, leaf_index)
            with suppress(KeyEventError):
                log.append(KeyEvent.parse(carrier.body["event"]), carrier.op_id, seq, place)
    return log


def _leaves_in_question(connection: Connection, did: str) -> list[int]:
    """Return the leaves of the events by keys that were promised, by index.

    Anybody can sign an event of any identity with a key of their own; those are not even parsed.
    """
    event = tables.key_event.c
    query = (
        select(event.seq, event.event_index, event.kind, event.key_id, event.next)
        .where(event.did == did)
        .order_by(event.event_index, event.seq)
    )
    found: list[int] = []
    due, now, after = 0, set[bytes | str](), set[bytes | str]()
    for row in connection.execute(query):
        if row.event_index > due:
            due, now, after = due + 1, after, set()
        if row.event_index > due:
            break
        by = {row.key_id, digest_of_address(next_key_digest(row.key_id))}
        if row.kind == EventKind.INCEPTION or now & by:
            found.append(row.seq)
            after.add(row.key_id if row.next is None else row.next)
    return found


def read_dids(connection: Connection) -> list[str]:
    """Return every identity that the log holds an event of, ascending."""
    column = tables.key_event.c.did
    return list(connection.execute(select(column).distinct().order_by(column)).scalars())
