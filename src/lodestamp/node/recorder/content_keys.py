"""Keys of sealed evidence: one an operation, private to this home, erased without a trace.

Without its key a sealed content is noise, wherever copies of the operation went. Erasing writes
zeros over the key and cuts the write-ahead log, as `purge` does; the operation stays whole.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from lodestamp.core.encoding import digest_of_address
from lodestamp.errors import RecordError, UnknownOperation
from lodestamp.node.recorder import tables
from lodestamp.node.storage import Database


def read_content_key(connection: Connection, op_id: str) -> bytes:
    """Return the key that opens an operation's content.

    UnknownOperation for an id the log does not hold, RecordError ``not-sealed`` when this home
    never had a key of it, ``erased`` when it had one.
    """
    _leaf, key = _find(connection, op_id)
    if key is None:
        raise RecordError(f"the key of {op_id} was erased", code="erased")
    return key


def erase_content_key(database: Database, op_id: str, now_ms: int) -> bool:
    """Erase the key of a sealed content; False when that was done before.

    UnknownOperation and RecordError ``not-sealed`` as `read_content_key`. StoreError ``log-busy``
    when a reader keeps the write-ahead log from being cut: the key is gone from the database then,
    and erasing again finishes the work.
    """
    with database.writing("erasing a key") as connection:
        leaf, key = _find(connection, op_id)
        if key is not None:
            row = update(tables.content_key).where(tables.content_key.c.seq == leaf)
            connection.execute(row.values(key=None, erased_at=now_ms))
    database.cut_write_ahead_log()
    return key is not None


def _find(connection: Connection, op_id: str) -> tuple[int, bytes | None]:
    column, kept = tables.operation.c, tables.content_key.c
    query = (
        select(column.seq, kept.seq.label("sealed"), kept.key)
        .outerjoin(tables.content_key, kept.seq == column.seq)
        .where(column.op_id == digest_of_address(op_id))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownOperation(f"this log does not hold {op_id}")
    if row.sealed is None:
        raise RecordError(f"this home has sealed no content of {op_id}", code="not-sealed")
    return row.seq, row.key
