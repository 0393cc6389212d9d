"""Operations that wait: for parents the log does not hold, or for the clock (N6, S2, S9).

Each peer has its own share, so a flood from one puts out its own operations only, the least
recently received first; what it takes up is kept beside, so that nobody counts it each time. What
was put out, or rejected for good, is remembered by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, literal, select, update

from lodestamp.core.encoding import Digest, address_of_digest
from lodestamp.core.operations import Operation
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.known import LOOKUP_WIDTH
from lodestamp.node.recorder.limits import (
    PENDING_BYTES_MAX,
    PENDING_OPERATIONS_MAX,
    REFUSED_MAX,
    RELEASE_MAX,
)

EVICTED: Final = "evicted"
"""The code of an id whose operation was put out of the pool."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An operation that waits, as its peer sent it."""

    op_id: Digest
    peer: str
    raw: bytes


@dataclass(slots=True)
class _Share:
    """What waits for one peer: how many operations, and their bytes."""

    operations: int
    size: int

    def add(self, operations: int, size: int) -> None:
        self.operations += operations
        self.size += size

    @property
    def fits(self) -> bool:
        return self.operations <= PENDING_OPERATIONS_MAX and self.size <= PENDING_BYTES_MAX


class Pool:
    """The waiting operations, as one transaction sees and changes them."""

    def __init__(self, connection: Connection, now_ms: int) -> None:
        self._connection = connection
        self._now_ms = now_ms
        first = select(literal(1)).select_from(tables.pending).limit(1)
        self._empty = connection.execute(first).scalar() is None
        self._changed: dict[str, _Share] = {}
        self._refused: dict[Digest, str] = {}

    def wait(self, op: Operation, peer: str, missing: Sequence[Digest]) -> None:
        """Keep an operation until what it misses has come."""
        self._keep(op, peer, missing, due=None)

    def hold(self, op: Operation, peer: str, due: int) -> None:
        """Keep an operation until this clock reads `due`, in Unix seconds."""
        self._keep(op, peer, (), due=due)

    def _keep(
        self, op: Operation, peer: str, missing: Sequence[Digest], *, due: int | None
    ) -> None:
        column = tables.pending.c
        values = {
            "missing": b"".join(missing),
            "awaits": missing[0] if missing else None,
            "due": due,
        }
        if not self._empty:
            # whoever else sent it waits for the same now
            self._connection.execute(
                update(tables.pending).where(column.op_id == op.digest).values(**values)
            )
            touched = self._connection.execute(
                update(tables.pending)
                .where(column.op_id == op.digest, column.peer == peer)
                .values(received_at=self._now_ms)
            )
            if touched.rowcount:
                return
        row = {"op_id": op.digest, "peer": peer, "raw": op.wire, "received_at": self._now_ms}
        self._connection.execute(insert(tables.pending), {**row, **values})
        self._empty = False
        self._share(peer).add(1, len(op.wire))

    def waits(self, digest: Digest) -> bool:
        """Tell whether an operation of this id waits."""
        query = select(literal(1)).where(tables.pending.c.op_id == digest).limit(1)
        return not self._empty and self._connection.execute(query).scalar() is not None

    def postpone(self, digest: Digest, due: int) -> None:
        """Keep an operation that lacks nothing until this clock reads `due`."""
        again = update(tables.pending).where(tables.pending.c.op_id == digest)
        self._connection.execute(again.values(missing=b"", awaits=None, due=due))

    def settle(self, digest: Digest) -> None:
        """Let go of an operation that is in the log, or rejected."""
        if self._empty:
            return
        column = tables.pending.c
        gone = delete(tables.pending).where(column.op_id == digest)
        for peer, raw in self._connection.execute(gone.returning(column.peer, column.raw)).all():
            self._share(peer).add(-1, -len(raw))

    def _share(self, peer: str) -> _Share:
        if peer not in self._changed:
            column = tables.pending_share.c
            query = select(column.operations, column.size).where(column.peer == peer)
            row = self._connection.execute(query).one_or_none()
            self._changed[peer] = _Share(*row) if row else _Share(0, 0)
        return self._changed[peer]

    def awaiting(self, digests: Iterable[Digest]) -> list[Waiting]:
        """Return the operations that wait for these first, ascending by id."""
        if self._empty:
            return []
        wanted, found = list(digests), []
        column = tables.pending.c
        for at in range(0, len(wanted), LOOKUP_WIDTH):
            query = select(column.op_id, column.peer, column.raw).where(
                column.awaits.in_(wanted[at : at + LOOKUP_WIDTH])
            )
            found += _waiting(self._connection.execute(query).all())
        return _one_of_each(found)

    def due(self) -> list[Waiting]:
        """Return held operations that this clock admits now, at most `RELEASE_MAX`."""
        if self._empty:
            return []
        column = tables.pending.c
        query = (
            select(column.op_id, column.peer, column.raw)
            .where(column.due <= self._now_ms // 1000)
            .order_by(column.due)
            .limit(RELEASE_MAX)
        )
        return _one_of_each(_waiting(self._connection.execute(query).all()))

    def reject(self, digest: Digest, code: str) -> None:
        """Remember an id for good, and let go of the operation."""
        self.settle(digest)
        self._refused[digest] = code

    def rejected(self, digests: Sequence[Digest]) -> Digest | None:
        """Return one of these ids that was rejected for good, if there is one."""
        for digest in digests:
            if digest in self._refused:
                return digest
        column = tables.refused.c
        query = select(column.op_id).where(column.op_id.in_(digests), column.code != EVICTED)
        found = self._connection.execute(query.limit(1)).scalar()
        return None if found is None else Digest(found)

    def write(self) -> None:
        """Put out what is beyond the share of a peer that added something, and remember ids."""
        for peer, share in sorted(self._changed.items()):
            self._trim(peer, share)
        self._write_shares()
        if self._refused:
            self._remember()

    def _trim(self, peer: str, share: _Share) -> None:
        if share.fits:
            return
        column = tables.pending.c
        oldest = (
            select(column.op_id, func.length(column.raw))
            .where(column.peer == peer)
            .order_by(column.received_at, column.op_id)
        )
        out = []
        with self._connection.execute(oldest) as rows:
            for op_id, length in rows:
                if share.fits:
                    break
                out.append(Digest(op_id))
                share.add(-1, -length)
        gone = delete(tables.pending).where(
            column.peer == peer, column.op_id == bindparam("evicted")
        )
        self._connection.execute(gone, [{"evicted": op_id} for op_id in out])
        self._refused.update((op_id, EVICTED) for op_id in out)

    def _write_shares(self) -> None:
        if not self._changed:
            return
        old = delete(tables.pending_share).where(tables.pending_share.c.peer == bindparam("of"))
        self._connection.execute(old, [{"of": peer} for peer in self._changed])
        rows = [
            {"peer": peer, "operations": share.operations, "size": share.size}
            for peer, share in self._changed.items()
            if share.operations
        ]
        if rows:
            self._connection.execute(insert(tables.pending_share), rows)

    def _remember(self) -> None:
        column = tables.refused.c
        old = delete(tables.refused).where(column.op_id == bindparam("again"))
        self._connection.execute(old, [{"again": digest} for digest in self._refused])
        rows = [{"op_id": digest, "code": code} for digest, code in self._refused.items()]
        self._connection.execute(insert(tables.refused), rows)
        newest: int = self._connection.execute(select(func.max(column.id))).scalar_one()
        self._connection.execute(delete(tables.refused).where(column.id <= newest - REFUSED_MAX))

    def next_due(self) -> int | None:
        """Return the first Unix second at which a held operation is admitted."""
        return None if self._empty else read_next_due(self._connection)


def read_next_due(connection: Connection) -> int | None:
    """Return the first Unix second at which a held operation is admitted."""
    due: int | None = connection.execute(select(func.min(tables.pending.c.due))).scalar()
    return due


def missing_ids(connection: Connection, limit: int) -> list[str]:
    """Return at most `limit` ids that waiting operations lack, and ids that were put out."""
    pending, refused, operation = tables.pending.c, tables.refused.c, tables.operation.c
    found: dict[Digest, None] = {}
    for (missing,) in connection.execute(select(pending.missing).where(pending.due.is_(None))):
        for at in range(0, len(missing), 32):
            found[Digest(missing[at : at + 32])] = None
    evicted = select(refused.op_id).where(refused.code == EVICTED)
    found.update((Digest(op_id), None) for op_id in connection.execute(evicted).scalars())
    wanted = list(found)
    for at in range(0, len(wanted), LOOKUP_WIDTH):
        some = wanted[at : at + LOOKUP_WIDTH]
        for column in (operation.op_id, pending.op_id):
            for op_id in connection.execute(select(column).where(column.in_(some))).scalars():
                found.pop(Digest(op_id), None)
    return [address_of_digest(digest) for digest in sorted(found)[:limit]]


def _waiting(rows: Sequence[Row[Any, Any, Any]]) -> list[Waiting]:
    return [Waiting(Digest(row.op_id), row.peer, row.raw) for row in rows]


def _one_of_each(waiting: Iterable[Waiting]) -> list[Waiting]:
    return sorted({each.op_id: each for each in waiting}.values(), key=lambda each: each.op_id)
