"""What is known of the operations a transaction has to do with: found by id, each row read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, select

from lodestamp.core.encoding import Digest
from lodestamp.node.recorder import tables

LOOKUP_WIDTH: Final = 500
"""Ids a query asks for at once; SQLite allows 32,766 variables, PostgreSQL 65,535."""


class Known(NamedTuple):
    """An operation of this log, as far as causal checks need it.

    Every leaf below `covers` is in its past; `ts` is its author's word, in Unix seconds.
    """

    seq: int
    generation: int
    covers: int
    op_id: Digest
    type: str
    ts: int


def known_rows() -> Select[Any]:
    """Return the query whose rows `as_known` reads."""
    column = tables.operation.c
    return select(
        column.seq, column.generation, column.covers, column.op_id, column.type, column.ts
    )


def as_known(row: Any) -> Known:
    """Return the operation of one row of `known_rows`."""
    return Known(*row)


class KnownOperations:
    """The operations of the log and of this transaction, by id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[Digest, Known] = {}
        self._absent: set[Digest] = set()
        self._leaves: dict[int, Known] = {}

    def look_up(self, digests: Iterable[Digest]) -> None:
        """Read in a few queries what `find` will be asked for."""
        wanted = [
            each for each in set(digests) if each not in self._known and each not in self._absent
        ]
        column = tables.operation.c.op_id
        for at in range(0, len(wanted), LOOKUP_WIDTH):
            some = wanted[at : at + LOOKUP_WIDTH]
            for row in self._connection.execute(known_rows().where(column.in_(some))):
                known = as_known(row)
                self._known[known.op_id] = known
        self._absent.update(each for each in wanted if each not in self._known)

    def find(self, digest: Digest) -> Known | None:
        """Return the operation of this id, if the log or this transaction holds it."""
        known = self._known.get(digest)
        if known is None and digest not in self._absent:
            self.look_up((digest,))
            known = self._known.get(digest)
        return known

    def at(self, seq: int) -> Known:
        """Return the operation of a leaf that is there."""
        if seq not in self._leaves:
            row = self._connection.execute(known_rows().where(tables.operation.c.seq == seq)).one()
            self._leaves[seq] = as_known(row)
        return self._leaves[seq]

    def add(self, known: Known) -> None:
        """Make an operation of this transaction known."""
        self._known[known.op_id] = self._leaves[known.seq] = known
        self._absent.discard(known.op_id)
