"""The auditor of witnesses: what they said of our log, and what we said of others (§11).

A9: each cosignature verifies, under a checkpoint of ours. A10: the sizes a witness cosigned rise
with its time, and the last tree that we cosigned of each log is what its note says. A18: nobody has
seen more of our log than we hold. It shares no code with the service and the client.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    verify_cosignature,
)
from lodestamp.errors import BadNote, LodestampError
from lodestamp.node.anchors.tables import cosignatures, evidence, submissions, witnessed
from lodestamp.node.findings import AuditReport
from lodestamp.node.storage import METADATA, Database


def audit_witnesses(database: Database, report: AuditReport) -> None:
    """Report every cosignature, witnessed log and piece of evidence that does not hold.

    A database too damaged to be read is a finding, not an exception.
    """
    try:
        with database.reading("auditing witnesses") as connection:
            _check_cosignatures(connection, report)
            _check_witnessed(connection, report)
            _check_evidence(connection, report)
            _check_tail(connection, report)
    except LodestampError as error:
        report.find("S1", "database", error.message)


def _check_cosignatures(connection: Connection, report: AuditReport) -> None:
    columns, checkpoints = cosignatures.c, METADATA.tables["log_checkpoint"]
    query = (
        select(cosignatures, checkpoints.c.note)
        .outerjoin(checkpoints, checkpoints.c.size == columns.size)
        .order_by(columns.name, columns.key_id, columns.size)
    )
    before: Any = None
    for row in connection.execution_options(yield_per=1000).execute(query):
        where = f"cosignature {row.size} {row.name}"
        try:
            _check_cosignature(row)
        except (LodestampError, TypeError, AttributeError) as error:
            report.find("A9", where, str(error))
        same = before is not None and (before.name, before.key_id) == (row.name, row.key_id)
        if same and row.time < before.time:
            detail = f"cosigned at {row.time}, but size {before.size} only at {before.time}"
            report.find("A10", where, detail)
        before = row
        report.count("cosignatures")


def _check_cosignature(row: Any) -> None:
    if row.note is None:
        raise BadNote("no checkpoint was signed at this size")
    note = parse_note(row.note)
    (signature,) = parse_note(f"{note.text}\n{row.line}\n".encode()).signatures
    vkey = parse_vkey(row.vkey)
    if (vkey.name, vkey.key_id) != (row.name, row.key_id):
        raise BadNote("its key is not the one it is stored under")
    if verify_cosignature(vkey, note.text, signature).time != row.time:
        raise BadNote("it states another time")


def _check_witnessed(connection: Connection, report: AuditReport) -> None:
    for row in connection.execute(select(witnessed)):
        where = f"witnessed log {row.origin:.120}"
        try:
            _check_row(row)
        except (LodestampError, TypeError, AttributeError) as error:
            report.find("A10", where, str(error))
        report.count("witnessed_logs")


def _check_row(row: Any) -> None:
    vkeys = [parse_vkey(text) for text in row.vkeys]
    if row.note is None:
        if (row.size, row.root) != (0, EMPTY_ROOT):
            raise BadNote("a size was cosigned, and no note of it is kept")
        return
    stated = parse_checkpoint(open_note(row.note, vkeys).text)
    if (stated.origin, stated.size, stated.root) != (row.origin, row.size, row.root):
        raise BadNote("its note speaks of another tree")


def _check_evidence(connection: Connection, report: AuditReport) -> None:
    known = {
        row.origin: [parse_vkey(text) for text in row.vkeys]
        for row in connection.execute(select(witnessed.c.origin, witnessed.c.vkeys))
    }
    for row in connection.execution_options(yield_per=100).execute(select(evidence)):
        where = f"evidence {row.id}"
        try:
            document = orjson.loads(row.body)
            _check_piece(row.reason, document, known.get(row.origin, []))
        except (LodestampError, ValueError, TypeError, KeyError, AttributeError) as error:
            report.find("A10", where, str(error))
        report.count("log_forks" if row.reason == "two-roots" else "unproven_checkpoints")


def _check_piece(reason: str, document: Any, vkeys: list[VerifierKey]) -> None:
    shown = open_note(document["shown"].encode(), vkeys).text.split("\n")
    if reason != "two-roots":
        return
    if document["cosigned"] is None:
        stands = shown[1] == "0"
    else:
        stood = open_note(document["cosigned"].encode(), vkeys).text.split("\n")
        stands = shown[1] == "0" or (stood[1] == shown[1] and stood[2] != shown[2])
    if not stands:
        raise BadNote("these two checkpoints do not contradict each other")


def _check_tail(connection: Connection, report: AuditReport) -> None:
    checkpoints = METADATA.tables["log_checkpoint"]
    latest = connection.execute(select(func.max(checkpoints.c.size))).scalar() or 0
    for what, column in (("cosignature", cosignatures.c.size), ("anchor", submissions.c.size)):
        seen = connection.execute(select(func.max(column))).scalar() or 0
        if seen > latest:
            detail = f"size {seen} was seen, the newest checkpoint here is of {latest}"
            report.find("A18", f"{what} {seen}", detail)
