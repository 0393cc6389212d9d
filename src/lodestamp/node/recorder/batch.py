"""One transaction's worth of operations: checked against the log and each other, written at once.

Causal rules of the operations spec §7: every `prev` and every reference is in the log (S6, S8), of
an ancestor (S6); heads are operations that are nobody's `prev` (S5).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, delete, insert, select

from lodestamp.core.encoding import Digest, address_of_digest, digest_of_address
from lodestamp.core.operations import PREV_MAX, Operation, derived_from, references
from lodestamp.errors import CausalError, RecordError
from lodestamp.node.recorder import tables

_EDGES_READ: Final = 2_000
"""Leaves whose edges a walk reads at once; it goes down leaf by leaf, so they are used."""
_LOOKUP_WIDTH: Final = 500
"""Ids a query asks for at once; SQLite allows 32,766 variables, PostgreSQL 65,535."""


class Known(NamedTuple):
    """An operation of this log, as far as causal checks need it."""

    seq: int
    generation: int
    op_id: Digest


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows an accepted operation adds: itself and its each."""

    op: Operation
    known: Known
    parents: tuple[Known, ...]
    sources: tuple[Known, ...]


class Batch:
    """The operations of one transaction. `accept` decides; `write` stores what was accepted."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._next_seq = size
        self._heads = {known.seq: known for known in _read_heads(connection)}
        self._known = {known.op_id: known for known in self._heads.values()}
        self._old_heads = set(self._heads)
        self._accepted: list[Accepted] = []

    @property
    def digests(self) -> list[Digest]:
        """The new leaves, in log order."""
        return [each.known.op_id for each in self._accepted]

    def heads_for(self, sources: Iterable[str]) -> list[str]:
        """Return what a new operation points at: at most 32 heads (S5).

        Those it refers to come first, or they would not be in its past, then the newest.
        """
        wanted = {digest_of_address(op_id) for op_id in sources}
        order = sorted(self._heads.values(), key=lambda head: (head.op_id in wanted, head.seq))
        return sorted(address_of_digest(head.op_id) for head in order[-PREV_MAX:])

    def look_up(self, operations: Iterable[Operation]) -> None:
        """Read in a few queries everything that accepting these operations will ask for."""
        wanted = {op.digest for op in operations}
        for op in operations:
            wanted.update(map(digest_of_address, op.prev))
            wanted.update(digest_of_address(reference.op_id) for reference in references(op))
        self._fetch(wanted)

    def find(self, digest: Digest) -> Known | None:
        """Return the operation of this id, if the log or this batch holds it."""
        if digest not in self._known:
            self._fetch({digest})
        return self._known.get(digest)

    def accept(self, op: Operation) -> Known:
        """Give the operation the next leaf.

        CausalError when a `prev` or a reference is missing, RecordError ``not-an-ancestor`` when a
        reference is not in the operation's past. Nothing is kept of a refused one.
        """
        parents = self._require([(op_id, f"/prev/{at}") for at, op_id in enumerate(op.prev)])
        self._check_references(op, parents)
        generation = 1 + max((parent.generation for parent in parents), default=-1)
        known = Known(self._next_seq, generation, op.digest)
        sources = tuple(self._known[digest_of_address(op_id)] for op_id in derived_from(op))
        self._accepted.append(Accepted(op, known, tuple(parents), sources))
        self._next_seq += 1
        self._known[op.digest] = known
        for parent in parents:
            self._heads.pop(parent.seq, None)
        self._heads[known.seq] = known
        return known

    def write(self, received_at: int) -> None:
        """Store every accepted operation with its edges, and move the heads."""
        if not self._accepted:
            return
        authors = self._intern(tables.author, {each.op.author for each in self._accepted})
        nodes = self._intern(tables.node, {each.op.node for each in self._accepted})
        self._insert(
            tables.operation,
            [
                {
                    "seq": each.known.seq,
                    "op_id": each.known.op_id,
                    "version": each.op.v,
                    "type": each.op.type,
                    "author_id": authors[each.op.author],
                    "node_id": nodes[each.op.node],
                    "ts": each.op.ts,
                    "generation": each.known.generation,
                    "raw": each.op.wire,
                    "received_at": received_at,
                }
                for each in self._accepted
            ],
        )
        self._insert(tables.parent, _pairs((e.known, e.parents) for e in self._accepted))
        self._insert(tables.source, _pairs((e.known, e.sources) for e in self._accepted))
        self._move_heads()

    def _check_references(self, op: Operation, parents: Sequence[Known]) -> None:
        wanted = references(op)
        found = self._require([(reference.op_id, reference.at) for reference in wanted])
        past = self._past({known.seq for known in found}, parents)
        for reference, known in zip(wanted, found, strict=True):
            if known.seq not in past:
                raise RecordError(
                    f"{reference.op_id} (at {reference.at}) is not in the operation's past",
                    code="not-an-ancestor",
                    hint="`prev` must lead to everything the body refers to",
                )

    def _require(self, wanted: Sequence[tuple[str, str]]) -> list[Known]:
        found = [self.find(digest_of_address(op_id)) for op_id, _at in wanted]
        missing = [where for where, known in zip(wanted, found, strict=True) if known is None]
        if missing:
            places = ", ".join(f"{op_id} (at {at})" for op_id, at in missing[:3])
            raise CausalError(
                f"this log does not hold {places}", missing=tuple(op_id for op_id, _at in missing)
            )
        return [known for known in found if known is not None]

    def _past(self, targets: set[int], parents: Sequence[Known]) -> set[int]:
        """Return those of `targets` that the parents lead to, in one walk down, newest first.

        An operation whose generation equals its leaf index sits on a chain through *every* earlier
        operation, so reaching one ends the walk: one step for a log that one writer wrote.
        """
        generations = {parent.seq: parent.generation for parent in parents}
        if not targets or self._heads.keys() <= generations.keys():
            return targets
        lowest = min(targets)
        reached: set[int] = set()
        edges: dict[int, list[tuple[int, int]]] = {}
        waiting = [-seq for seq in generations]
        heapq.heapify(waiting)
        while waiting and len(reached) < len(targets):
            seq = -heapq.heappop(waiting)
            if seq in targets:
                reached.add(seq)
            if seq <= lowest:
                break
            if generations[seq] == seq:
                return reached | {target for target in targets if target <= seq}
            for parent, generation in self._parents_of(seq, edges):
                if parent not in generations:
                    generations[parent] = generation
                    heapq.heappush(waiting, -parent)
        return reached

    def _parents_of(
        self, seq: int, edges: dict[int, list[tuple[int, int]]]
    ) -> list[tuple[int, int]]:
        """Return a leaf's parents with their generations; `edges` keeps the rows read last."""
        first = self._next_seq - len(self._accepted)
        if seq >= first:
            return [(known.seq, known.generation) for known in self._accepted[seq - first].parents]
        if seq not in edges:
            edges.clear()
            edges.update(self._read_edges(max(0, seq - _EDGES_READ + 1), seq))
        return edges[seq]

    def _read_edges(self, low: int, high: int) -> dict[int, list[tuple[int, int]]]:
        rows: dict[int, list[tuple[int, int]]] = {seq: [] for seq in range(low, high + 1)}
        edge, parent = tables.parent.c, tables.operation.c
        query = (
            select(edge.child, edge.parent, parent.generation)
            .join(tables.operation, parent.seq == edge.parent)
            .where(edge.child.between(low, high))
        )
        for child, seq, generation in self._connection.execute(query):
            rows[child].append((seq, generation))
        return rows

    def _fetch(self, digests: set[Digest]) -> None:
        wanted = [digest for digest in digests if digest not in self._known]
        column = tables.operation.c
        for at in range(0, len(wanted), _LOOKUP_WIDTH):
            query = select(column.seq, column.generation, column.op_id).where(
                column.op_id.in_(wanted[at : at + _LOOKUP_WIDTH])
            )
            for row in self._connection.execute(query):
                self._known[Digest(row.op_id)] = Known(*row)

    def _intern(self, table: Table, texts: set[str]) -> dict[str, int]:
        query = select(table.c.text, table.c.id).where(table.c.text.in_(sorted(texts)))
        ids = {row.text: row.id for row in self._connection.execute(query)}
        for text in sorted(texts - ids.keys()):
            added = insert(table).values(text=text).returning(table.c.id)
            ids[text] = self._connection.execute(added).scalar_one()
        return ids

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)

    def _move_heads(self) -> None:
        gone = sorted(self._old_heads - self._heads.keys())
        for at in range(0, len(gone), _LOOKUP_WIDTH):
            some = gone[at : at + _LOOKUP_WIDTH]
            self._connection.execute(delete(tables.head).where(tables.head.c.seq.in_(some)))
        self._insert(tables.head, [{"seq": seq} for seq in self._heads.keys() - self._old_heads])


def _read_heads(connection: Connection) -> list[Known]:
    column = tables.operation.c
    query = select(column.seq, column.generation, column.op_id).join(
        tables.head, tables.head.c.seq == column.seq
    )
    return [Known(row.seq, row.generation, Digest(row.op_id)) for row in connection.execute(query)]


def _pairs(edges: Iterable[tuple[Known, tuple[Known, ...]]]) -> list[dict[str, Any]]:
    return [
        {"child": child.seq, "parent": parent.seq} for child, parents in edges for parent in parents
    ]
