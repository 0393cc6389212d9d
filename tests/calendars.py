"""Calendars for tests: a real journal, a real listener on loopback, audited when a test ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.timestamps import SHA256, BitcoinHeader, Op, apply_ops, encode_path
from lodestamp.faces.http import Address, Listener, calendar_application, serve_calendar
from lodestamp.node.anchors import Calendar, audit_calendars
from lodestamp.node.anchors.tables import commitments, cycles, headers
from lodestamp.node.clock import now_ms
from lodestamp.node.findings import AuditReport, Finding
from lodestamp.node.storage import Database

WAIT_S = 10
SECRET = bytes(range(32))
PERIOD_S = 0.2


BLOCK_OPS = (Op.prepend(b"a transaction "), Op.append(b" around the tip"), SHA256, SHA256)
"""What stands for a transaction and its branch where no chain is needed."""


def anchor_all(database: Database, height: int, state: str = "final") -> bytes:
    """Take up every waiting commitment in a cycle, as the anchorer does; return the Merkle root.

    A header with that root is put where the header store keeps it.
    """
    with database.writing("test") as connection:
        waiting = connection.execute(
            select(commitments).where(commitments.c.cycle.is_(None)).order_by(commitments.c.id)
        ).all()
        tip = root(leaf_hashes([row.commitment for row in waiting]))
        merkle_root = apply_ops(BLOCK_OPS, tip)
        # a path's end is all but the attestation that `encode_path` writes behind it
        ops = encode_path(BLOCK_OPS, BitcoinHeader(0))[: -len(encode_path((), BitcoinHeader(0)))]
        cycle = connection.execute(
            insert(cycles).values(
                state=state,
                tip=tip,
                count=len(waiting),
                txid=bytes(range(32)),
                height=height,
                block_hash=bytes(32),
                ops=ops,
                updated_at=0,
            )
        ).inserted_primary_key[0]
        for leaf, row in enumerate(waiting):
            change = update(commitments).where(commitments.c.id == row.id)
            connection.execute(change.values(cycle=cycle, leaf=leaf))
    put_header(database, height, merkle_root)
    return merkle_root


def put_header(database: Database, height: int, merkle_root: bytes) -> None:
    """Put a header of this Merkle root at a height of the best chain."""
    raw = bytes(36) + merkle_root + bytes(12)
    with database.writing("test") as connection:
        connection.execute(delete(headers).where(headers.c.height == height))
        row = {"height": height, "hash": sha256(raw).digest(), "raw": raw, "chainwork": bytes(32)}
        connection.execute(insert(headers), row)


class KnownHeaders:
    """The headers that a database holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, start: int, count: int) -> bytes:
        """As `HeaderStore.run`."""
        query = select(headers.c.raw).where(headers.c.height.between(start, start + count - 1))
        with self._database.reading("test") as connection:
            return b"".join(connection.execute(query.order_by(headers.c.height)).scalars())


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
    database = Database.open(folder / "a.db")
    try:
        with served_over(database, uri) as served:
            yield served
    finally:
        database.close()


@contextmanager
def served_over(database: Database, uri: str | None = None) -> Iterator[Served]:
    """Serve the calendar of an open database, which stays open."""
    listener = Listener.bind(Address("127.0.0.1", 0))
    try:
        uri = uri or f"http://{listener.address}"
        with Calendar.open(database, uri, SECRET, now_ms, period_s=PERIOD_S) as calendar:
            serving = (listener, calendar_application(calendar))
            thread = threading.Thread(target=serve_calendar, args=serving, daemon=True)
            thread.start()
            try:
                yield Served(calendar, database)
            finally:
                listener.stop()
                thread.join(timeout=20)
                assert not thread.is_alive()
    finally:
        listener.close()


@contextmanager
def audited_calendar(folder: Path, uri: str | None = None) -> Iterator[Served]:
    """Serve a calendar and, when the test is done with it, hold it against the auditor."""
    with served_calendar(folder, uri) as served:
        yield served
    assert findings(folder / "a.db") == []


def findings(path: Path, origin: str = "log.example/a") -> list[Finding]:
    """What the auditor of calendars finds in a database."""
    database = Database.open(path)
    report = AuditReport()
    try:
        audit_calendars(database, origin, report)
    finally:
        database.close()
    return report.findings
