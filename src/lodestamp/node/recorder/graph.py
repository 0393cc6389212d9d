"""The database as the source of the provenance graph, and the cache that opens it fast.

The cache (`graph_snapshot`) holds the graph's columns, not its statuses: those are computed anew
each time. It counts only if its SHA-256 is that of its bytes and its last operation is the log's at
that place; else, and behind it, the tables are read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, select

from lodestamp.core.encoding import Digest, address_of_digest, digest_of_address
from lodestamp.core.operations import (
    KINDS,
    UNKNOWN,
    Chain,
    Operation,
    Placed,
    Position,
    ProvenanceGraph,
    Rows,
    decode_rows,
    encode_rows,
    parse_op,
    subject_key_of,
)
from lodestamp.errors import EncodingError, InputError, LogCorrupt
from lodestamp.node.recorder import tables
from lodestamp.node.storage import Database

_ROWS_READ: Final = 20_000
"""Operations whose rows are in memory at once while the graph is read from the tables."""
_NAMED_IN: Final[Mapping[str, str]] = {"notice": "attestation_op", "confirm": "keep"}
"""The types whose body names an operation that no table names."""
_DIGEST = 32


class DatabaseGraphSource:
    """A `GraphSource` over a log's tables. Each call reads in a snapshot of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, after: int) -> Iterator[Rows]:
        """Yield every operation from leaf `after` on; the first batch may come from the cache."""
        with self._database.reading("reading the graph") as connection:
            cached = _cached(connection) if not after else None
            if cached is not None:
                yield cached
                after = len(cached.kinds)
                del cached
            size = _size(connection)
            for first in range(after, size, _ROWS_READ):
                yield _Batch(connection, first, min(size, first + _ROWS_READ)).rows()

    def index_of(self, digest: Digest) -> int | None:
        """Return the leaf index of the operation with this digest, or None."""
        column = tables.operation.c
        with self._database.reading("looking up an operation") as connection:
            return connection.execute(select(column.seq).where(column.op_id == digest)).scalar()

    def operation(self, index: int) -> Operation | None:
        """Return the operation at this leaf, None when purged; LogCorrupt for damaged bytes."""
        column = tables.operation.c
        with self._database.reading("reading an operation") as connection:
            raw = connection.execute(select(column.raw).where(column.seq == index)).scalar()
        if raw is None:
            return None
        try:
            return parse_op(raw)
        except InputError as error:
            raise LogCorrupt(f"the stored bytes of leaf {index}: {error.message}") from error

    def attested_under(self, index: int) -> str | None:
        """Return the id of the capability of an attestation, though its body was purged (S33)."""
        column = tables.attestation.c
        with self._database.reading("reading an attestation") as connection:
            found = connection.execute(select(column.cap_id).where(column.seq == index)).scalar()
        return None if found is None else address_of_digest(found)

    def placed(self) -> Iterator[Placed]:
        """Yield the positions that the ledger has given, joined where they run on."""
        column = tables.position.c
        query = select(
            column.seq, column.height, column.tx_index, column.leaf_index, column.block_time
        ).order_by(column.seq)
        run: Placed | None = None
        with self._database.reading("reading positions") as connection:
            for seq, *where in connection.execute(query):
                position = Position(*where)
                if run is not None and _runs_on(run, seq, position):
                    run = run._replace(length=run.length + 1)
                    continue
                if run is not None:
                    yield run
                run = Placed(seq, 1, position)
        if run is not None:
            yield run


def save_snapshot(connection: Connection, graph: ProvenanceGraph) -> None:
    """Replace the cache by the columns of a graph, inside a write transaction."""
    blob = encode_rows(graph.columns.rows(0, len(graph)))
    connection.execute(delete(tables.graph_snapshot))
    row = {"size": len(graph), "digest": sha256(blob).digest(), "blob": blob}
    connection.execute(insert(tables.graph_snapshot), row)


def snapshot_size(connection: Connection) -> int:
    """Return how many operations the cache holds; 0 without one."""
    column = tables.graph_snapshot.c
    return connection.execute(select(func.max(column.size))).scalar() or 0


def count_positions(connection: Connection) -> int:
    """Return how many operations the ledger has placed (N7: rows are only ever added)."""
    return connection.execute(select(func.count()).select_from(tables.position)).scalar_one()


