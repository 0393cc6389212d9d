"""The auditor's second part: the rows that say what operations say, derived from their bytes.

Like `audit` it shares no code with the writer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select

from lodestamp.core.encoding import canonical_json, digest_of_address
from lodestamp.core.keys import KeyEvent, KeyId, PublicKey
from lodestamp.core.operations import Operation, parse_cap, parse_op
from lodestamp.errors import LodestampError
from lodestamp.node.findings import AuditReport
from lodestamp.node.recorder import tables

_Row = tuple[Any, ...]
_PURGEABLE: Final = frozenset({"attestation", "claim", "evidence"})
_REFERENCE_SIZE: Final = 32


class Beside:
    """Groups sorted by a number, taken in step with another walk over the same numbers."""

    def __init__(self, groups: Iterator[tuple[int, list[Any]]]) -> None:
        self._groups = groups
        self._next = next(self._groups, None)
        self._skipped: list[int] = []

    def take(self, number: int) -> list[Any]:
        """Return the group of this number; smaller ones that nobody took are left over."""
        while self._next is not None and self._next[0] < number:
            self._skipped.append(self._next[0])
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != number:
            return []
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows

    def rest(self) -> list[int]:
        """Return the numbers that nobody took."""
        left = [] if self._next is None else [self._next[0]]
        return self._skipped + left + [number for number, _rows in self._groups]


class SaidRows:
    """Refutations, caps, revocations, attestations, receipts and key events: S6."""

    def __init__(self, connection: Connection, report: AuditReport) -> None:
        self._connection = connection
        self._report = report
        self._beside = {
            name: Beside(self._groups(table, key, columns))
            for name, (table, key, columns) in _SAID.items()
        }
        self.keys: dict[KeyId, PublicKey] = {}

    def check(self, where: str, seq: int, operation: Operation | None) -> None:
        """Hold an operation's rows against its bytes; of a purged one nothing is known."""
        stored = {name: beside.take(seq) for name, beside in self._beside.items()}
        if operation is None:
            return
        wanted = self._wanted(operation)
        for name, rows in stored.items():
            if rows != wanted.get(name, []):
                self._report.find("S6", where, f"its {name} rows are not those of its bytes")
            self._report.count(f"{name}_rows", len(rows))

    def finish(self) -> None:
        """Report rows of no operation."""
        for name, beside in self._beside.items():
            for seq in beside.rest():
                self._report.find("S6", f"{name} {seq}", "a row of no operation")

    def _wanted(self, operation: Operation) -> dict[str, list[_Row]]:
        body: Any = operation.body
        match operation.type:
            case "refutation":
                return {"refutes": [(self._leaf(body["target"]),)]}
            case "grant":
                return {"cap": _cap_rows(body["cap"])}
            case "revocation":
                return {"revocation": [(_digest(body["cap_id"]),)]}
            case "attestation":
                claim = self._leaf(body["claim_op"])
                return {"attestation": [(_digest(body["cap_id"]), claim)]}
            case "receipt":
                revoked = self._leaf(body["revocation_op"])
                return {
                    "receipt": [(_digest(body["cap_id"]), revoked, body["purged_attestations"])]
                }
            case "key":
                event = KeyEvent.parse(body["event"])
                self.keys[event.key.key_id] = event.key
                return {"key_event": [_event_row(event)]}
            case _:
                return {}

    def _leaf(self, op_id: str) -> int | None:
        column = tables.operation.c
        query = select(column.seq).where(column.op_id == digest_of_address(op_id))
        leaf: int | None = self._connection.execute(query).scalar()
        return leaf

    def _groups(
        self, table: Table, key: str, columns: tuple[str, ...]
    ) -> Iterator[tuple[int, list[_Row]]]:
        picked = [table.c[name] for name in columns]
        query = select(table.c[key], *picked).order_by(table.c[key])
        if table is tables.cap:
            issuer = tables.author.c.text
            query = (
                select(table.c[key], issuer, *picked)
                .outerjoin(tables.author, tables.author.c.id == table.c.issuer_id)
                .order_by(table.c[key])
            )
        rows = self._connection.execution_options(yield_per=1000).execute(query)
        for seq, group in groupby(rows, key=lambda row: row[0]):
            yield seq, [tuple(row[1:]) for row in group]


_SAID: Final[dict[str, tuple[Table, str, tuple[str, ...]]]] = {
    "refutes": (tables.refutes, "seq", ("target",)),
    "cap": (
        tables.cap,
        "grant_seq",
        (
            "cap_id",
            "audience",
            "subject",
            "parent",
            "not_before",
            "expires_at",
            "depth_left",
            "body",
        ),
    ),
    "revocation": (tables.revocation, "seq", ("cap_id",)),
    "attestation": (tables.attestation, "seq", ("cap_id", "claim_seq")),
    "receipt": (tables.receipt, "seq", ("cap_id", "revocation_seq", "purged")),
    "key_event": (
        tables.key_event,
        "seq",
        ("did", "event_index", "kind", "key_id", "pub", "next"),
    ),
}
"""Each table, the column that names the operation, and the columns its bytes decide."""


