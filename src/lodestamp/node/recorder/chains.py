"""The chain of each author and node: sequence numbers, and contradictions (rules V2, S7).

In version 2 an operation carries its place, and the one before it must be in its past. Two at one
place are an equivocation. A version 1 operation carries none: there, two of which neither is in
the other's past are one. Both stay in the log; the contradiction is recorded with the second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import Connection, Table, insert, literal, select

from lodestamp.core.operations import Operation
from lodestamp.errors import RecordError
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.ancestry import Ancestry, covered_by
from lodestamp.node.recorder.known import LOOKUP_WIDTH, Known

_MEMBERS_READ_FIRST: Final = 8
_MEMBERS_READ: Final = 1_000
"""Members of a chain that are held against a walk at once, oldest first; few at first, for most
forks begin early."""


class Interned:
    """Texts that have a number in a table: authors, or node labels."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection = connection
        self._table = table
        self._ids: dict[str, int | None] = {}
        self._new: set[int] = set()

    def look_up(self, texts: Iterable[str]) -> None:
        """Read the numbers these texts have, if they have one."""
        wanted = sorted(set(texts) - self._ids.keys())
        column = self._table.c
        self._ids.update(dict.fromkeys(wanted))
        for at in range(0, len(wanted), LOOKUP_WIDTH):
            query = select(column.text, column.id).where(
                column.text.in_(wanted[at : at + LOOKUP_WIDTH])
            )
            for text, number in self._connection.execute(query):
                self._ids[text] = number

    def find(self, text: str) -> int | None:
        """Return the text's number, if it has one."""
        if text not in self._ids:
            self.look_up((text,))
        return self._ids[text]

    def number(self, text: str) -> int:
        """Return the text's number, given now if it had none."""
        number = self.find(text)
        if number is None:
            added = insert(self._table).values(text=text).returning(self._table.c.id)
            number = self._ids[text] = self._connection.execute(added).scalar_one()
            self._new.add(number)
        return number

    def is_new(self, number: int) -> bool:
        """Tell whether this transaction gave the number: the log has nothing under it."""
        return number in self._new


class ChainKey(NamedTuple):
    """The numbers of an author and a node label."""

    author_id: int
    node_id: int


@dataclass(slots=True)
class _Chain:
    """What this transaction knows of one chain, the log's part and its own."""

    read: set[int] = field(default_factory=set)
    places: dict[int, list[int]] = field(default_factory=dict)
    last: tuple[int, int] | None = None
    last_read: bool = False
    is_new: bool = False
    tip: int | None = None
    tip_read: bool = False
    forked: bool = False
    members: list[int] = field(default_factory=list)
    """Version 1 leaves of this transaction."""
    beside: dict[int, int | None] = field(default_factory=dict)
    """What each of them contradicts, if it does."""


