"""The auditor's second half: the rows that say what operations say, derived again from their bytes.

Like `audit` it shares no code with the writer. It keeps the edges of the log in memory, eight bytes
each, and sixteen bytes an operation.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
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


class Lineage:
    """What each operation covers, and where chains contradict themselves: S3 and S7."""

    def __init__(self, connection: Connection, report: AuditReport) -> None:
        self._connection = connection
        self._report = report
        self._parents = array("q")
        self._ends = array("q", [0])
        self._covers = array("q")
        self._heads: set[int] = set()
        self._members: defaultdict[tuple[int, int], array[int]] = defaultdict(lambda: array("q"))
        self._forked: set[tuple[int, int]] = set()
        self._confirms: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._stored = Beside(self._contradictions())

    def check(self, where: str, row: Any, parents: list[int], operation: Operation | None) -> None:
        """Take the next leaf with its parents, and hold its row against them."""
        merged = self._heads <= set(parents)
        covers = row.seq if merged else self._covered(parents)
        if row.covers != covers:
            self._report.find("S3", where, f"it covers {covers} leaves, not {row.covers}")
        rival = self._rival(row, parents)
        stored = [each.seq_a for each in self._stored.take(row.seq)]
        if stored != ([] if rival is None else [rival]):
            self._report.find("S7", where, "its contradictions are not those of its chain")
        self._report.count("contradictions", len(stored))
        self._parents.extend(parents)
        self._ends.append(len(self._parents))
        self._covers.append(row.covers)  # reported above; those that follow are judged by it
        self._heads.difference_update(parents)
        self._heads.add(row.seq)
        if operation is not None and operation.type == "confirm":
            body: Any = operation.body
            self._confirms[body["author"], body["node"]].append(row.seq)

    def finish(self, purged: int) -> None:
        """Report contradictions of no operation, and confirmations that do not follow.

        Where operations were purged, a confirmation may be among them.
        """
        for seq in self._stored.rest():
            self._report.find("S7", f"operation {seq}", "a contradiction of no operation")
        for _seq, rows in self._contradictions():
            for row in rows:
                after = [c for c in self._confirms[row.author, row.node] if c > row.seq_b]
                if row.confirmed_by != max(after, default=None) and not purged:
                    where = f"operation {row.seq_b}"
                    self._report.find("S7", where, "not confirmed by the newest confirmation")

    def _rival(self, row: Any, parents: list[int]) -> int | None:
        """Return the first leaf of its chain that contradicts this one."""
        column = tables.operation.c
        if row.author_seq is not None:
            query = select(func.min(column.seq)).where(
                column.author_id == row.author_id,
                column.node_id == row.node_id,
                column.author_seq == row.author_seq,
            )
            first: int = self._connection.execute(query).scalar_one()
            return first if first < row.seq else None
        key = (row.author_id, row.node_id)
        members = self._members[key]
        rival = None
        if members and (key in self._forked or not self._leads(parents, members[-1])):
            past = self._past(parents, members[0])
            rival = next((member for member in members if member not in past), None)
            if rival is not None:
                self._forked.add(key)
        members.append(row.seq)
        return rival

    def _leads(self, parents: list[int], target: int) -> bool:
        return target in self._past(parents, target)

    def _past(self, parents: list[int], lowest: int) -> _Reached:
        """Return the leaves from `lowest` on that these parents lead to."""
        covered = self._covered(parents)
        beyond: set[int] = set()
        waiting = [parent for parent in parents if parent >= max(covered, lowest)]
        while waiting:
            seq = waiting.pop()
            if seq in beyond or seq < max(covered, lowest):
                continue
            beyond.add(seq)
            covered = max(covered, self._covers[seq])
            waiting.extend(self._parents[self._ends[seq] : self._ends[seq + 1]])
        return _Reached(covered, beyond)

    def _covered(self, parents: list[int]) -> int:
        covered = 0
        for parent in sorted(parents):
            covered = max(covered, self._covers[parent])
            covered += parent == covered
        return covered

    def _contradictions(self) -> Iterator[tuple[int, list[Any]]]:
        row = tables.equivocation.c
        query = (
            select(
                row.seq_a,
                row.seq_b,
                row.confirmed_by,
                tables.author.c.text.label("author"),
                tables.node.c.text.label("node"),
            )
            .outerjoin(tables.author, tables.author.c.id == row.author_id)
            .outerjoin(tables.node, tables.node.c.id == row.node_id)
            .order_by(row.seq_b, row.seq_a)
        )
        rows = self._connection.execution_options(yield_per=1000).execute(query)
        for seq, group in groupby(rows, key=lambda each: each.seq_b):
            yield seq, list(group)


class _Reached:
    """Every leaf below `covered`, and those named."""

    def __init__(self, covered: int, beyond: set[int]) -> None:
        self._covered = covered
        self._beyond = beyond

    def __contains__(self, seq: int) -> bool:
        return seq < self._covered or seq in self._beyond


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
