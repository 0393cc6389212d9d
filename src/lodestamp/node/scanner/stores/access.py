"""Transactions on a store's database, and being its one writer (R33).

Readers get a snapshot and never block. A transaction of the writer may be opened inside another:
the inner one is a savepoint. Who only writes now and then holds the store for that transaction;
a scanner holds it all the time it runs.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection, Engine

from lodestamp.errors import LogLockedError, ScannerBusy
from lodestamp.node.storage import damaged_values, store_failures


class Access(ABC):
    """The engine of one store, and who may write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._here = threading.local()

    @property
    def dialect(self) -> str:
        """What kind of database it is: ``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """Open a snapshot, or look into the transaction this thread has open."""
        current = self._current
        with store_failures(doing), damaged_values(doing):
            if current is not None:
                yield current
                return
            with self._snapshot() as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """Open a transaction, or a savepoint inside the one this thread has open.

        It is kept on leaving and dropped on any exception. ScannerBusy while another writes.
        """
        current = self._current
        if current is not None:
            with store_failures(doing), current.begin_nested():
                yield current
            return
        with _only_writer(), store_failures(doing), self._transaction() as connection:
            self._here.connection = connection
            try:
                yield connection
            finally:
                self._here.connection = None

    @abstractmethod
    def held(self) -> AbstractContextManager[None]:
        """Be the one writer inside; ScannerBusy when another is."""

    @abstractmethod
    def renew(self) -> None:
        """Go on being the one writer; ScannerBusy when another took over."""

    @abstractmethod
    def preparing(self) -> AbstractContextManager[Connection]:
        """Open a transaction in which the tables are made; others wait for it."""

    def close(self) -> None:
        """Release every connection."""
        self._engine.dispose()

    @abstractmethod
    def _snapshot(self) -> Connection: ...

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Connection]: ...

    @property
    def _current(self) -> Connection | None:
        return getattr(self._here, "connection", None)


@contextmanager
def _only_writer() -> Iterator[None]:
    """Say in the scanner's words that the database is being written to."""
    try:
        yield
    except LogLockedError as error:
        raise busy("it is being written to") from error


def busy(why: str) -> ScannerBusy:
    """Return the error that another scanner has the store."""
    hint = "wait until the other scanner ends, or name another store"
    return ScannerBusy(f"another scanner has this store: {why}", hint=hint)
