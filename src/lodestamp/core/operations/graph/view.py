"""A view: operations, their positions and the roots, from which every status follows (S1).

The small pure form of a log, for tests, for delegates, for whoever holds a handful of operations
and no database.

>>> from lodestamp.core.keys import SigningKey
>>> from lodestamp.core.operations import build_op, claim, evidence
>>> me = SigningKey.from_seed("ed25519", bytes(32))
>>> seen = evidence(source="calendar", kind="event", content={}, captured_at=0)
>>> first = build_op(me, "laptop", "evidence", seen, (), 0)
>>> said = claim(
...     subject="me", predicate="meets", object="Ada", confidence_bp=9_000,
...     derived_from=[first.op_id], deriver="reader/1", rationale="the invitation",
... )
>>> second = build_op(me, "laptop", "claim", said, [first.op_id], 1)
>>> View([second, first], {}, [me.key_id]).status(second.op_id).name
'VALID'
>>> View([first, second], {}, []).status(second.op_id).name
'UNAUTHORISED'
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from lodestamp.core.encoding import Digest
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.columns import Placed, Position, Rows
from lodestamp.core.operations.graph.graph import ProvenanceGraph
from lodestamp.core.operations.graph.status import Status
from lodestamp.errors import CausalError


class MemorySource:
    """A `GraphSource` that holds nothing: whatever is added to its graph stays in the graph."""

    def rows(self, after: int) -> Iterator[Rows]:  # noqa: ARG002  it has none from anywhere on
        """Yield nothing."""
        return iter(())

    def index_of(self, digest: Digest) -> int | None:  # noqa: ARG002
        """Return None."""
        return None

    def operation(self, index: int) -> Operation | None:  # noqa: ARG002
        """Return None."""
        return None

    def attested_under(self, index: int) -> str | None:  # noqa: ARG002
        """Return None."""
        return None

    def placed(self) -> Iterator[Placed]:
        """Yield nothing."""
        return iter(())


class View:
    """A set of operations closed under `prev`, in any order, with what decides their state.

    CausalError when a parent is missing, RecordError as `ProvenanceGraph.add`.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        positions: Mapping[str, Position],
        roots: Iterable[str],
    ) -> None:
        self.graph: ProvenanceGraph = ProvenanceGraph.load(MemorySource(), roots=roots)
        for op in in_order(operations):
            self.graph.add(op)
        placed = ((self.graph.index_of(op_id), where) for op_id, where in positions.items())
        for index, position in sorted(placed, key=lambda each: each[1]):
            self.graph.place(Placed(index, 1, position))

    def status(self, op_id: str) -> Status:
        """Return the status of an operation; CausalError when the view does not hold it."""
        return self.graph.status(op_id)

    def digest(self) -> Digest:
        """Return the state digest."""
        return self.graph.digest()


def in_order(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield operations so that parents come first, ties by id, each once (N4).

    CausalError when the operations are not closed under `prev`.
    """
    waiting = {op.op_id: op for op in operations}
    missing = {parent for op in waiting.values() for parent in op.prev} - waiting.keys()
    if missing:
        raise CausalError(f"{len(missing)} parents are missing", missing=tuple(sorted(missing)))
    blocked = {op_id: len(op.prev) for op_id, op in waiting.items()}
    children: dict[str, list[str]] = {}
    for op in waiting.values():
        for parent in op.prev:
            children.setdefault(parent, []).append(op.op_id)
    ready = [op_id for op_id, count in blocked.items() if not count]
    heapq.heapify(ready)
    while ready:
        op_id = heapq.heappop(ready)
        yield waiting[op_id]
        for child in children.get(op_id, ()):
            blocked[child] -= 1
            if not blocked[child]:
                heapq.heappush(ready, child)
