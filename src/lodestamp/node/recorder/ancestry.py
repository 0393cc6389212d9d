"""Which operations are in the past of another: exact, and cheap where writers merge what they see.

Each operation stores `covers`: every leaf below it is in its past. One that took all heads covers
everything before it, so a walk down the edges ends at the first such operation it meets. Where
strangers never merge it goes on; then the whole past of a leaf on its way is kept (`Pasts`), and
the next walk ends there. `Ancestry.walked` says what was spent, for the door to bound it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from lodestamp.node.recorder import tables
from lodestamp.node.recorder.known import Known
from lodestamp.node.recorder.limits import PAST_AFTER
from lodestamp.node.recorder.pasts import Pasts

_EDGES_READ_FIRST: Final = 16
_EDGES_READ: Final = 2_000
"""Leaves whose edges a walk reads at once, few at first; it goes down leaf by leaf."""

_Edge = tuple[int, int]
"""A parent's leaf and what it covers."""


def covered_by(parents: Sequence[Known]) -> int:
    """Return a number below which every leaf is one of these operations or in their past."""
    covered = 0
    for parent in sorted(parents):
        covered = max(covered, parent.covers)
        if parent.seq == covered:
            covered += 1
    return covered


class Ancestry:
    """The edges of the log and of this transaction, walked downwards."""

    def __init__(self, connection: Connection, size: int, pasts: Pasts) -> None:
        self._connection = connection
        self._size = size
        self._pasts = pasts
        self._added: list[list[_Edge]] = []
        self.walked = 0
        """Leaves that were visited or whose edges were read."""

    def add(self, parents: Sequence[Known]) -> None:
        """Give the next leaf its parents."""
        self._added.append([(parent.seq, parent.covers) for parent in parents])

    def reached(self, targets: Collection[int], parents: Sequence[Known]) -> set[int]:
        """Return those of `targets` that are `parents` or in their past.

        One walk, newest first, and never below the lowest target that is still in question.
        """
        covered = covered_by(parents)
        direct = {parent.seq for parent in parents}
        found = {target for target in targets if target < covered or target in direct}
        left = set(targets) - found
        return found | self._walk(left, parents) if left else found

    def _walk(self, left: set[int], parents: Sequence[Known]) -> set[int]:
        before = self.walked
        ordered = sorted(left)
        covers = {parent.seq: parent.covers for parent in parents}
        waiting = [-seq for seq in covers]
        heapq.heapify(waiting)
        found: set[int] = set()
        edges: dict[int, list[_Edge]] = {}
        met: int | None = None
        while waiting and ordered:
            seq = -heapq.heappop(waiting)
            self.walked += 1
            past = self._pasts.find(seq)
            if past is not None:
                reached = {target for target in ordered if target == seq or target in past}
            else:
                reached = set(ordered[: bisect_left(ordered, covers[seq])])
                reached |= {seq} & left
                if met is None and seq < self._size:
                    met = seq
            if reached:
                found |= reached
                left = left - reached
                ordered = [target for target in ordered if target in left]
            if not ordered or seq <= ordered[0]:
                break
            if past is not None:
                continue
            for parent, parent_covers in self._parents_of(seq, edges):
                if parent not in covers and parent >= ordered[0]:
                    covers[parent] = parent_covers
                    heapq.heappush(waiting, -parent)
        if met is not None and self.walked - before > PAST_AFTER:
            self._keep_past(met, covers[met])
        return found

    def _keep_past(self, leaf: int, covered: int) -> None:
        """Walk all the way down from a committed leaf, and keep what is in its past."""
        marked, below = bytearray(leaf // 8 + 1), 0
        waiting, seen = [-leaf], {leaf}
        edges: dict[int, list[_Edge]] = {}
        while waiting:
            seq = -heapq.heappop(waiting)
            if seq < covered:
                break
            self.walked += 1
            past = self._pasts.find(seq)
            if past is not None:
                below |= past.as_integer()
                continue
            for parent, parent_covers in self._parents_of(seq, edges):
                covered = max(covered, parent_covers)
                if parent not in seen:
                    seen.add(parent)
                    marked[parent // 8] |= 1 << parent % 8
                    heapq.heappush(waiting, -parent)
        below |= (1 << covered) - 1
        self._pasts.keep(leaf, below | int.from_bytes(marked, "little"))

    def _parents_of(self, seq: int, edges: dict[int, list[_Edge]]) -> list[_Edge]:
        if seq >= self._size:
            return self._added[seq - self._size]
        if seq not in edges:
            width = min(max(_EDGES_READ_FIRST, 2 * len(edges)), _EDGES_READ, seq + 1)
            edges.clear()
            self.walked += width
            edges.update(self._read_edges(seq - width + 1, seq))
        return edges[seq]

    def _read_edges(self, low: int, high: int) -> dict[int, list[_Edge]]:
        rows: dict[int, list[_Edge]] = {seq: [] for seq in range(low, high + 1)}
        edge, parent = tables.parent.c, tables.operation.c
        query = (
            select(edge.child, edge.parent, parent.covers)
            .join(tables.operation, parent.seq == edge.parent)
            .where(edge.child.between(low, high))
        )
        for child, seq, covers in self._connection.execute(query):
            rows[child].append((seq, covers))
        return rows


@dataclass(frozen=True, slots=True)
class Past:
    """The past of an operation that stands on these parents."""

    ancestry: Ancestry
    parents: Sequence[Known]

    def reached(self, targets: Collection[int]) -> set[int]:
        """Return those of these leaves that are in this past."""
        return self.ancestry.reached(targets, self.parents) if targets else set()
