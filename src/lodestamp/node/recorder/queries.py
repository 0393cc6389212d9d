"""Reading what the recorder stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from lodestamp.core.encoding import OP_CID_PREFIX, address_of_digest, digest_of_address
from lodestamp.core.operations import Operation, parse_op
from lodestamp.errors import InputError, LogCorrupt, RecordError, UnknownOperation
from lodestamp.node.recorder import tables


@dataclass(frozen=True, slots=True)
class StoredOperation:
    """An operation of this log and its leaf index."""

    operation: Operation
    log_index: int


def find_operation(connection: Connection, op_id: str) -> StoredOperation:
    """Return the operation of this id, re-read from its stored bytes.

    UnknownOperation when the log does not hold it, RecordError ``purged`` when only its leaf and id
    are left, LogCorrupt when its bytes are not its id's.
    """
    column = tables.operation.c
    query = select(column.seq, column.raw).where(column.op_id == digest_of_address(op_id))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownOperation(f"this log does not hold {op_id}")
    if row.raw is None and _was_purged(connection, row.seq):
        raise RecordError(f"the body of {op_id} was erased; its leaf stands", code="purged")
    try:
        operation = parse_op(row.raw or b"")
    except InputError as error:
        raise LogCorrupt(f"the stored bytes of {op_id}: {error.message}") from error
    if operation.op_id != op_id:
        raise LogCorrupt(f"the stored bytes of {op_id} are those of {operation.op_id}")
    return StoredOperation(operation, row.seq)


def _was_purged(connection: Connection, seq: int) -> bool:
    column = tables.purge.c
    return connection.execute(select(column.seq).where(column.seq == seq)).scalar() is not None


def newest_leaf(connection: Connection) -> tuple[int, bytes] | None:
    """Return index and entry of the newest operation, or None in an empty log.

    Errors as `find_operation`; of one whose body was erased, the entry its id gives.
    """
    column = tables.operation.c
    query = select(column.seq, column.op_id, column.raw).order_by(column.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.raw is None and _was_purged(connection, row.seq):
        return row.seq, OP_CID_PREFIX + row.op_id
    stored = find_operation(connection, address_of_digest(row.op_id))
    return stored.log_index, stored.operation.entry


def signed_roots(connection: Connection, above: int = -1) -> Iterator[tuple[int, bytes]]:
    """Yield size and root of each signed checkpoint over more leaves than `above`, in order."""
    column = tables.log_checkpoint.c
    query = select(column.size, column.root).where(column.size > above).order_by(column.size)
    for row in connection.execute(query):
        yield row.size, row.root


def read_meta(connection: Connection, key: str) -> str | None:
    """Return what the log was made with under this key, or None."""
    value: str | None = connection.execute(
        select(tables.meta.c.value).where(tables.meta.c.key == key)
    ).scalar()
    if value is not None and type(value) is not str:
        raise LogCorrupt(f"what the log was made with, {key}, is damaged")
    return value


def replace_meta(connection: Connection, key: str, value: str) -> None:
    """Write a fact that its owner may change."""
    connection.execute(delete(tables.meta).where(tables.meta.c.key == key))
    write_meta(connection, key, value)


def write_meta(connection: Connection, key: str, value: str) -> None:
    """Write a fact of the log's making, once."""
    connection.execute(insert(tables.meta).values(key=key, value=value))
