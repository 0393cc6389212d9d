"""Looking for what two logs have in common by asking about a few operations (operations spec Y1).

A log is closed under parents: who knows an operation knows its ancestors, and who lacks one lacks
its descendants. So each answer settles a whole part of the graph. The first question is dense among
the newest operations and sparse further down, the second is spread evenly over what is left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lodestamp.core.encoding import Digest
from lodestamp.node.recorder import Leaf


class CommonPast:
    """Our operations that the peer may lack, and what is known of each by now."""

    def __init__(self, leaves: Sequence[Leaf], parents: Mapping[int, Sequence[int]]) -> None:
        """Take candidates in log order, and the parents of each leaf."""
        self._leaves = {leaf.seq: leaf for leaf in leaves}
        self._seq_of = {leaf.digest: leaf.seq for leaf in leaves}
        self._parents = {
            seq: [each for each in parents.get(seq, ()) if each in self._leaves]
            for seq in self._leaves
        }
        self._held: dict[int, bool] = {}

    @property
    def uncertain(self) -> int:
        """How many operations are still open."""
        return len(self._leaves) - len(self._held)

    def first_sample(self, count: int) -> list[Digest]:
        """Choose operations at growing distances from the newest, by generation."""
        order = sorted(self._leaves.values(), key=lambda leaf: (leaf.generation, leaf.seq))
        if len(order) <= count:
            return [leaf.digest for leaf in order]
        ratio = len(order) ** (1 / count)
        places = {min(len(order), max(n + 1, round(ratio ** (n + 1)))) for n in range(count)}
        return [order[-place].digest for place in sorted(places)]

    def next_sample(self, count: int) -> list[Digest]:
        """Choose operations spread evenly over what is open, by generation."""
        open_ = [leaf for seq, leaf in self._leaves.items() if seq not in self._held]
        open_.sort(key=lambda leaf: (leaf.generation, leaf.seq))
        if len(open_) <= count:
            return [leaf.digest for leaf in open_]
        return [open_[n * len(open_) // count].digest for n in range(count)]

    def learn(self, asked: Iterable[Digest], unknown: Iterable[Digest]) -> None:
        """Take an answer: which of the operations asked about the peer does not know."""
        lacking = set(unknown)
        for digest in asked:
            self._held[self._seq_of[digest]] = digest not in lacking
        for seq in self._leaves:  # in log order: parents come first
            if any(self._held.get(parent) is False for parent in self._parents[seq]):
                self._held[seq] = False
        for seq in reversed(self._leaves):
            if self._held.get(seq):
                self._held.update(dict.fromkeys(self._parents[seq], True))

    def newest_common(self) -> list[Leaf]:
        """Return what the peer holds and none of whose children it is known to hold."""
        held = {seq for seq, yes in self._held.items() if yes}
        covered = {parent for seq in held for parent in self._parents[seq]}
        return [self._leaves[seq] for seq in sorted(held - covered, reverse=True)]
