"""The provenance graph: the state of a log, and the questions people ask of it.

It is not safe to share among threads: who owns it lets one thread in at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lodestamp.core.encoding import Digest, address_of_digest
from lodestamp.core.operations.attenuation import Decision
from lodestamp.core.operations.caps import Cap
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph import walks
from lodestamp.core.operations.graph.cascade import Sweep
from lodestamp.core.operations.graph.columns import GraphSource, Placed, Rows
from lodestamp.core.operations.graph.facts import Fact, facts
from lodestamp.core.operations.graph.service import allows
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import ATTESTATION, Effects, Why
from lodestamp.errors import UsageError

AS_OF_MAX: Final = 4
"""Past states kept at hand; each is a graph of its own."""


class ProvenanceGraph(State):
    """The state of a log with its history and its reasons. `load` makes one."""

    def __init__(self, source: GraphSource, roots: Iterable[str], bulk: Sweep) -> None:
        super().__init__(source, roots, bulk)
        self._past: dict[int, ProvenanceGraph] = {}

    def add(self, op: Operation) -> Effects:
        """Add the next operation, as `State.add` tells."""
        self._past.clear()
        return super().add(op)

    def place(self, placed: Placed) -> Effects:
        """Note positions, as `State.place` tells."""
        self._past.clear()
        return super().place(placed)

    def why(self, op_id: str) -> Why:
        """Explain a status (S19). The walk goes over invalid operations below this one only."""
        return walks.why(self, self.index_of(op_id))

    def cascade(self, op_id: str) -> Effects:
        """Tell what an effective refutation of this operation would change, changing nothing.

        UsageError ``not-refutable`` for what cannot be refuted (S15).
        """
        return walks.cascade(self, self.index_of(op_id))

    def sources(self, op_id: str, depth: int | None = None) -> list[str]:
        """Return what an operation rests on, nearest first, `depth` steps down or all the way."""
        return walks.reach(self, self.index_of(op_id), depth, self.columns.sources_of)

    def derived(self, op_id: str, depth: int | None = None) -> list[str]:
        """Return the claims and attestations that rest on an operation, nearest first."""
        return walks.reach(self, self.index_of(op_id), depth, self.children.of)

    def found_in(self, op_ids: Iterable[str]) -> dict[int, tuple[int, int]]:
        """Return what the bodies of these operations decide, by leaf: theirs and others' (S33).

        An attestation repeats its claim, and a refutation concerns what its target does; so what
        was found must be kept when such a body goes. The two numbers are those of `Rows.faults` and
        `Rows.attested`.
        """
        waiting = [index for index in map(self.find, op_ids) if index is not None]
        leaves = set(waiting)
        kinds, refuters = self.columns.kinds, self.authority.refuters
        while waiting:
            index = waiting.pop()
            readers = [each for each in self.children.of(index) if kinds[each] == ATTESTATION]
            fresh = {*readers, *refuters.get(index, ())} - leaves
            leaves |= fresh
            waiting += fresh
        return {leaf: self.authority.settle(leaf) for leaf in sorted(leaves)}

    def equivocations(self) -> list[tuple[Operation, ...]]:
        """Return for each forked chain the operations with which it forks (S7).

        Any two of them, signed as they are, prove that their author said two things at once.
        """
        return walks.equivocations(self)

    def clock_behind(self, op_id: str) -> bool:
        """Tell whether an operation's `ts` is over two minutes before one of its parents' (S9)."""
        return walks.clock_behind(self, self.index_of(op_id))

    def facts(self, subject: str, predicate: str | None = None) -> list[Fact]:
        """Return the valid claims about a subject that no user's own word supersedes (S20)."""
        return facts(self, subject, predicate)

    def edges(self, op_ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return the pairs among some operations of which the first rests on the second."""
        indices = sorted({self.index_of(op_id) for op_id in op_ids})
        held, name = set(indices), self.columns.op_id
        return [
            (name(index), name(source))
            for index in indices
            for source in self.columns.sources_of(index)
            if source in held
        ]

    def cap(self, cap_id: str) -> Cap | None:
        """Return the capability of this id, None when nothing grants it."""
        links = self.authority.grants.chain(cap_id)
        return links[0].cap if links else None

    def caps_below(self, cap_id: str) -> list[str]:
        """Return the ids of the capabilities that were cut from one, and from those, ascending."""
        return sorted(self.authority.grants.below(cap_id) - {cap_id})

    def unnoticed(self, cap_id: str) -> list[tuple[str, str]]:
        """Return attestations under a capability of which the newest notice is no longer true.

        With each what a notice would say now: ``stale`` or ``restored`` (S26).
        """
        return walks.unnoticed(self, self.authority.grants.of(cap_id).attestations)

    def allows(self, cap_id: str, command: str, at: int) -> Decision:
        """Decide whether a capability allows a command at a time (Unix seconds), as things stand.

        Every link must have a grant that is valid. CapError's codes; who asks is for the caller.
        """
        return allows(self, cap_id, command, at)

    def as_of(self, tree_size: int) -> ProvenanceGraph:
        """Return the state over the first `tree_size` leaves, with the positions known by now.

        Computed by a sweep; the last four are kept. UsageError beyond the log.
        """
        if not 0 <= tree_size <= len(self):
            raise UsageError(f"the log has {len(self)} operations, not {tree_size}")
        past = self._past.pop(tree_size, None)
        if past is None:
            past = ProvenanceGraph.load(_Prefix(self, tree_size), roots=self.roots, bulk=self.bulk)
        self._past[tree_size] = past
        if len(self._past) > AS_OF_MAX:
            del self._past[next(iter(self._past))]
        return past


class _Prefix:
    """The first operations of a graph, as the source of another."""

    def __init__(self, graph: ProvenanceGraph, size: int) -> None:
        self._graph = graph
        self._size = size

    def rows(self, after: int) -> Iterator[Rows]:
        yield self._graph.columns.rows(after, self._size)

    def index_of(self, digest: Digest) -> int | None:
        return self._graph.find(address_of_digest(digest))

    def operation(self, index: int) -> Operation | None:
        return self._graph.operation(index)

    def attested_under(self, index: int) -> str | None:
        return self._graph.authority.named(index)

    def placed(self) -> Iterator[Placed]:
        for first, length, position in self._graph.authority.positions:
            if first < self._size:
                yield Placed(first, min(length, self._size - first), position)
