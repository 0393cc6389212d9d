"""The counters from which statuses follow, and the cascade that keeps them exact both ways.

`bad[n]` counts what speaks against operation `n`: 1 if its own standing is wrong (no authority, a
revoked grant, …), 1 for each effective refutation that targets it, 1 for each thing it rests on
that is invalid. It is valid, and a refutation effective, exactly at zero. A step from 0 to 1 raises
the counters of what rests on it, a step back lowers them, so a restored operation restores exactly
what nothing else invalidates (S16), and a step costs what it changes.

A refutation acts on one older operation and depends on newer refutations only, so refutations are
settled first. Then what became valid lowers its descendants, then what became invalid raises its
own: each pass goes one way and touches an operation once. Nothing recurses.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from itertools import compress
from typing import Final, Protocol

from lodestamp.core.operations.graph.columns import Columns
from lodestamp.core.operations.graph.edges import INHERITS, Children
from lodestamp.core.operations.graph.status import (
    ATTESTATION,
    CLAIM,
    EVIDENCE,
    REFUTATION,
    Effects,
    Status,
)

_CARRIERS: Final = frozenset({EVIDENCE, CLAIM})
"""What claims and attestations rest on."""
_FALLEN: Final = 255
_INHERITED: Final = bytes(
    {CLAIM: Status.SOURCE_INVALID, ATTESTATION: Status.STALE}.get(kind, 0) for kind in range(256)
)
"""A translation of kinds: the status of one that only what it rests on makes invalid."""


class Sweep(Protocol):
    """The bulk form of a cascade over packed children."""

    def __call__(
        self,
        seeds: array[int],
        offsets: array[int],
        edges: array[int],
        bad: array[int],
        fallen: bytearray,
    ) -> None:
        """Raise the counters of everything below `seeds`, which became invalid just now.

        Each operation that becomes invalid raises `bad` of each of its children by one, the seeds
        too; those that become invalid, but not the seeds, are marked 255 in `fallen`.
        """


def sweep(
    seeds: array[int], offsets: array[int], edges: array[int], bad: array[int], fallen: bytearray
) -> None:
    """Do what `Sweep` says in plain Python, at a cost of what becomes invalid."""
    waiting = seeds.tolist()
    pop, push = waiting.pop, waiting.append
    while waiting:
        index = pop()
        for child in edges[offsets[index] : offsets[index + 1]]:
            count = bad[child]
            bad[child] = count + 1
            if not count:
                push(child)
                fallen[child] = _FALLEN


class Counters:
    """Counters and statuses of every operation in the columns."""

    def __init__(self, columns: Columns, children: Children) -> None:
        self.bad = array("I")
        self.base = bytearray()
        """The status each operation would have with no other: 0, 2, 3, 4 or 5."""
        self.hits: dict[int, int] = {}
        """How many effective refutations target an operation, where any does."""
        self.statuses = bytearray()
        self._acts = bytearray()
        self._columns = columns
        self._children = children
        self._before: dict[int, int] = {}
        self._restored: list[int] = []
        self._spoiled: list[int] = []

    def load(self, bases: Iterable[tuple[int, int]], bulk: Sweep) -> None:
        """Compute everything in one sweep; `bases` names the operations whose base is not 0."""
        columns, bad, hits = self._columns, self.bad, self.hits
        self._grow(len(columns))
        lacking = dict(bases)
        for index, base in lacking.items():
            self.base[index] = base
            bad[index] = 1
        kinds = columns.kinds
        for index in reversed(places(kinds, REFUTATION)):
            if not bad[index]:
                self._acts[index] = 1
                target = columns.sources_of(index)[0]
                hits[target] = hits.get(target, 0) + 1
                bad[target] += 1
        troubled = sorted(hits.keys() | lacking.keys())
        seeds = array("I", (n for n in troubled if kinds[n] in _CARRIERS))
        fallen = bytearray(len(columns))
        if seeds:
            bulk(seeds, *self._children.packed(), bad, fallen)
        self.statuses[:] = _masked(kinds.translate(_INHERITED), fallen)
        for index in troubled:
            self.statuses[index] = self.restate(index)

    def settle(self, bases: Iterable[tuple[int, int]], added: int | None = None) -> Effects:
        """Give operations their base status and let everything follow; return what changed.

        `added` is the newest operation, which has no counters yet.
        """
        flipped: list[int] = []
        if added is not None:
            self._grow(added + 1)
            self._before[added] = 0
            self.bad[added] = self._invalid_sources(added)
            if self._columns.kinds[added] == REFUTATION:
                flipped.append(added)
        for index, base in bases:
            if base != self.base[index]:
                self._note(index)
                step = (base != 0) - (self.base[index] != 0)
                self.base[index] = base
                self._bump(index, step, flipped)
        self._settle_refutations(flipped)
        self._settle_rest()
        return self._effects(added)

    def rehearse(self, index: int) -> Effects:
        """Return what one more effective refutation of an operation would change."""
        self._hit(index, 1)
        effects = self._effects(None)
        self._hit(index, -1)
        self._effects(None)
        return effects

    def is_effective(self, index: int) -> bool:
        """Tell whether a refutation has effect (S13)."""
        return self._acts[index] > 0

    def faults(self) -> int:
        """Return how many operations have something against themselves, at most."""
        return len(self.hits) + len(self.base) - self.base.count(0)

    def restate(self, index: int) -> int:
        """Return the status that the counters give an operation, the lowest layer first."""
        if not self.bad[index]:
            return Status.VALID
        base, kind = self.base[index], self._columns.kinds[index]
        if base == Status.UNAUTHORISED:
            return base
        if kind == REFUTATION:
            return Status.INEFFECTIVE
        if index in self.hits:
            return Status.REFUTED
        return base or (Status.STALE if kind == ATTESTATION else Status.SOURCE_INVALID)

    def _grow(self, size: int) -> None:
        more = size - len(self.bad)
        self.bad.frombytes(bytes(self.bad.itemsize * more))
        self.base += bytes(more)
        self.statuses += bytes(more)
        self._acts += bytes(more)

    def _invalid_sources(self, index: int) -> int:
        if not INHERITS[self._columns.kinds[index]]:
            return 0
        return sum(self.bad[source] > 0 for source in self._columns.sources_of(index))

    def _note(self, index: int) -> None:
        self._before.setdefault(index, self.statuses[index])

    def _bump(self, index: int, step: int, flipped: list[int]) -> None:
        self._note(index)
        self.bad[index] += step
        if self._columns.kinds[index] == REFUTATION:
            flipped.append(index)

    def _settle_refutations(self, flipped: list[int]) -> None:
        """Let each refutation whose effect turned act on its target, and so on down."""
        while flipped:
            index = flipped.pop()
            acts = not self.bad[index]
            if acts == self._acts[index]:
                continue
            self._acts[index] = acts
            self._strike(self._columns.sources_of(index)[0], 1 if acts else -1, flipped)

    def _strike(self, target: int, step: int, flipped: list[int]) -> None:
        """Count one effective refutation of an operation more or less."""
        count = self.hits.get(target, 0) + step
        if count:
            self.hits[target] = count
        else:
            del self.hits[target]
        self._bump(target, step, flipped)

    def _hit(self, target: int, step: int) -> None:
        flipped: list[int] = []
        self._strike(target, step, flipped)
        self._settle_refutations(flipped)
        self._settle_rest()

    def _settle_rest(self) -> None:
        """Cascade through claims and attestations: first what was restored, then what fell."""
        bad, kinds, statuses = self.bad, self._columns.kinds, self.statuses
        carriers = [index for index in self._before if kinds[index] in _CARRIERS]
        self._restore([n for n in carriers if not bad[n] and statuses[n]])
        self._spoil([n for n in carriers if bad[n] and not statuses[n]])
        for index in self._before:
            statuses[index] = self.restate(index)

    def _spoil(self, waiting: list[int]) -> None:
        bad, statuses, kinds, spoiled = self.bad, self.statuses, self._columns.kinds, self._spoiled
        children, offsets, edges, own = self._children.of, *self._children.parts()
        while waiting:
            index = waiting.pop()
            apart = index in own
            for child in children(index) if apart else edges[offsets[index] : offsets[index + 1]]:
                count = bad[child]
                bad[child] = count + 1
                if not count:
                    statuses[child] = _INHERITED[kinds[child]]
                    spoiled.append(child)
                    waiting.append(child)

    def _restore(self, waiting: list[int]) -> None:
        bad, statuses, restored = self.bad, self.statuses, self._restored
        children, offsets, edges, own = self._children.of, *self._children.parts()
        while waiting:
            index = waiting.pop()
            apart = index in own
            for child in children(index) if apart else edges[offsets[index] : offsets[index + 1]]:
                count = bad[child] - 1
                bad[child] = count
                if not count and statuses[child]:
                    statuses[child] = Status.VALID
                    restored.append(child)
                    waiting.append(child)

    def _effects(self, added: int | None) -> Effects:
        """Gather what changed since `settle` began, and forget it."""
        before, statuses = self._before, self.statuses
        noted = sorted(n for n, status in before.items() if statuses[n] != status or n == added)
        indices = array("I", sorted(self._moved() + noted))
        old = bytearray(len(indices))
        if self._restored:
            kinds = self._columns.kinds
            old[:] = bytes([0 if statuses[n] else _INHERITED[kinds[n]] for n in indices])
        for index in noted:
            old[bisect_left(indices, index)] = before[index]
        new = bytes(map(statuses.__getitem__, indices))
        self._before, self._restored, self._spoiled = {}, [], []
        return Effects(memoryview(indices), bytes(old), new, added, self._columns.op_id)

    def _moved(self) -> list[int]:
        """Return what a cascade changed, ascending: what fell or was restored, but not both."""
        moved: Collection[int] = self._restored or self._spoiled
        if self._restored and self._spoiled:
            moved = set(self._restored) ^ set(self._spoiled)
        if len(moved) < len(self.bad) // 16:
            return sorted(n for n in moved if n not in self._before)
        marks = bytearray(len(self.bad))
        for index in moved:
            marks[index] = 1
        for index in self._before:
            marks[index] = 0
        return list(compress(range(len(marks)), marks))


def _masked(statuses: bytes | bytearray, mask: bytearray) -> bytes:
    """Return the statuses where the mask is 255, else 0, as one operation on two long numbers."""
    both = int.from_bytes(statuses, "little") & int.from_bytes(mask, "little")
    return both.to_bytes(len(mask), "little")


def places(kinds: bytes | bytearray, kind: int) -> list[int]:
    """Return the leaves of one kind, ascending."""
    found = []
    index = kinds.find(kind)
    while index >= 0:
        found.append(index)
        index = kinds.find(kind, index + 1)
    return found
