"""The schema as a database states it, and as the migrations make it."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, create_engine, text


def read_schema(connection: Connection) -> set[tuple[str, str]]:
    """Return every table, index, view and trigger of a SQLite database with its definition."""
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(name, sql) for name, sql in connection.execute(query)}


@cache
def declared_schema() -> frozenset[tuple[str, str]]:
    """Return what `read_schema` finds where only the migrations have been."""
    from lodestamp.node.storage.migrate import upgrade  # noqa: PLC0415  a slow import, seldom needed

    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            upgrade(connection)
            return frozenset(read_schema(connection))
    finally:
        engine.dispose()
