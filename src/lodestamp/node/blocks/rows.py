"""The few statements on the index of blocks that more than one module needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lodestamp.node.blocks import tables

KEYS_AT_ONCE: Final = 500
"""Keys in one statement; SQLite takes 999 variables in its oldest builds."""


def insert_blocks(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Insert rows of blocks; a block that has a good row keeps it, one found bad gets the new."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(tables.blocks)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[tables.blocks.c.mh],
        set_={column.name: new[column.name] for column in tables.blocks.c if column.name != "mh"},
        where=tables.blocks.c.bad,
    )
    connection.execute(statement, list(rows))


def recount_live(connection: Connection, pack_id: int) -> None:
    """Record how many bytes of a pack have rows, now that not every section has one."""
    columns = tables.blocks.c
    live = select(func.coalesce(func.sum(columns.head + columns.size), 0)).where(
        columns.pack_id == pack_id
    )
    statement = update(tables.packs).where(tables.packs.c.id == pack_id)
    connection.execute(statement.values(live=live.scalar_subquery()))


def insert_refs(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Insert rows of leaves that stay in files; the newest place of a leaf replaces the last."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(tables.file_refs)
    new = statement.excluded
    changed = {each.name: new[each.name] for each in tables.file_refs.c if each.name != "mh"}
    statement = statement.on_conflict_do_update(
        index_elements=[tables.file_refs.c.mh], set_=changed
    )
    connection.execute(statement, list(rows))


def known_blocks(connection: Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Return which of these multihashes have a good row."""
    columns = tables.blocks.c
    found: set[bytes] = set()
    for some in in_parts(keys):
        query = select(columns.mh).where(columns.mh.in_(some), ~columns.bad)
        found.update(row.mh for row in connection.execute(query))
    return found


def known_refs(connection: Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Return which of these multihashes stay in a file."""
    found: set[bytes] = set()
    for some in in_parts(keys):
        query = select(tables.file_refs.c.mh).where(tables.file_refs.c.mh.in_(some))
        found.update(row.mh for row in connection.execute(query))
    return found


def touch_blocks(connection: Connection, keys: Sequence[bytes], now: int) -> set[bytes]:
    """Date good rows anew, so that collecting garbage spares them; return those there were."""
    columns = tables.blocks.c
    found: set[bytes] = set()
    for some in in_parts(keys):
        statement = (
            update(tables.blocks)
            .where(columns.mh.in_(some), ~columns.bad)
            .values(added_at=now)
            .returning(columns.mh)
        )
        found.update(row.mh for row in connection.execute(statement))
    return found


def in_parts(keys: Sequence[Any], size: int = KEYS_AT_ONCE) -> Iterator[list[Any]]:
    """Yield the keys in lists of at most `size`."""
    rest = iter(keys)
    while part := list(islice(rest, size)):
        yield part
