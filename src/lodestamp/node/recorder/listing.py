"""Listing operations by type, author and predicate, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from lodestamp.core.encoding import address_of_digest, digest_of_address
from lodestamp.errors import LogCorrupt
from lodestamp.node.recorder import tables

_PREDICATED: Final = ("attestation", "claim")
"""The types whose body has a predicate."""
_ROWS_READ: Final = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """An operation as the log lists it; its body may be gone. `ts` is Unix seconds."""

    log_index: int
    op_id: str
    type: str
    author: str
    node: str
    ts: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list; None is anything. An author is a key id, or a DID for all its keys."""

    type: str | None = None
    author: str | None = None
    predicate: str | None = None


def list_operations(
    connection: Connection, wanted: Wanted, *, after: int, limit: int, size: int
) -> tuple[list[Listed], int | None]:
    """Return operations among the first `size` leaves above leaf `after`, in log order.

    At most `limit`, with the leaf to go on from, or None at the end. A purged body has no
    predicate.
    """
    found: list[Listed] = []
    for row in _rows(connection, wanted, after, size):
        if wanted.predicate is not None and _predicate_of(row) != wanted.predicate:
            continue
        if len(found) == limit:
            return found, found[-1].log_index
        found.append(_listed(row))
    return found, None


def list_all(connection: Connection, wanted: Wanted, size: int) -> Iterator[Listed]:
    """Yield every operation that is wanted among the first `size` leaves, in log order."""
    return map(_listed, _rows(connection, wanted, -1, size))


def find_listed(connection: Connection, op_ids: Sequence[str]) -> dict[str, Listed]:
    """Return those of these operations that the log holds."""
    found: dict[str, Listed] = {}
    for at in range(0, len(op_ids), _ROWS_READ):
        digests = [digest_of_address(op_id) for op_id in op_ids[at : at + _ROWS_READ]]
        query = _columns().where(tables.operation.c.op_id.in_(digests))
        found.update((each.op_id, each) for each in map(_listed, connection.execute(query)))
    return found


def cap_ids(connection: Connection) -> list[str]:
    """Return the ids of the capabilities that the log grants, in the order of their grants."""
    column = tables.cap.c
    rows = connection.execute(select(column.cap_id).order_by(column.grant_seq)).scalars()
    return list(dict.fromkeys(map(address_of_digest, rows)))


def deadline_of(connection: Connection, op_id_digest: bytes) -> int | None:
    """Return the Unix second that the writer of a revocation set for the receipt, or None."""
    column = tables.revocation.c
    query = select(column.deadline).join(tables.operation, tables.operation.c.seq == column.seq)
    found: int | None = connection.execute(
        query.where(tables.operation.c.op_id == op_id_digest)
    ).scalar()
    return found


def _rows(connection: Connection, wanted: Wanted, after: int, size: int) -> Iterator[Row[Any]]:
    while True:
        rows = connection.execute(_query(wanted, after, size)).all()
        yield from rows
        if len(rows) < _ROWS_READ:
            return
        after = rows[-1].seq


def _listed(row: Row[Any]) -> Listed:
    op_id = address_of_digest(row.op_id)
    return Listed(row.seq, op_id, row.type, row.author, row.node, row.ts)


def _columns(*more: ColumnElement[Any]) -> Select[Any]:
    column = tables.operation.c
    return (
        select(
            column.seq,
            column.op_id,
            column.type,
            column.ts,
            tables.author.c.text.label("author"),
            tables.node.c.text.label("node"),
            *more,
        )
        .join(tables.author, tables.author.c.id == column.author_id)
        .join(tables.node, tables.node.c.id == column.node_id)
    )


def _query(wanted: Wanted, after: int, size: int) -> Select[Any]:
    column = tables.operation.c
    query = (
        _columns(*((column.raw,) if wanted.predicate is not None else ()))
        .where(column.seq > after, column.seq < size)
        .order_by(column.seq)
        .limit(_ROWS_READ)
    )
    if wanted.type is not None:
        query = query.where(column.type == wanted.type)
    if wanted.author is not None:
        shown = tables.key_event.c
        keys = select(shown.key_id).where(shown.did == wanted.author)
        text = tables.author.c.text
        query = query.where((text == wanted.author) | text.in_(keys))
    if wanted.predicate is not None:
        query = query.where(column.type.in_(_PREDICATED))
    return query


def _predicate_of(row: Row[Any]) -> str | None:
    if row.raw is None:
        return None
    try:
        return str(orjson.loads(row.raw)["body"]["predicate"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise LogCorrupt(f"the stored bytes of leaf {row.seq} are damaged") from error
