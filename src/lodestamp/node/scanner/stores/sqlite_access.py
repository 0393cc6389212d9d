"""The one writer of a store in SQLite: a lease row, renewed, and a mark that outlives nobody."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from lodestamp.core.encoding import canonical_json, parse_canonical
from lodestamp.errors import EncodingError, LodestampError, LogCorrupt
from lodestamp.node.presence import OWNER_LENGTH, Presence
from lodestamp.node.scanner.stores.access import Access, busy
from lodestamp.node.scanner.stores.tables import META
from lodestamp.node.storage import make_private, sqlite_engine, store_failures

LEASE_MS: Final = 30_000
"""How long a scanner that is not heard of keeps its store (R33)."""
_RENEW_MS: Final = 20_000
_KEY: Final = "lease"


class SqliteAccess(Access):
    """A file. A killed scanner is known to be gone by the lock that ended with its process."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        if not path.exists():
            make_private(path)
        super().__init__(sqlite_engine(path))
        self._marks = path.with_name(f"{path.name}.scanners")
        self._clock = clock
        self._presence: Presence | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one writer inside; ScannerBusy when another is, here or in another process."""
        if self._presence is not None:
            raise busy("a scan of this very store is under way")
        with Presence(self._marks, secrets.token_hex(OWNER_LENGTH // 2)) as presence:
            with self.writing("taking the lease") as connection:
                before, _ = _read(connection)
                _write(connection, presence.owner, self._clock() + LEASE_MS)
            if before is not None:  # not sooner: the mark tells the next one that it is gone
                presence.forget(before)
            self._presence = presence
            try:
                yield
            finally:
                with suppress(LodestampError):
                    self._give_back()
                self._presence = None

    def renew(self) -> None:
        """Go on being the one writer; ScannerBusy when another took over."""
        with self.writing("renewing the lease"):
            pass

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """Open a transaction in which the tables are made; others wait for it."""
        with store_failures("making the tables"), self._immediate() as connection:
            yield connection

    def _snapshot(self) -> Connection:
        return self._engine.connect()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._immediate() as connection:
            self._check(connection)
            yield connection

    @contextmanager
    def _immediate(self) -> Iterator[Connection]:
        with self._engine.connect() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                yield connection

    def _check(self, connection: Connection) -> None:
        """Refuse to write where another has the lease; renew one's own before it runs out."""
        holder, until = _read(connection)
        now = self._clock()
        if self._presence is None:
            if holder is not None and until > now and not self._is_gone(holder):
                raise busy(f"its lease has {(until - now) / 1000:.0f} s left")
        elif holder != self._presence.owner:
            raise busy("it took over, as this one was silent for too long")
        elif until - now < _RENEW_MS:
            _write(connection, self._presence.owner, now + LEASE_MS)

    def _give_back(self) -> None:
        with self.writing("giving the lease back") as connection:
            connection.execute(delete(META).where(META.c.key == _KEY))

    def _is_gone(self, holder: str) -> bool:
        """Tell whether the process that had the lease is known to have ended."""
        if not self._marks.is_dir():
            return False
        with Presence(self._marks, secrets.token_hex(OWNER_LENGTH // 2)) as presence:
            return presence.is_gone(holder)


def _read(connection: Connection) -> tuple[str | None, int]:
    """Return who has the lease and until when; None where nobody has."""
    found = connection.execute(select(META.c.value).where(META.c.key == _KEY)).scalar()
    if found is None:
        return None, 0
    try:
        fields = parse_canonical(found.encode())
    except EncodingError as error:
        raise LogCorrupt(f"the stored lease is damaged: {error.message}") from error
    holder, until = fields.get("holder"), fields.get("until")
    if not isinstance(holder, str) or not isinstance(until, int):
        raise LogCorrupt("the stored lease is damaged")
    return holder, until


def _write(connection: Connection, holder: str, until: int) -> None:
    value = canonical_json({"holder": holder, "until": until}).decode()
    connection.execute(delete(META).where(META.c.key == _KEY))
    connection.execute(insert(META), [{"key": _KEY, "value": value}])
