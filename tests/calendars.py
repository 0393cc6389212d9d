"""Calendars for tests: a real journal, a real listener on loopback, audited when a test ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lodestamp.faces.http import Address, Listener, calendar_application
from lodestamp.node.anchors import Calendar
from lodestamp.node.clock import now_ms
from lodestamp.node.storage import Database

SECRET = bytes(range(32))
PERIOD_S = 0.2


@dataclass(frozen=True)
class Served:
    """A calendar, its database, and where it listens."""

    calendar: Calendar
    database: Database

    @property
    def url(self) -> str:
        """What a person would type."""
        return self.calendar.uri


@contextmanager
def served_calendar(folder: Path, uri: str | None = None) -> Iterator[Served]:
    """Serve the calendar of a folder on a free port, under that address, until the block ends."""
    listener = Listener.bind(Address("127.0.0.1", 0))
    database = Database.open(folder / "a.db")
    try:
        uri = uri or f"http://{listener.address}"
        with Calendar.open(database, uri, SECRET, now_ms, period_s=PERIOD_S) as calendar:
            application = calendar_application(calendar)
            thread = threading.Thread(target=listener.run, args=(application,), daemon=True)
            thread.start()
            try:
                yield Served(calendar, database)
            finally:
                listener.stop()
                thread.join(timeout=20)
                assert not thread.is_alive()
    finally:
        database.close()
