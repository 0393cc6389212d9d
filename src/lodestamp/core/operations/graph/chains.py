"""An author on a node writes a chain; who writes two is an equivocator (operations spec S7).

In version 2 the chain is the row of sequence numbers: one number twice is a fork. In version 1 it
is the past: of any two operations one must have the other in its past. The operations with which a
fork begins stay as they are, and two of them are its proof. All that the chain says later lacks
authority, until a root confirms which operation to keep: then what leads to that operation counts,
and what continues from it, as far as that part of the chain does not fork again.

The chains of the two envelope versions are apart, and nothing here depends on who saw what first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, KeysView, Sequence

from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.columns import Chain, Columns


class Chains:
    """Every chain of a log, and those that fork."""

    def __init__(self, columns: Columns, ancestry: Ancestry) -> None:
        self._columns = columns
        self._ancestry = ancestry
        self._tips: dict[int, int] = {}
        self._forked: dict[int, array[int]] = {}
        self._starts: dict[int, tuple[list[int], Sequence[int]]] = {}
        """Of a forked chain what it forks with, and the part before that."""

    def observe(self, index: int) -> int | None:
        """Note the next operation; return its chain's number when that chain forks."""
        columns = self._columns
        chain = columns.chains[index]
        if chain in self._forked:
            self._forked[chain].append(index)
            return chain
        tip = self._tips.get(chain)
        self._tips[chain] = index
        if tip is None or self._follows(chain, tip, index):
            return None
        chains = columns.chains
        self._forked[chain] = array("I", (n for n in range(index + 1) if chains[n] == chain))
        return chain

    def observe_all(self) -> None:
        """Note every operation of the columns at once."""
        columns = self._columns
        chains, parents, ends, seqs = (
            columns.chains, columns.parents, columns.parent_ends, columns.seqs,
        )  # fmt: skip
        versions = [chain.version for chain in columns.chain_table]
        tips = self._tips
        for index, chain in enumerate(chains):
            tip = tips.get(chain)
            tips[chain] = index
            if tip is None:
                continue
            if versions[chain] == 2:
                if seqs[index] == seqs[tip] + 1:
                    continue
            elif tip in parents[ends[index] : ends[index + 1]] or self._follows(chain, tip, index):
                continue
            self._forked.setdefault(chain, array("I"))
        for chain, members in self._forked.items():
            members.extend(n for n in range(len(chains)) if chains[n] == chain)

    @property
    def forked(self) -> KeysView[int]:
        """The numbers of the chains that fork."""
        return self._forked.keys()

    def members(self, chain: int) -> Sequence[int]:
        """Return the operations of a chain that forks, ascending."""
        return self._forked[chain]

    def fork(self, chain: int) -> list[int]:
        """Return the operations with which a chain forks: any two of them are the proof."""
        return self._fork(chain, self._forked[chain])

    def joins(self, chain: int, index: int) -> bool | None:
        """Tell how the newest operation joins a fork without moving it.

        True: it comes later. False: it is one more operation to begin at that place. None: the
        chain forks elsewhere now.
        """
        if chain not in self._starts:
            members = self._forked[chain][:-1]
            start = self._fork(chain, members)
            if not start:
                return None
            self._starts[chain] = start, members[: bisect_left(members, start[0])]
        start, trunk = self._starts[chain]
        if self._columns.chain_table[chain].version == 2:
            step = self._columns.seqs[index] - self._columns.seqs[start[0]]
            joined = None if step < 0 else step > 0
        elif trunk and not self._ancestry.precedes(trunk[-1], index):
            joined = None
        else:
            joined = any(self._ancestry.precedes(other, index) for other in start)
        if joined is False:
            start.append(index)
        elif joined is None:
            del self._starts[chain]
        return joined

    def with_seq(self, chain: Chain, seq: int) -> list[int]:
        """Return the operations of a chain that have this sequence number."""
        columns = self._columns
        number = columns.number_of(chain)
        if number is None:
            return []
        tip = self._tips[number]
        if number not in self._forked and columns.seqs[tip] == seq:
            return [tip]
        rows = enumerate(zip(columns.chains, columns.seqs, strict=True))
        return [index for index, row in rows if row == (number, seq)]

    def barred(
        self, chain: int, keeps: Iterable[int], among: Callable[[int], bool] | None = None
    ) -> set[int]:
        """Return the operations of a forked chain without authority, `keeps` being confirmed.

        `among` restricts the chain to the operations that some view holds.
        """
        members: Sequence[int] = self._forked.get(chain, ())
        if among is not None:
            members = [index for index in members if among(index)]
        barred = self._later(chain, members)
        precedes = self._ancestry.precedes
        for keep in keeps if barred else ():
            following = [keep, *(index for index in members if precedes(keep, index))]
            stopped = self._later(chain, following)
            barred -= set(following) - stopped
            barred -= {index for index in barred if precedes(index, keep)}
        return barred

    def _follows(self, chain: int, tip: int, index: int) -> bool:
        if self._columns.chain_table[chain].version == 2:
            return self._columns.seqs[index] == self._columns.seqs[tip] + 1
        return self._ancestry.precedes(tip, index)

    def _later(self, chain: int, members: Sequence[int]) -> set[int]:
        fork = self._fork(chain, members)
        if not fork:
            return set()
        if self._columns.chain_table[chain].version == 2:
            seqs = self._columns.seqs
            return {index for index in members if seqs[index] > seqs[fork[0]]}
        precedes = self._ancestry.precedes
        rest = (index for index in members if index > fork[0] and index not in fork)
        return {index for index in rest if any(precedes(start, index) for start in fork)}

    def _fork(self, chain: int, members: Sequence[int]) -> list[int]:
        if self._columns.chain_table[chain].version == 2:
            return self._double_seq(members)
        return self._first_branches(members)

    def _double_seq(self, members: Sequence[int]) -> list[int]:
        seqs = self._columns.seqs
        at: dict[int, list[int]] = {}
        for index in members:
            at.setdefault(seqs[index], []).append(index)
        doubled = [seq for seq, found in at.items() if len(found) > 1]
        return at[min(doubled)] if doubled else []

    def _first_branches(self, members: Sequence[int]) -> list[int]:
        """Return the least operations after the part that everything else has in its past."""
        precedes = self._ancestry.precedes
        trunk = 0
        while trunk + 1 < len(members) and precedes(members[trunk], members[trunk + 1]):
            trunk += 1
        if trunk + 1 >= len(members):
            return []
        shared = trunk + 1
        for index in members[trunk + 1 :]:
            # what `index` has of the trunk is a beginning of it, for the trunk is one line
            shared = self._shared(members, shared, index)
        branches: list[int] = []
        for index in members[shared:]:
            if not any(precedes(branch, index) for branch in branches):
                branches.append(index)
        return branches

    def _shared(self, trunk: Sequence[int], length: int, index: int) -> int:
        """Return how much of the trunk is in the past of an operation."""
        precedes = self._ancestry.precedes
        return bisect_left(range(length), True, key=lambda at: not precedes(trunk[at], index))
