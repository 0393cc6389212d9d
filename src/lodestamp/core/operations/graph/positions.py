"""Where the ledger finalised operations: positions, kept by runs, as checkpoints give them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

from lodestamp.core.operations.graph.columns import Placed, Position


class Positions:
    """The position of each operation that has one. They are only added, never changed (N7)."""

    def __init__(self) -> None:
        self._runs: list[Placed] = []

    def __iter__(self) -> Iterator[Placed]:
        return iter(self._runs)

    def of(self, index: int) -> Position | None:
        """Return where the operation at this leaf was finalised, if it was."""
        at = bisect_right(self._runs, index, key=attrgetter("first")) - 1
        if at < 0:
            return None
        first, length, position = self._runs[at]
        if index >= first + length:
            return None
        return position._replace(leaf_index=position.leaf_index + index - first)

    def add(self, placed: Placed) -> list[range]:
        """Give a run of operations their positions; return the leaves that had none before.

        An operation keeps the position it has: the ledger grows, so a later one is greater.
        """
        gaps = list(self._gaps(placed.first, placed.first + placed.length))
        for gap in gaps:
            leaf_index = placed.position.leaf_index + gap.start - placed.first
            position = placed.position._replace(leaf_index=leaf_index)
            self._runs.append(Placed(gap.start, len(gap), position))
        self._runs.sort(key=attrgetter("first"))
        return gaps

    def before(self, a: int, b: int) -> bool:
        """Tell whether both operations have a position and the first has the smaller one."""
        one, other = self.of(a), self.of(b)
        return one is not None and other is not None and one[:3] < other[:3]

    def _gaps(self, start: int, stop: int) -> Iterator[range]:
        at = bisect_right(self._runs, start, key=attrgetter("first")) - 1
        for first, length, _position in self._runs[max(at, 0) :]:
            if first >= stop:
                break
            if start < first:
                yield range(start, first)
            start = max(start, first + length)
        if start < stop:
            yield range(start, stop)
