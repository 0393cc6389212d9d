"""The auditor's third part: pasts and chains, derived again from the edges.

Like `audit` it shares no code with the writer. It keeps the edges of the log in memory, eight bytes
each, and thirty-two bytes an operation.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from lodestamp.core.operations import Operation
from lodestamp.node.findings import AuditReport
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.audit_rows import Beside

_Key = tuple[int, int]
"""The numbers of an author and a node label."""


class Lineage:
    """What each operation covers, and where chains contradict themselves or have gaps: S3, S7, S10.

    A version 2 chain is kept as the first leaf of each place, other leaves there beside it.
    """

    def __init__(self, connection: Connection, report: AuditReport) -> None:
        self._connection = connection
        self._report = report
        self._parents = array("q")
        self._ends = array("q", [0])
        self._covers = array("q")
        self._heads: set[int] = set()
        self._members: defaultdict[_Key, array[int]] = defaultdict(lambda: array("q"))
        self._forked: set[_Key] = set()
        self._rivals: dict[int, int] = {}
        self._places: defaultdict[_Key, array[int]] = defaultdict(lambda: array("q"))
        self._besides: defaultdict[tuple[_Key, int], list[int]] = defaultdict(list)
        self._confirms: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._stored = Beside(self._contradictions())

    def check(self, where: str, row: Any, parents: list[int], operation: Operation | None) -> None:
        """Take the next leaf with its parents, and hold its row against them."""
        merged = self._heads <= set(parents)
        covers = row.seq if merged else self._covered(parents)
        if row.covers != covers:
            self._report.find("S3", where, f"it covers {covers} leaves, not {row.covers}")
        place = row.author_seq if operation is None else operation.seq
        if place is None:
            rival = self._rival(row, parents)
        else:
            if place and not self._follows((row.author_id, row.node_id), place, parents):
                detail = f"number {place} of its chain, without number {place - 1} in its past"
                self._report.find("S10", where, detail)
            rival = self._rival_at((row.author_id, row.node_id), place, row.seq)
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
        """Return the first leaf of its version 1 chain that contradicts this one."""
        key = (row.author_id, row.node_id)
        members = self._members[key]
        rival = None
        if members and (key in self._forked or not self._leads(parents, members[-1])):
            rival = self._first_beside(members, parents)
            if rival is not None:
                self._forked.add(key)
                self._rivals[row.seq] = rival
        members.append(row.seq)
        return rival

    def _first_beside(self, members: array[int], parents: list[int]) -> int | None:
        """Return the first member that these parents do not lead to.

        Where one member is the only parent, that is what it contradicts itself, or what follows it.
        """
        at = bisect_left(members, parents[0]) if len(parents) == 1 else len(members)
        if at < len(members) and members[at] == parents[0]:
            following = members[at + 1] if at + 1 < len(members) else None
            return self._rivals.get(parents[0], following)
        past = self.past(parents, members[0])
        return next((member for member in members if member not in past), None)

    def _rival_at(self, key: _Key, place: int, seq: int) -> int | None:
        """Return the first leaf at this place of a version 2 chain, if it is not this one."""
        first = self._places[key]
        if place == len(first):
            first.append(seq)
            return None
        beside = self._besides[key, place]
        beside.append(seq)
        rival = first[place] if place < len(first) else beside[0]
        return rival if rival < seq else None

    def _follows(self, key: _Key, place: int, parents: list[int]) -> bool:
        """Tell whether an operation of the place before is in the past of these parents (V2)."""
        first = self._places[key]
        before = [first[place - 1]] if place <= len(first) else []
        before += self._besides.get((key, place - 1), ())
        if not before:
            return False
        past = self.past(parents, min(before))
        return any(leaf in past for leaf in before)

    def _leads(self, parents: list[int], target: int) -> bool:
        return target in self.past(parents, target)

    def past(self, parents: list[int], lowest: int) -> Reached:
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
        return Reached(covered, beyond)

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


class Reached:
    """Every leaf below `covered`, and those named."""

    def __init__(self, covered: int, beyond: set[int]) -> None:
        self._covered = covered
        self._beyond = beyond

    def __contains__(self, seq: int) -> bool:
        return seq < self._covered or seq in self._beyond