class Chains:
    """The chains that a transaction's operations belong to."""

    def __init__(self, connection: Connection, ancestry: Ancestry) -> None:
        self._connection = connection
        self._ancestry = ancestry
        self._chains: dict[ChainKey, _Chain] = {}

    def look_up(self, wanted: Iterable[tuple[ChainKey, int]]) -> None:
        """Read the places of version 2 chains that these places will be held against."""
        places: dict[ChainKey, set[int]] = {}
        for key, place in wanted:
            places.setdefault(key, set()).update((place - 1, place) if place else (place,))
        for key, some in places.items():
            self._read_places(key, self._chain(key), some)

    def next_place(self, key: ChainKey) -> tuple[int, int | None]:
        """Return the next free place of a chain of ours, and the leaf of the one before it."""
        chain = self._chain(key)
        if not chain.last_read:
            self._read_last(key, chain)
        if chain.last is None:
            return 0, None
        place, seq = chain.last
        return place + 1, seq

    def begin(self, key: ChainKey) -> None:
        """Say that the log holds nothing of a chain, which so need not be read."""
        chain = self._chain(key)
        chain.is_new = chain.last_read = chain.tip_read = True

    def check_place(self, key: ChainKey, op: Operation, parents: list[Known]) -> None:
        """Refuse a version 2 operation whose predecessor is not in its past: ``seq-gap``."""
        if not op.seq:
            return
        before = self._at(key, op.seq - 1)
        if not before or not self._ancestry.reached(before, parents):
            raise RecordError(
                f"{op.op_id} is number {op.seq} of its chain, but number {op.seq - 1} is not in its"
                " past",
                code="seq-gap",
                hint="a chain is handed in without gaps, the older operations first",
            )

    def put(self, key: ChainKey, op: Operation, known: Known, parents: list[Known]) -> int | None:
        """Add an accepted operation; return the leaf it contradicts, if it does (S7)."""
        chain = self._chain(key)
        if op.seq is not None:
            rivals = self._at(key, op.seq)
            rivals.append(known.seq)
            if chain.last_read and (chain.last is None or op.seq > chain.last[0]):
                chain.last = (op.seq, known.seq)
            return rivals[0] if len(rivals) > 1 else None
        self._read_tip(key, chain)
        beside = self._first_beside(key, chain, parents)
        chain.forked |= beside is not None
        chain.tip = known.seq
        chain.members.append(known.seq)
        chain.beside[known.seq] = beside
        return beside

    def _chain(self, key: ChainKey) -> _Chain:
        return self._chains.setdefault(key, _Chain())

    def _at(self, key: ChainKey, place: int) -> list[int]:
        chain = self._chain(key)
        if place not in chain.read:
            self._read_places(key, chain, {place})
        return chain.places.setdefault(place, [])

    def _read_places(self, key: ChainKey, chain: _Chain, places: set[int]) -> None:
        if chain.is_new or places <= chain.read:
            return
        wanted = sorted(places - chain.read)
        chain.read |= places
        column = tables.operation.c
        for at in range(0, len(wanted), LOOKUP_WIDTH):
            query = (
                select(column.author_seq, column.seq)
                .where(column.author_id == key.author_id, column.node_id == key.node_id)
                .where(column.author_seq.in_(wanted[at : at + LOOKUP_WIDTH]))
                .order_by(column.seq)
            )
            stored: dict[int, list[int]] = {}
            for place, seq in self._connection.execute(query):
                stored.setdefault(place, []).append(seq)
            chain.places.update(stored)

    def _read_last(self, key: ChainKey, chain: _Chain) -> None:
        column = tables.operation.c
        query = (
            select(column.author_seq, column.seq)
            .where(column.author_id == key.author_id, column.node_id == key.node_id)
            .where(column.author_seq.is_not(None))
            .order_by(column.author_seq.desc(), column.seq)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        stored = [] if row is None else [(row.author_seq, -row.seq)]
        added = [(place, -seqs[0]) for place, seqs in chain.places.items() if seqs]
        if stored or added:
            place, seq = max(stored + added)
            chain.last = (place, -seq)
        chain.last_read = True

    def _read_tip(self, key: ChainKey, chain: _Chain) -> None:
        if chain.tip_read:
            return
        chain.tip_read = True
        column, row = tables.operation.c, tables.equivocation.c
        newest = (
            select(column.seq)
            .where(column.author_id == key.author_id, column.node_id == key.node_id)
            .where(column.author_seq.is_(None))
            .order_by(column.seq.desc())
            .limit(1)
        )
        chain.tip = self._connection.execute(newest).scalar()
        forked = (
            select(literal(1))
            .where(row.author_id == key.author_id, row.node_id == key.node_id)
            .limit(1)
        )
        chain.forked = self._connection.execute(forked).scalar() is not None

    def _first_beside(self, key: ChainKey, chain: _Chain, parents: list[Known]) -> int | None:
        """Return the first member of a version 1 chain that these parents do not lead to."""
        if chain.tip is None:
            return None
        if not chain.forked and self._ancestry.reached((chain.tip,), parents):
            return None  # a chain without forks leads from its tip to all its members
        if len(parents) == 1 and self._is_member(key, chain, parents[0].seq):
            # its past is that of its parent and the parent: no other member is in the one alone
            above = chain.beside[parents[0].seq]
            later = self._members_after(key, chain, parents[0].seq, 1)
            return next(iter(later), None) if above is None else above
        after, count = covered_by(parents) - 1, _MEMBERS_READ_FIRST
        while members := self._members_after(key, chain, after, count):
            reached = self._ancestry.reached(members, parents)
            if len(reached) < len(members):
                return next(member for member in members if member not in reached)
            after, count = members[-1], _MEMBERS_READ
        return None

    def _is_member(self, key: ChainKey, chain: _Chain, seq: int) -> bool:
        """Tell whether a leaf is of this version 1 chain, and know what it contradicts."""
        if seq not in chain.beside:
            column, row = tables.operation.c, tables.equivocation.c
            query = (
                select(row.seq_a)
                .select_from(tables.operation)
                .outerjoin(tables.equivocation, row.seq_b == column.seq)
                .where(column.seq == seq, column.author_seq.is_(None))
                .where(column.author_id == key.author_id, column.node_id == key.node_id)
            )
            chain.beside.update((seq, beside) for (beside,) in self._connection.execute(query))
        return seq in chain.beside

    def _members_after(self, key: ChainKey, chain: _Chain, after: int, count: int) -> list[int]:
        if chain.members and after >= chain.members[0]:
            at = bisect_right(chain.members, after)
            return chain.members[at : at + count]
        column = tables.operation.c
        query = (
            select(column.seq)
            .where(column.author_id == key.author_id, column.node_id == key.node_id)
            .where(column.author_seq.is_(None), column.seq > after)
            .order_by(column.seq)
            .limit(count)
        )
        stored = list(self._connection.execute(query).scalars())
        if len(stored) == count:
            return stored
        return stored + chain.members[bisect_right(chain.members, after) :]
