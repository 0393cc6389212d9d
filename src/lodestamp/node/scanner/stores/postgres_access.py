"""The one writer of a store in PostgreSQL: an advisory lock, which ends with its connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import URL, Connection, create_engine, text

from lodestamp.errors import StoreError
from lodestamp.node.scanner.stores.access import Access, busy
from lodestamp.node.storage import store_failures

_SCANNER: Final = "1869770355, hashtext(current_schema())"
"""The key of the lock: ``ownership`` in this schema. A database may hold a store per schema."""
_TABLES: Final = "1869770356, hashtext(current_schema())"


class PostgresAccess(Access):
    """A server. The writer's transactions run on the connection that has the lock."""

    def __init__(self, url: URL) -> None:
        try:
            engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
        except ImportError as error:
            hint = "install the package with its extra [postgres]"
            raise StoreError(f"PostgreSQL needs a driver: {error}", hint=hint) from error
        super().__init__(engine)
        self._holding: Connection | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one writer inside; ScannerBusy when another is."""
        if self._holding is not None:
            raise busy("a scan of this very store is under way")
        with store_failures("taking the lock"):
            connection = self._engine.connect()
        try:
            with store_failures("taking the lock"), connection.begin():
                if not connection.scalar(text(f"SELECT pg_try_advisory_lock({_SCANNER})")):
                    raise busy("its connection to the database lives")
            self._holding = connection
            yield
        finally:
            self._holding = None
            with suppress(StoreError), store_failures("giving the lock back"):
                _give_back(connection)
            connection.close()

    def renew(self) -> None:
        """Go on being the one writer; StoreError, then ScannerBusy, when its connection is gone."""
        with self.writing("looking after the lock") as connection:
            connection.execute(text("SELECT 1"))

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """Open a transaction in which the tables are made; others wait for it."""
        with (
            store_failures("making the tables"),
            self._engine.connect() as connection,
            connection.begin(),
        ):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_TABLES})"))
            yield connection

    def _snapshot(self) -> Connection:
        return self._engine.connect().execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._holding is not None:
            if self._holding.invalidated:  # it would connect anew, without the lock
                raise busy("the connection that had the lock was lost")
            with self._holding.begin():
                yield self._holding
            return
        with self._engine.connect() as connection, connection.begin():
            if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_SCANNER})")):
                raise busy("its connection to the database lives")
            yield connection


def _give_back(connection: Connection) -> None:
    """Unlock, and end the session, which ends the lock whatever state it is in."""
    if not connection.invalidated:
        with connection.begin():
            connection.execute(text(f"SELECT pg_advisory_unlock({_SCANNER})"))
        connection.invalidate()
