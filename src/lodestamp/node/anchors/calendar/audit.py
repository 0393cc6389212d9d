"""The auditor of calendars: A11, A13 and A14, apart from the code that writes (§11).

It reads tables and recomputes; of this room it shares nothing but the tables.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, select, text

from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Pending,
    anchor_digest,
    parse_timestamp,
    walk,
)
from lodestamp.errors import InputError
from lodestamp.node.anchors.tables import commitments, cycles, headers, submissions
from lodestamp.node.findings import AuditReport
from lodestamp.node.storage import METADATA, Database

_WITH_TIP: Final = frozenset({"sent", "mined", "final"})
_LOST: Final = "lost"
_STATES: Final = frozenset({"unsent", "pending", "complete"})
_LAST_NUMBER: Final = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
_SIZES: Final = frozenset({32, 44})
_ROOT: Final = slice(36, 68)


def audit_calendars(database: Database, origin: str, report: AuditReport) -> None:
    """Report commitments and submissions that do not fit, of the log called `origin`."""
    with database.reading("auditing calendars") as connection:
        _audit_commitments(connection, report)
        _audit_submissions(connection, origin, report)


def _audit_commitments(connection: Connection, report: AuditReport) -> None:
    """A11: each commitment once and none missing, in at most one live cycle, in journal order."""
    _audit_numbers(connection, report)
    known: dict[int, Any] = {row.id: row for row in connection.execute(select(cycles))}
    members: dict[int, list[Any]] = {}
    seen: set[bytes] = set()
    for row in connection.execute(select(commitments).order_by(commitments.c.id)):
        where = f"commitment {row.id}"
        report.count("commitments")
        if row.commitment in seen:
            report.find("A11", where, "it is in the journal twice")
        seen.add(row.commitment)
        if len(row.commitment) not in _SIZES:
            report.find("A11", where, f"it has {len(row.commitment)} bytes")
        if (row.cycle is None) is not (row.leaf is None):
            report.find("A11", where, "it has a cycle without a leaf, or a leaf without a cycle")
        elif row.cycle is not None:
            if row.cycle not in known:
                report.find("A11", where, f"there is no cycle {row.cycle}")
            elif known[row.cycle].state == _LOST:
                report.find("A11", where, f"cycle {row.cycle} is lost, and no other has it")
            members.setdefault(row.cycle, []).append(row)
    for cycle in known.values():
        _audit_cycle(cycle, members.get(cycle.id, []), report)


def _audit_numbers(connection: Connection, report: AuditReport) -> None:
    """Find records that were removed: SQLite numbers them without gaps and keeps the last one."""
    if connection.dialect.name != "sqlite":  # elsewhere an undone insert leaves a gap as well
        return
    numbers = list(
        connection.execute(select(commitments.c.id).order_by(commitments.c.id)).scalars()
    )
    last = connection.execute(_LAST_NUMBER, {"name": commitments.name}).scalar() or 0
    expected = 1
    for number in [*numbers, last + 1]:
        if number != expected:
            where = f"commitment {expected}"
            report.find("A11", where, f"it is gone, and all up to {number - 1}")
        expected = number + 1


def _audit_cycle(cycle: Any, members: list[Any], report: AuditReport) -> None:
    where = f"cycle {cycle.id}"
    if [row.leaf for row in members] != list(range(len(members))):
        report.find("A11", where, "its leaves are not those of the journal's order")
        return
    if cycle.state not in _WITH_TIP or cycle.tip is None:
        return
    if cycle.count > len(members):
        report.find("A11", where, f"it has {len(members)} commitments, not {cycle.count}")
    elif root(leaf_hashes([row.commitment for row in members[: cycle.count]])) != cycle.tip:
        report.find("A11", where, "its commitments do not have its tip")


def _audit_submissions(connection: Connection, origin: str, report: AuditReport) -> None:
    for row in connection.execute(select(submissions).order_by(submissions.c.size)):
        where = f"submission {row.size} to {row.uri}"
        report.count("submissions")
        _audit_digest(connection, origin, row, where, report)
        _audit_answer(connection, row, where, report)


def _audit_digest(
    connection: Connection, origin: str, row: Any, where: str, report: AuditReport
) -> None:
    """A13: it starts at the anchor digest of its checkpoint, whose root A7 holds to its note."""
    columns = METADATA.tables["log_checkpoint"].c
    signed = connection.execute(select(columns.root).where(columns.size == row.size)).scalar()
    if signed is None:
        report.find("A13", where, f"no checkpoint was signed at size {row.size}")
    elif anchor_digest(origin, row.size, signed) != row.digest:
        report.find("A13", where, "it is not of the anchor digest of its checkpoint")


def _audit_answer(connection: Connection, row: Any, where: str, report: AuditReport) -> None:
    """A14: what the calendar answered is a strict timestamp, and is what its state claims."""
    if row.state not in _STATES:
        report.find("A14", where, f"there is no state {row.state!r}")
        return
    if row.state == "unsent":
        if row.ots:
            report.find("A14", where, "nothing was sent, but something was answered")
        return
    try:
        timestamp = parse_timestamp(row.ots, row.digest, strict=True)
    except InputError as error:
        report.find("A14", where, error.message)
        return
    ends = list(walk(timestamp))
    if row.state == "pending":
        if not any(isinstance(end, Pending) for _, end in ends):
            report.find("A14", where, "it is pending without saying so")
        return
    blocks = [(message, end.height) for message, end in ends if isinstance(end, BitcoinHeader)]
    if not blocks:
        report.find("A14", where, "it is complete without saying so")
    elif not any(_leads_to_block(connection, *each) for each in blocks):
        report.find("A14", where, "its block is not in the best chain; `lodestamp upgrade` asks on")


def _leads_to_block(connection: Connection, message: bytes, height: int) -> bool:
    query = select(headers.c.raw).where(headers.c.height == height)
    raw: bytes | None = connection.execute(query).scalar()
    return raw is not None and raw[_ROOT] == message
