"""Reading a log for another node: sets of ids, the part above a common past, pages of wire forms.

Leaf order is a topological order: parents have smaller leaf indexes than their children.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select

from lodestamp.core.encoding import Digest
from lodestamp.errors import LogCorrupt
from lodestamp.node.recorder import tables

_LOOKUP_WIDTH: Final = 500
_ROWS_READ: Final = 2_000
"""Leaves read at once."""


class Leaf(NamedTuple):
    """One operation of the log: its leaf index, longest way down to a root, and id."""

    seq: int
    generation: int
    digest: Digest


class ChainEnd(NamedTuple):
    """The newest operation of one author's chain on one node label (version 2)."""

    author: str
    node: str
    author_seq: int


def head_leaves(connection: Connection) -> list[Leaf]:
    """Return the DAG heads (S5), newest first."""
    column = tables.operation.c
    query = (
        select(column.seq, column.generation, column.op_id)
        .join(tables.head, tables.head.c.seq == column.seq)
        .order_by(column.seq.desc())
    )
    return [_leaf(row) for row in connection.execute(query)]


def heads_digest(heads: Iterable[Leaf]) -> Digest:
    """Return the SHA-256 of all head digests in ascending order: equal sets have equal ones."""
    return Digest(sha256(b"".join(sorted(head.digest for head in heads))).digest())


def find_leaves(connection: Connection, digests: Iterable[bytes]) -> dict[Digest, Leaf]:
    """Return those of these operations that the log holds."""
    wanted = list(dict.fromkeys(digests))
    column = tables.operation.c
    found: dict[Digest, Leaf] = {}
    for at in range(0, len(wanted), _LOOKUP_WIDTH):
        query = select(column.seq, column.generation, column.op_id).where(
            column.op_id.in_(wanted[at : at + _LOOKUP_WIDTH])
        )
        found.update((Digest(row.op_id), _leaf(row)) for row in connection.execute(query))
    return found


def read_leaves(connection: Connection, first: int, last: int) -> Iterator[Leaf]:
    """Yield leaves ``first`` to ``last - 1`` in log order."""
    column = tables.operation.c
    for low in range(first, last, _ROWS_READ):
        query = (
            select(column.seq, column.generation, column.op_id)
            .where(column.seq.between(low, min(low + _ROWS_READ, last) - 1))
            .order_by(column.seq)
        )
        for row in connection.execute(query).all():
            yield _leaf(row)


def read_wires(connection: Connection, seqs: Sequence[int]) -> Iterator[bytes]:
    """Yield the wire forms of these leaves, in their order; purged bodies are left out."""
    column = tables.operation.c
    for at in range(0, len(seqs), _LOOKUP_WIDTH):
        some = seqs[at : at + _LOOKUP_WIDTH]
        query = select(column.seq, column.raw).where(column.seq.in_(some))
        wires: dict[int, bytes | None] = {row.seq: row.raw for row in connection.execute(query)}
        for seq in some:
            wire = wires[seq]
            if wire is not None:
                yield wire


def above(connection: Connection, common: Iterable[int], size: int) -> list[int]:
    """Return the leaves among the first `size` that are no ancestors of `common` nor among them.

    Walks down from the newest leaf in two colours: what `common` covers, and what it does not. A
    leaf's children are all newer, so its colour is settled when the walk gets there. Every leaf
    below the `covers` of a common operation is in its past, which ends the walk: the cost is the
    distance to the last difference, not the size of the log.
    """
    covered = {seq for seq in common if seq < size}
    if not covered:
        return list(range(size))
    floor = _covered_below(connection, covered)
    found: list[int] = []
    for seq, parents in _downwards(connection, floor, size):
        if seq in covered:
            covered.update(parents)
        else:
            found.append(seq)
    return found[::-1]


def _covered_below(connection: Connection, covered: set[int]) -> int:
    """Return the leaf index below which everything is in the past of one of these."""
    column = tables.operation.c
    best = 0
    wanted = sorted(covered)
    for at in range(0, len(wanted), _LOOKUP_WIDTH):
        query = select(func.max(column.covers)).where(
            column.seq.in_(wanted[at : at + _LOOKUP_WIDTH])
        )
        best = max(best, connection.execute(query).scalar() or 0)
    return best


def _downwards(connection: Connection, floor: int, size: int) -> Iterator[tuple[int, list[int]]]:
    """Yield each leaf from ``size - 1`` down to `floor` with its parents."""
    for high in range(size, floor, -_ROWS_READ):
        low = max(floor, high - _ROWS_READ)
        edges = read_edges(connection, low, high)
        for seq in range(high - 1, low - 1, -1):
            yield seq, edges.get(seq, [])


def read_edges(connection: Connection, first: int, last: int) -> dict[int, list[int]]:
    """Return the parents of leaves ``first`` to ``last - 1``; those without any are left out."""
    edge = tables.parent.c
    found: dict[int, list[int]] = {}
    query = select(edge.child, edge.parent).where(edge.child.between(first, last - 1))
    for child, parent in connection.execute(query):
        found.setdefault(child, []).append(parent)
    return found


def chain_ends(connection: Connection) -> list[ChainEnd] | None:
    """Return the end of every chain; None unless all operations are in chains without forks.

    Then, and only then, the ends say which operations a log holds.
    """
    column = tables.operation.c
    query = (
        select(
            tables.author.c.text.label("author"),
            tables.node.c.text.label("node"),
            func.max(column.author_seq).label("last"),
            func.count(column.author_seq).label("chained"),
            func.count().label("count"),
        )
        .join(tables.author, tables.author.c.id == column.author_id)
        .join(tables.node, tables.node.c.id == column.node_id)
        .group_by(column.author_id, column.node_id)
    )
    rows = connection.execute(query).all()
    if any(row.chained != row.count or row.last + 1 != row.count for row in rows):
        return None
    return sorted(ChainEnd(row.author, row.node, row.last) for row in rows)


def above_chains(connection: Connection, ends: Iterable[ChainEnd], size: int) -> list[int]:
    """Return the leaves among the first `size` that lie above these chain ends, in log order."""
    column = tables.operation.c
    reached = {(end.author, end.node): end.author_seq for end in ends}
    found: list[int] = []
    for own in chain_ends(connection) or []:
        last = reached.get((own.author, own.node), -1)
        if last >= own.author_seq:
            continue
        query = (
            select(column.seq)
            .join(tables.author, tables.author.c.id == column.author_id)
            .join(tables.node, tables.node.c.id == column.node_id)
            .where(
                tables.author.c.text == own.author,
                tables.node.c.text == own.node,
                column.author_seq > last,
                column.seq < size,
            )
        )
        found += connection.execute(query).scalars()
    return sorted(found)


def count_equivocations(connection: Connection) -> int:
    """Return how many operations contradict their author's chain (S7)."""
    return connection.execute(select(func.count()).select_from(tables.equivocation)).scalar_one()


def _leaf(row: Row[Any, Any, Any]) -> Leaf:
    digest = row.op_id
    if type(digest) is not bytes or len(digest) != 32:
        raise LogCorrupt(f"the id of leaf {row.seq} is damaged")
    return Leaf(row.seq, row.generation, Digest(digest))