def _cached(connection: Connection) -> Rows | None:
    """Return the newest cache that is whole and of this log."""
    column = tables.graph_snapshot.c
    query = select(column.size, column.digest, column.blob).order_by(column.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None or not row.size or sha256(row.blob).digest() != row.digest:
        return None
    try:
        rows = decode_rows(row.blob)
    except EncodingError:
        return None
    whole = rows.first == 0 and len(rows.kinds) == row.size
    operation = tables.operation.c
    newest = connection.execute(
        select(operation.op_id).where(operation.seq == row.size - 1)
    ).scalar()
    return rows if whole and newest == rows.digests[-_DIGEST:] else None


def _size(connection: Connection) -> int:
    newest: int | None = connection.execute(select(func.max(tables.operation.c.seq))).scalar()
    return 0 if newest is None else newest + 1


def _runs_on(run: Placed, seq: int, position: Position) -> bool:
    following = run.position._replace(leaf_index=run.position.leaf_index + run.length)
    return seq == run.first + run.length and position == following


class _Batch:
    """The operations of one stretch of the log, read from the tables."""

    def __init__(self, connection: Connection, first: int, last: int) -> None:
        self._connection = connection
        self._first = first
        self._last = last
        self._chains: dict[Chain, int] = {}
        self._caps: dict[bytes, int] = {}

    def rows(self) -> Rows:
        """Read and return the columns."""
        operations = self._operations()
        parents = self._edges(tables.parent, "child", "parent")
        named = self._edges(tables.source, "child", "parent")
        for table, child, target in (
            (tables.refutes, "seq", "target"),
            (tables.attestation, "seq", "claim_seq"),
            (tables.receipt, "seq", "revocation_seq"),
        ):
            named.update(self._edges(table, child, target))
        subjects = bytearray()
        for row in operations:
            body = self._body(row)
            subjects += subject_key_of(row.type, body)
            if row.type in _NAMED_IN and body is not None:
                named[row.seq] = [self._leaf(body[_NAMED_IN[row.type]])]
        in_order = range(self._first, self._last)
        faults, attested = self._verdicts()
        return Rows(
            first=self._first,
            digests=b"".join(row.op_id for row in operations),
            kinds=bytes(KINDS.index(row.type) for row in operations),
            chains=array("I", [self._chain(row) for row in operations]),
            seqs=array("I", [row.author_seq or 0 for row in operations]),
            caps=array("I", [self._cap(row.cap_id) for row in operations]),
            times=array("q", [row.ts for row in operations]),
            subjects=bytes(subjects),
            parent_counts=bytes(len(parents.get(seq, ())) for seq in in_order),
            parents=array("I", [each for seq in in_order for each in parents.get(seq, ())]),
            source_counts=array("H", [len(named.get(seq, ())) for seq in in_order]),
            sources=array("I", [each for seq in in_order for each in named.get(seq, ())]),
            chain_table=tuple(self._chains),
            cap_table=tuple(map(address_of_digest, self._caps)),
            faults=faults,
            attested=attested,
        )

    def _verdicts(self) -> tuple[bytes, bytes]:
        """Return what erased bodies had decided, none where nothing was erased."""
        column = tables.verdict.c
        query = select(column.seq, column.fault, column.attested)
        kept = self._connection.execute(query.where(self._in_batch(column.seq))).all()
        if not kept:
            return b"", b""
        faults, attested = (bytearray([UNKNOWN]) * (self._last - self._first) for _ in range(2))
        for seq, fault, repeated in kept:
            faults[seq - self._first], attested[seq - self._first] = fault, repeated
        return bytes(faults), bytes(attested)

    def _operations(self) -> list[Row[Any]]:
        column, acted = tables.operation.c, tables.cap.c
        query = (
            select(
                column.seq, column.op_id, column.version, column.type, column.author_seq,
                column.ts, column.raw, tables.author.c.text.label("author"),
                tables.node.c.text.label("node"), acted.cap_id,
            )
            .join(tables.author, tables.author.c.id == column.author_id)
            .join(tables.node, tables.node.c.id == column.node_id)
            .outerjoin(tables.cap, acted.grant_seq == column.cap_ref)
            .where(self._in_batch(column.seq))
            .order_by(column.seq)
        )  # fmt: skip
        found: list[Row[Any]] = list(self._connection.execute(query))
        if [row.seq for row in found] != list(range(self._first, self._last)):
            raise LogCorrupt(f"leaves {self._first} to {self._last} are not all there, each once")
        return found

    def _edges(self, table: Table, child: str, parent: str) -> dict[int, list[int]]:
        edges: dict[int, list[int]] = {}
        query = select(table.c[child], table.c[parent]).where(self._in_batch(table.c[child]))
        for below, above in self._connection.execute(query.order_by(table.c[child])):
            edges.setdefault(below, []).append(above)
        return edges

    def _in_batch(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        return column.between(self._first, self._last - 1)

    def _body(self, row: Row[Any]) -> Any:
        """Return the body of an operation that must be read for its columns, else None."""
        if row.raw is None or (row.type != "claim" and row.type not in _NAMED_IN):
            return None
        try:
            return orjson.loads(row.raw)["body"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise LogCorrupt(f"the stored bytes of leaf {row.seq} are damaged") from error

    def _leaf(self, op_id: str) -> int:
        column = tables.operation.c
        query = select(column.seq).where(column.op_id == digest_of_address(op_id))
        found: int | None = self._connection.execute(query).scalar()
        if found is None:
            raise LogCorrupt(f"the log names {op_id} and does not hold it")
        return found

    def _chain(self, row: Row[Any]) -> int:
        chain = Chain(row.author, row.node, row.version)
        return self._chains.setdefault(chain, len(self._chains))

    def _cap(self, cap_id: bytes | None) -> int:
        return 0 if cap_id is None else self._caps.setdefault(cap_id, len(self._caps) + 1)