def _digest(address: str | None) -> bytes | None:
    return None if address is None else digest_of_address(address)


def _cap_rows(document: Any) -> list[_Row]:
    cap = parse_cap(document)
    if not cap.bears_its_id:
        return []
    row = (
        cap.issuer,
        _digest(cap.cap_id),
        cap.audience,
        cap.subject,
        _digest(cap.parent),
        cap.not_before,
        cap.expires_at,
        cap.depth_left,
        canonical_json(document),
    )
    return [row]


def _event_row(event: KeyEvent) -> _Row:
    key = event.key
    return (event.did, event.index, event.kind.value, key.key_id, key.raw, _digest(event.next))


def check_purged(where: str, row: Any, report: AuditReport) -> None:
    """A2: bytes are gone where they were purged and nowhere else, of a type that may be purged."""
    if row.raw is None and row.purged_at is None:
        report.find("A2", where, "its bytes are gone, and nobody purged them")
    elif row.raw is not None and row.purged_at is not None:
        report.find("A2", where, "it is marked as purged, and its bytes are here")
    elif row.raw is None:
        report.count("purged")
        if row.type not in _PURGEABLE:
            report.find("A2", where, f"it was purged, though others stand on what is of {row.type}")


def check_identities(connection: Connection, report: AuditReport) -> None:
    """A2, A3: a purge is of an operation of this log, and no operation is in the log twice."""
    operation, purge = tables.operation.c, tables.purge.c
    stray = select(purge.seq).outerjoin(tables.operation, operation.seq == purge.seq)
    for seq in connection.execute(stray.where(operation.seq.is_(None))).scalars():
        report.find("A2", f"operation {seq}", "it is marked as purged, and not in the log")
    twice = select(func.min(operation.seq), func.max(operation.seq)).group_by(operation.op_id)
    for first, last in connection.execute(twice.having(func.count() > 1)):
        report.find("A3", f"operation {last}", f"it is operation {first} again")


def check_waiting(connection: Connection, report: AuditReport) -> None:
    """S8: what waits is whole, is not in the log, and waits for what the log does not hold."""
    column, operation = tables.pending.c, tables.operation.c
    query = select(
        column.op_id, column.raw, column.missing, column.awaits, column.due, operation.seq
    ).outerjoin(tables.operation, operation.op_id == column.op_id)
    for row in connection.execution_options(yield_per=1000).execute(query):
        where = f"waiting {row.op_id.hex()[:16]}"
        report.count("waiting")
        try:
            waiting = parse_op(row.raw)
        except LodestampError as error:
            report.find("S8", where, error.message)
            continue
        missing = {
            row.missing[at : at + _REFERENCE_SIZE]
            for at in range(0, len(row.missing), _REFERENCE_SIZE)
        }
        if waiting.digest != row.op_id:
            report.find("S8", where, f"its bytes are those of {waiting.op_id}")
        elif row.seq is not None:
            report.find("S8", where, "it is in the log already")
        elif not missing <= set(map(digest_of_address, waiting.prev)):
            report.find("S8", where, "it waits for what is not its parent")
        elif (row.awaits or b"") != row.missing[:_REFERENCE_SIZE] or bool(missing) == bool(row.due):
            report.find("S8", where, "it waits for nothing, or for two things")
    awaited = select(column.awaits).join(tables.operation, operation.op_id == column.awaits)
    for (digest,) in connection.execute(awaited):
        report.find("S8", f"waiting for {digest.hex()[:16]}", "what it waits for is here")
    counted = select(column.peer, func.count(), func.sum(func.length(column.raw)))
    derived = {tuple(row) for row in connection.execute(counted.group_by(column.peer))}
    stored = {tuple(row) for row in connection.execute(select(tables.pending_share))}
    for peer in sorted({row[0] for row in derived ^ stored}):
        report.find("S8", f"share of {peer}", "it is not what waits for this peer")


def check_positions(connection: Connection, report: AuditReport) -> None:
    """S2: what has a position is an operation of this log, at a place that a ledger can have."""
    column, operation = tables.position.c, tables.operation.c
    query = select(*column, operation.op_id).outerjoin(
        tables.operation, operation.seq == column.seq
    )
    for seq, *where, op_id in connection.execution_options(yield_per=1000).execute(query):
        report.count("positions")
        if op_id is None or min(where) < 0:
            report.find("S2", f"position {seq}", "no operation, or no place of a ledger")


def check_content_keys(connection: Connection, report: AuditReport) -> None:
    """S6: a key belongs to evidence of this log, and is there or was erased."""
    column, operation = tables.content_key.c, tables.operation.c
    query = select(column.seq, column.key, column.erased_at, operation.type).outerjoin(
        tables.operation, operation.seq == column.seq
    )
    for seq, key, erased_at, type_ in connection.execution_options(yield_per=1000).execute(query):
        report.count("content_keys")
        whole = erased_at is not None if key is None else len(key) == 32 and erased_at is None
        if type_ != "evidence" or not whole:
            report.find(
                "S6", f"content_key {seq}", "no key of evidence, or neither kept nor erased"
            )
