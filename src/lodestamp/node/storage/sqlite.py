"""SQLite as every database here uses it: durable, strict, and with transactions begun by us."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from lodestamp.errors import StoreError

BUSY_TIMEOUT_S: Final = 30
"""How long a writer waits for another process before LogLockedError (operations spec N1)."""

# WAL with FULL: a commit is on disk when it returns (DESIGN D11). cell_size_check finds torn pages
# while they are read; trusted_schema=OFF keeps a planted schema from running anything;
# secure_delete overwrites with zeros whatever is freed, so that a purge leaves nothing (S28).
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA cell_size_check=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}",
)


def sqlite_engine(path: Path) -> Engine:
    """Return an engine on one file; a connection with the option `writing` locks out writers.

    Transactions begin with BEGIN IMMEDIATE where that option is set, else they are snapshots.
    """
    url = URL.create("sqlite+pysqlite", database=str(path))  # a path may hold ? and #
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def make_private(path: Path) -> None:
    """Make the file before SQLite does: its companions take their mode from it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", code="cannot-open") from error


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    kind = "IMMEDIATE" if connection.get_execution_options().get("writing") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")
