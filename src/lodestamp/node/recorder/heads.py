"""The DAG heads, kept in memory between transactions (operations spec S5).

A log that took in strangers may have ten thousands of heads, so a transaction neither reads nor
copies them all: it notes what it changes, and the change is adopted once it has committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, insert, select

from lodestamp.node.recorder import tables
from lodestamp.node.recorder.known import LOOKUP_WIDTH, Known, as_known, known_rows


class Heads:
    """Operations that are nobody's `prev`, in log order, as of the first `size` leaves."""

    def __init__(self) -> None:
        self._heads: dict[int, Known] = {}
        self._size = 0

    def catch_up(self, connection: Connection, size: int) -> None:
        """Take in what was committed since: by us, or by another process."""
        if size == self._size:
            return
        edge, head = tables.parent.c, tables.head.c
        gone = select(edge.parent).where(edge.child >= self._size, edge.parent < self._size)
        for (seq,) in connection.execute(gone):
            self._heads.pop(seq, None)
        new = (
            known_rows()
            .join(tables.head, head.seq == tables.operation.c.seq)
            .where(head.seq >= self._size)
            .order_by(head.seq)
        )
        for row in connection.execute(new):
            known = as_known(row)
            self._heads[known.seq] = known
        self._size = size

    def change(self) -> HeadsChange:
        """Return an empty change to the heads as they are now."""
        return HeadsChange(self._heads)

    def adopt(self, change: HeadsChange, size: int) -> None:
        """Make a committed change ours."""
        for seq in change.gone:
            del self._heads[seq]
        self._heads.update(change.new)
        self._size = size


class HeadsChange:
    """What one transaction does to the heads: `gone` of the old ones, `new` ones of its own."""

    def __init__(self, old: dict[int, Known]) -> None:
        self._old = old
        self.gone: set[int] = set()
        self.new: dict[int, Known] = {}

    def newest(self) -> Iterator[Known]:
        """Yield the heads, the newest first."""
        yield from reversed(self.new.values())
        for seq in reversed(self._old):
            if seq not in self.gone:
                yield self._old[seq]

    def __len__(self) -> int:
        return len(self._old) - len(self.gone) + len(self.new)

    def __contains__(self, seq: int) -> bool:
        return seq in self.new or (seq in self._old and seq not in self.gone)

    def put(self, known: Known, parents: Sequence[Known]) -> None:
        """Add an operation on top of its parents."""
        for parent in parents:
            if self.new.pop(parent.seq, None) is None and parent.seq in self._old:
                self.gone.add(parent.seq)
        self.new[known.seq] = known

    def write(self, connection: Connection) -> None:
        """Store the change."""
        gone = sorted(self.gone)
        for at in range(0, len(gone), LOOKUP_WIDTH):
            some = gone[at : at + LOOKUP_WIDTH]
            connection.execute(delete(tables.head).where(tables.head.c.seq.in_(some)))
        if self.new:
            connection.execute(insert(tables.head), [{"seq": seq} for seq in self.new])
