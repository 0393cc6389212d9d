"""What a log answers about its state: now, or as of an earlier size (operations spec §7, §8)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import Digest, digest_of_address
from lodestamp.core.operations import (
    KINDS,
    DecisionRecord,
    Effects,
    Fact,
    Operation,
    ProvenanceGraph,
    RevocationReport,
    Status,
    Why,
    decision_records,
    revocation_report,
    to_prov_json,
)
from lodestamp.errors import UnknownOperation, UsageError
from lodestamp.node import recorder
from lodestamp.node.clock import now_s
from lodestamp.node.live_graph import LiveGraph
from lodestamp.node.recorder import Listed, Wanted
from lodestamp.node.storage import Database

PAGE_MAX: Final = 500
"""Operations on one page: a page of the largest is then 128 MiB at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as the log lists it, with its status."""

    listed: Listed
    status: Status

    def as_json(self) -> dict[str, object]:
        """Return the object of ``--json``."""
        listed = self.listed
        return {
            "op_id": listed.op_id,
            "log_index": listed.log_index,
            "type": listed.type,
            "author": listed.author,
            "node": listed.node,
            "ts": listed.ts,
            "status": self.status.word,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some operations in log order; `next` is the leaf to go on after, None at the end."""

    operations: tuple[Entry, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """What an operation rests on, or what rests on it. The operation itself stands first.

    An edge leads from an operation to one that it rests on.
    """

    nodes: tuple[Entry, ...]
    edges: tuple[tuple[str, str], ...]


class Questions(ABC):
    """The questions; who answers them says over which state."""

    _database: Database

    @abstractmethod
    def _state(self) -> AbstractContextManager[ProvenanceGraph]:
        """Give the graph to be asked, alone."""

    def op(self, op_id: str) -> Operation:
        """Return an operation as it is stored.

        UnknownOperation when the log does not hold it, RecordError ``purged`` when only its leaf
        and id are left.
        """
        with self._state() as graph:
            _require(graph, op_id)
        with self._database.reading("reading an operation") as connection:
            return recorder.find_operation(connection, op_id).operation

    def ops(
        self,
        *,
        type: str | None = None,  # noqa: A002  the field's name in the format
        author: str | None = None,
        predicate: str | None = None,
        after: int = -1,
        limit: int = 100,
    ) -> Page:
        """Return a page of operations above leaf `after`, those that were purged included.

        `predicate` finds claims and attestations. UsageError for an unknown type, or a limit that
        is not 1 to 500.
        """
        if type is not None and type not in KINDS:
            raise UsageError(f"{type[:80]!r} is no type", hint=f"there are {', '.join(KINDS)}")
        if not 1 <= limit <= PAGE_MAX:
            raise UsageError(f"a page has 1 to {PAGE_MAX} operations, not {limit}")
        wanted = Wanted(type, author, predicate)
        with self._state() as graph:
            with self._database.reading("listing operations") as connection:
                rows, following = recorder.list_operations(
                    connection, wanted, after=after, limit=limit, size=len(graph)
                )
            return Page(tuple(Entry(row, graph.status(row.op_id)) for row in rows), following)

    def entry(self, op_id: str) -> Entry:
        """Return how the log lists an operation; UnknownOperation when it does not hold it."""
        with self._state() as graph:
            _require(graph, op_id)
            return self._entries(graph, [op_id])[0]

    def status(self, op_id: str) -> Status:
        """Return the status of an operation; UnknownOperation when the log does not hold it."""
        with self._state() as graph:
            _require(graph, op_id)
            return graph.status(op_id)

    def why(self, op_id: str) -> Why:
        """Return why an operation has its status (S19); UnknownOperation as `status`."""
        with self._state() as graph:
            _require(graph, op_id)
            return graph.why(op_id)

    def graph(self, op_id: str, *, up: bool = True, depth: int | None = None) -> Lineage:
        """Return what an operation rests on, or with `up` False what rests on it.

        `depth` steps far, or all the way. UnknownOperation as `status`.
        """
        with self._state() as graph:
            _require(graph, op_id)
            walk = graph.sources if up else graph.derived
            op_ids = [op_id, *walk(op_id, depth)]
            return Lineage(tuple(self._entries(graph, op_ids)), tuple(graph.edges(op_ids)))

    def prov_json(self, op_ids: Iterable[str], *, include_content: bool = False) -> bytes:
        """Return operations as a PROV-JSON document; UnknownOperation as `status`."""
        with self._state() as graph:
            wanted = list(op_ids)
            for op_id in wanted:
                _require(graph, op_id)
            return to_prov_json(graph, wanted, include_content=include_content)

    def facts(self, subject: str, predicate: str | None = None) -> list[Fact]:
        """Return the valid claims about a subject that no person's own word supersedes (S20)."""
        with self._state() as graph:
            return graph.facts(subject, predicate)

    def affected(self, op_id: str) -> Effects:
        """Return what an effective refutation of an operation would change; nothing is recorded.

        UsageError ``not-refutable`` (S15), UnknownOperation as `status`.
        """
        with self._state() as graph:
            _require(graph, op_id)
            return graph.cascade(op_id)

    def revocation_report(self, cap_id: str, at: int | None = None) -> RevocationReport:
        """Report what became of a grant by `at` (Unix seconds, default now): S29, S30.

        UsageError when `cap_id` is none.
        """
        at = now_s() if at is None else at
        with self._state() as graph:
            report = revocation_report(graph, cap_id, at)
            due_s = self._due_s(graph, report)
            return report if due_s is None else revocation_report(graph, cap_id, at, due_s=due_s)

    def receipts(self, at: int | None = None) -> list[RevocationReport]:
        """Report on every grant of the log, in the order in which they were given."""
        at = now_s() if at is None else at
        with self._state() as graph:
            with self._database.reading("listing the grants") as connection:
                caps = recorder.cap_ids(connection)
            return [self.revocation_report(each, at) for each in caps if graph.cap(each)]

    def decisions(self, at: int | None = None) -> list[DecisionRecord]:
        """Return what became by `at` of every intent in the log, malformed too (D-2 to D-4)."""
        at = now_s() if at is None else at
        with self._state() as graph:
            with self._database.reading("listing the intents") as connection:
                intents = [
                    row.op_id
                    for row in recorder.list_all(connection, Wanted("evidence"), len(graph))
                ]
            return decision_records(graph, intents, at)

    def state_digest(self) -> Digest:
        """Return the digest over every operation and its status: equal for equal views (S1)."""
        with self._state() as graph:
            return graph.digest()

    def _entries(self, graph: ProvenanceGraph, op_ids: list[str]) -> list[Entry]:
        with self._database.reading("reading operations") as connection:
            rows = recorder.find_listed(connection, op_ids)
        return [Entry(rows[op_id], graph.status(op_id)) for op_id in op_ids]

    def _due_s(self, graph: ProvenanceGraph, report: RevocationReport) -> int | None:
        """Return the seconds that whoever revoked first gave for the receipt, None by default."""
        if not report.revocations:
            return None
        times = {op_id: graph.columns.times[graph.index_of(op_id)] for op_id in report.revocations}
        first = min(report.revocations, key=lambda op_id: times[op_id])
        with self._database.reading("reading a deadline") as connection:
            deadline = recorder.deadline_of(connection, digest_of_address(first))
        return None if deadline is None else deadline - times[first]


class Past(Questions):
    """A log as it was at an earlier size, to be asked and not changed."""

    def __init__(self, database: Database, live: LiveGraph, size: int) -> None:
        self._database = database
        self._live = live
        self.size = size

    @contextmanager
    def _state(self) -> Iterator[ProvenanceGraph]:
        with self._live.current() as graph:
            yield graph.as_of(self.size)


def _require(graph: ProvenanceGraph, op_id: str) -> None:
    if graph.find(op_id) is None:
        raise UnknownOperation(f"this log does not hold {op_id}")
