"""The state of a log: every operation's status, kept exact as operations arrive.

`State.load` sweeps a whole log, `add` changes what one more operation changes. Both give the same
statuses in whatever order the operations came (S1): a status is a function of the operations, of
the positions the ledger gave them, and of the roots.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Self

from lodestamp.core.encoding import Digest, digest_of_address
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.admission import check_admission
from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.authority import Authority
from lodestamp.core.operations.graph.cascade import Counters, Sweep, sweep
from lodestamp.core.operations.graph.columns import Columns, GraphSource, Placed
from lodestamp.core.operations.graph.edges import Children
from lodestamp.core.operations.graph.reach import Reach
from lodestamp.core.operations.graph.status import REVOCATION, Effects, Status
from lodestamp.core.operations.limits import PREV_MAX
from lodestamp.errors import CausalError, UsageError

LOOKUPS_MAX: Final = 65_536
"""Ids whose leaf index is remembered; the store's unique index answers for the rest."""


class State:
    """Operations and their statuses. `load` makes one."""

    def __init__(self, source: GraphSource, roots: Iterable[str], bulk: Sweep) -> None:
        self.source = source
        self.roots = frozenset(roots)
        self.columns = Columns()
        self.children = Children(self.columns)
        self.ancestry = Ancestry(self.columns)
        self.counters = Counters(self.columns, self.children)
        self.authority = Authority(
            self.columns, self.ancestry, self._read, source.attested_under, self.roots
        )
        self._reach = Reach(self.columns, self.authority)
        self.bulk = bulk
        self._heads: set[int] = set()
        self._fresh: dict[Digest, Operation] = {}
        self._fresh_at: dict[Digest, int] = {}
        self._lookup = lru_cache(LOOKUPS_MAX)(self._look_up)

    @classmethod
    def load(cls, source: GraphSource, *, roots: Iterable[str] = (), bulk: Sweep = sweep) -> Self:
        """Read a whole log and compute every status in one sweep.

        `roots` are the key ids (for ever) and DIDs (as their keys rotate) that the log's owner
        pins. EncodingError ``bad-rows`` when the source's columns do not fit one another.
        """
        graph = cls(source, roots, bulk)
        for rows in source.rows(0):
            graph.columns.extend(rows)
        graph._compute(source.placed())
        return graph

    def __len__(self) -> int:
        return len(self.columns)

    # Growing

    def add(self, op: Operation) -> Effects:
        """Add the next operation of the log; return everything that changed, itself included.

        One that is there already changes nothing (S4). CausalError when a parent or a reference is
        missing (S2, S8); RecordError as `check_admission` tells. Nothing changes then. Its
        signature is not checked here: that is `verify_op`.
        """
        if self.find(op.op_id) is not None:
            return self.counters.settle(())
        parents, sources = check_admission(op, self)
        index = self.columns.append(op, parents, sources)
        self._fresh[op.digest], self._fresh_at[op.digest] = op, index
        self._heads.difference_update(parents)
        self._heads.add(index)
        self.children.add(index)
        self.authority.note(index, op)
        forked = self.authority.observe(index)
        if forked is None and self.columns.kinds[index] == REVOCATION:
            if self.authority.decides(index):
                self.authority.revoke(index)
        elif forked is not None or self.authority.decides(index):
            self.authority.forget()
        return self._judge(self._reach.of_operation(index, forked), index)

    def place(self, placed: Placed) -> Effects:
        """Note positions that the ledger gave to a run of operations; return what changed."""
        if placed.length < 0 or not 0 <= placed.first <= len(self) - placed.length:
            raise UsageError(f"the graph has {len(self)} operations, not those to be placed")
        gaps = self.authority.positions.add(placed)
        self.authority.forget()
        return self._judge(self._reach.of_positions(gaps), None)

    def settled(self) -> None:
        """Forget the bodies of operations that the source holds by now."""
        for digest in [each for each in self._fresh if self.source.index_of(each) is not None]:
            del self._fresh[digest], self._fresh_at[digest]

    # Asking

    def find(self, op_id: str) -> int | None:
        """Return the leaf index of an operation; EncodingError when `op_id` is none."""
        digest = digest_of_address(op_id)
        if digest in self._fresh_at:
            return self._fresh_at[digest]
        try:
            return self._lookup(digest)
        except CausalError:
            return None

    def index_of(self, op_id: str) -> int:
        """Return the leaf index of an operation; CausalError when the graph does not hold it."""
        index = self.find(op_id)
        if index is None:
            raise CausalError(f"the graph does not hold {op_id}", missing=(op_id,))
        return index

    def operation(self, index: int) -> Operation | None:
        """Return the operation at a leaf; None when its body was purged."""
        return self._read(index)

    def status(self, op_id: str) -> Status:
        """Return the status of an operation; CausalError when the graph does not hold it."""
        return Status(self.counters.statuses[self.index_of(op_id)])

    def statuses(self) -> memoryview:
        """Return the status byte of every operation, in log order."""
        return memoryview(bytes(self.counters.statuses))

    def heads(self) -> list[str]:
        """Return the ids that nobody's `prev` names, newest first (S5)."""
        return [self.columns.op_id(index) for index in sorted(self._heads, reverse=True)]

    def next_prev(self) -> list[str]:
        """Return what a new operation names as `prev`: at most 32 heads, newest first (S5)."""
        return self.heads()[:PREV_MAX]

    def digest(self) -> Digest:
        """Return the state digest: the root over digest and status, ascending by digest."""
        return root(leaf_hashes(self.leaves()))

    def leaves(self) -> list[bytes]:
        """Return the 33 bytes of each leaf of the state digest, ascending."""
        digests, statuses = bytes(self.columns.digests), self.counters.statuses
        return sorted(
            digests[32 * index : 32 * index + 32] + bytes((status,))
            for index, status in enumerate(statuses)
        )

    def _compute(self, placed: Iterable[Placed]) -> None:
        columns, authority = self.columns, self.authority
        for each in placed:
            authority.positions.add(each)
        authority.note_all()
        named = bytearray(len(columns))
        for parent in columns.parents:
            named[parent] = 1
        self._heads = {index for index, seen in enumerate(named) if not seen}
        judged = ((index, authority.judge(index)[0]) for index in self._reach.delicate())
        self.counters.load([(index, base) for index, base in judged if base], self.bulk)

    def _judge(self, indices: list[int], added: int | None) -> Effects:
        bases = [(index, self.authority.judge(index)[0]) for index in indices]
        return self.counters.settle(bases, added)

    def _look_up(self, digest: Digest) -> int:
        index = self.source.index_of(digest)
        if index is None or index >= len(self):
            raise CausalError("not held")
        return index

    def _read(self, index: int) -> Operation | None:
        digest = Digest(bytes(self.columns.digests[32 * index : 32 * index + 32]))
        return self._fresh.get(digest) or self.source.operation(index)
