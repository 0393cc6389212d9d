"""The auditor of flows: derives every stored packet again, apart from the runner (DESIGN §7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.content import Get
from lodestamp.core.encoding import parse_canonical
from lodestamp.core.flows import DataFlowPacket, Pattern, attempts_of, content_cid, recheck
from lodestamp.core.verdict import Status
from lodestamp.errors import LodestampError
from lodestamp.node.findings import AuditReport
from lodestamp.node.flows.tables import coins, events, intents, packets, patterns
from lodestamp.node.storage import Database


def audit_flows(database: Database, get: Get, report: AuditReport) -> None:
    """Report every packet, event, intent and pattern that does not fit what it is derived from.

    A packet must be the one its last event named, and every leg that needs no chain must hold.
    """
    with database.reading("auditing flows") as connection:
        rows = connection.execute(select(packets)).all()
        last = {
            row.packet_id: row for row in connection.execute(select(events).order_by(events.c.seq))
        }
        sent = connection.execute(select(intents)).all()
        kept = connection.execute(select(coins)).all()
        named = connection.execute(select(patterns)).all()
    known = {row.packet_id for row in rows}
    for row in rows:
        where = f"flow {row.packet_id}"
        _guarded(report, where, partial(_audit_packet, row, last, get, report))
        report.count("flows")
    for row in sent:
        where = f"flow {row.packet_id} {row.kind} {row.n}"
        _guarded(report, where, partial(_audit_intent, row, known, report))
    for row in kept:
        if row.packet_id not in known:
            report.find("F5", f"coin {row.txid[::-1].hex()}", "kept for a flow that is unknown")
    for row in named:
        where = f"pattern {row.name}"
        _guarded(report, where, partial(_audit_pattern, row, report))


def _guarded(report: AuditReport, where: str, audit: Callable[[], None]) -> None:
    try:
        audit()
    except (LodestampError, TypeError, AttributeError, ValueError, KeyError) as error:
        report.find("F1", where, str(error))


def _audit_packet(row: Any, last: dict[str, Any], get: Get, report: AuditReport) -> None:
    where = f"flow {row.packet_id}"
    document = row.document.encode()
    packet = DataFlowPacket.decode(document)
    stated = (row.packet_id, row.stage, row.state, row.attempts, row.content_cid)
    derived = (
        packet.packet_id,
        str(packet.processing_stage),
        str(packet.processing_state),
        attempts_of(packet),
        str(content_cid(packet)),
    )
    if stated != derived:
        report.find("F2", where, "its row and its document disagree")
    event = last.get(row.packet_id)
    told = {} if event is None else parse_canonical(event.detail.encode())
    if told.get("sha256") != sha256(document).hexdigest():
        report.find("F3", where, "it is not the packet that its last event left")
    if (row.next_attempt_at is None) is not packet.is_finished:
        report.find("F2", where, "it is finished and due at once, or neither")
    found = recheck(packet, get)
    for leg in found.joined.legs:
        if leg.status is Status.REFUTED:
            report.find("F4", where, f"leg {leg.name}: {leg.code}: {leg.detail}")
        elif leg.status is Status.UNKNOWN and leg.counts:
            report.find("F6", where, f"leg {leg.name}: {leg.code}: {leg.detail}")


def _audit_intent(row: Any, known: set[str], report: AuditReport) -> None:
    where = f"flow {row.packet_id} {row.kind} {row.n}"
    if row.packet_id not in known:
        report.find("F5", where, "sent for a flow that is unknown")
    if Transaction.decode(row.raw).txid != row.txid:
        report.find("F5", where, "the transaction is not the one that is named")


def _audit_pattern(row: Any, report: AuditReport) -> None:
    pattern = Pattern.parse(parse_canonical(row.document.encode()))
    if pattern.digest != row.digest:
        report.find("F5", f"pattern {row.name}", "it is not the pattern that was registered")
