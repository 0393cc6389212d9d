"""What a judgement may look at: the whole view, or only the past of one operation.

The whole view has positions from the ledger. The past of an operation is what its author could have
known, so it is judged by causal order alone and never changes.
"""

from __future__ import annotations

from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.columns import Position
from lodestamp.core.operations.graph.positions import Positions


class Horizon:
    """The whole view, or with `end` the past of the operation at that leaf."""

    def __init__(self, ancestry: Ancestry, positions: Positions, end: int | None = None) -> None:
        self._ancestry = ancestry
        self._positions = positions
        self.end = end

    def before(self, end: int) -> Horizon:
        """Return the past of the operation at leaf `end`."""
        return Horizon(self._ancestry, self._positions, end)

    def holds(self, index: int) -> bool:
        """Tell whether this horizon has the operation at a leaf."""
        return self.end is None or self._ancestry.precedes(index, self.end)

    def position(self, index: int) -> Position | None:
        """Return where the ledger placed an operation, if that counts here."""
        return self._positions.of(index) if self.end is None else None

    def precedes(self, a: int, b: int) -> bool:
        """Tell whether one operation is in the past of another."""
        return self._ancestry.precedes(a, b)

    def acts(self, event: int, on: int) -> bool:
        """Tell whether an event acts on an operation: from its past, or placed before it (K9)."""
        return self._ancestry.precedes(event, on) or self._placed_before(event, on)

    def is_revoked(self, index: int, by: int) -> bool:
        """Tell whether a revocation counts against an operation (S31).

        It does from the operation's past, and concurrently unless the ledger placed it later.
        """
        if self._ancestry.precedes(by, index):
            return True
        if self._ancestry.precedes(index, by):
            return False
        return not self._placed_before(index, by)

    def _placed_before(self, a: int, b: int) -> bool:
        return self.end is None and self._positions.before(a, b)
