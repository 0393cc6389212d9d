"""Who is in whose past: ancestor queries over `prev`.

Leaf indices are a topological order, so a walk down from `b` in search of `a` never looks below
`a`. Besides, each operation has a *floor*: every leaf below it is in its past, or is itself. Logs
merge all heads as they grow (S5), so floors run close behind and most queries are one comparison;
else the walk ends at the first operation whose floor is above `a`. What is walked is then bounded
by how many operations were made concurrently, not by the length of the log.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from lodestamp.core.operations.graph.columns import Columns

_MERGE_WALK: Final = 256
"""Operations looked at to raise the floor of one merge; a lower floor is still a true one."""


class Ancestry:
    """Ancestor queries over columns that only grow. Floors are computed when first asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._floors = array("I")

    def precedes(self, a: int, b: int) -> bool:
        """Tell whether the operation at leaf `a` is in the past of that at `b`, itself excluded."""
        if a >= b:
            return False
        self._extend(b + 1)
        floors = self._floors
        if a < floors[b]:
            return True
        columns, seen, waiting = self._columns, {b}, [b]
        while waiting:
            for parent in columns.parents_of(waiting.pop()):
                if parent == a or (parent > a and a < floors[parent]):
                    return True
                if parent > a and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def past(self, index: int) -> bytearray:
        """Return a mark for each leaf up to `index`: 1 in its past, itself included."""
        marks = bytearray(index + 1)
        marks[index] = 1
        waiting = [index]
        while waiting:
            for parent in self._columns.parents_of(waiting.pop()):
                if not marks[parent]:
                    marks[parent] = 1
                    waiting.append(parent)
        return marks

    def future(self, seeds: Iterable[int]) -> bytearray:
        """Return a mark for each leaf of the log: 1 when a seed is in its past; cost O(log)."""
        columns, size = self._columns, len(self._columns)
        roots = set(seeds)
        marks = bytearray(size)
        ends, parents = columns.parent_ends, columns.parents
        for index in range(min(roots, default=size), size):
            for parent in parents[ends[index] : ends[index + 1]]:
                if marks[parent] or parent in roots:
                    marks[index] = 1
                    break
        return marks

    def _extend(self, size: int) -> None:
        floors, columns = self._floors, self._columns
        ends, parents = columns.parent_ends, columns.parents
        for index in range(len(floors), size):
            start, end = ends[index], ends[index + 1]
            if end - start == 1:
                floor = floors[parents[start]]
            elif start == end:
                floor = 0
            else:
                floor = self._merged(parents[start:end])
            floors.append(floor + 1 if floor == index else floor)

    def _merged(self, parents: array[int]) -> int:
        """Return the floor that several parents have together: all they cover between them."""
        floors, columns = self._floors, self._columns
        floor = max(floors[parent] for parent in parents)
        seen = {parent for parent in parents if parent >= floor}
        waiting = list(seen)
        while waiting and len(seen) < _MERGE_WALK:
            for parent in columns.parents_of(waiting.pop()):
                if parent >= floor and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        while floor in seen:
            floor += 1
        return floor
