"""The engine and its two kinds of transaction: many readers, one writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection, Engine, text

from lodestamp.errors import LogCorrupt, StoreError
from lodestamp.node.storage.failures import damaged_values, store_failures
from lodestamp.node.storage.sqlite import make_private, sqlite_engine

SCHEMA_REVISION: Final = "0009"
"""The newest migration; a test holds it against the migrations folder."""


class Database:
    """One SQLite file, opened for as long as a node lives. It is safe to share among threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open the database at `path`; with `create`, make it and bring its schema up to date.

        StoreError when the file cannot be opened or written. LogCorrupt when it is no database or
        was made by a newer version; without `create` also when it is missing (``log-rolled-back``)
        or its schema is not the newest.
        """
        created = not path.exists()
        if created and not create:
            hint = "restore the database; a new log would contradict what was published"
            raise LogCorrupt(f"{path} is gone", code="log-rolled-back", hint=hint)
        if created:
            make_private(path)
        engine = sqlite_engine(path)
        database = cls(engine)
        try:
            with store_failures(f"opening {path}"), damaged_values(f"opening {path}"):
                database._migrate(may_change=create)
        except BaseException:
            engine.dispose()
            raise
        return database

    def close(self) -> None:
        """Release every connection; the write-ahead log is folded in when the last one goes."""
        self._engine.dispose()

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """Open a consistent snapshot; readers never block and are never blocked."""
        with (
            store_failures(doing),
            damaged_values(doing),
            self._engine.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """Open the one write transaction: commits on leaving, rolls back on any exception.

        LogLockedError after `BUSY_TIMEOUT_S` behind another writer.
        """
        with store_failures(doing), self._write() as connection:
            yield connection

    def cut_write_ahead_log(self) -> None:
        """Fold the write-ahead log into the database and cut it to nothing (S28).

        StoreError ``log-busy`` when a reader held an older state for longer than `BUSY_TIMEOUT_S`.
        """
        with store_failures("cutting the write-ahead log"), self._engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                return
            raw = connection.connection.cursor()  # outside a transaction, or it would wait for us
            try:
                busy, _pages, _moved = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        if busy:
            hint = "close whoever reads the database, and purge again"
            raise StoreError("the write-ahead log is in use", code="log-busy", hint=hint)

    def _migrate(self, *, may_change: bool) -> None:
        if self._revision() == SCHEMA_REVISION:
            return
        if not may_change:
            raise LogCorrupt("the database has another schema", code="schema-unknown")
        from lodestamp.node.storage.migrate import upgrade  # noqa: PLC0415  a slow import, rarely needed

        with self._write() as connection:
            upgrade(connection)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._engine.connect() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                yield connection

    def _revision(self) -> str | None:
        with self._engine.connect() as connection, connection.begin():
            if not connection.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
