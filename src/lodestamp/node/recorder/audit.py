"""The auditor: everything a log claims, derived again from its stored bytes.

It reads rows with queries of its own and shares no code with the writer beyond core, so a fault of
the writer cannot hide itself. Findings carry the codes A1-A8 of the transparency spec §11; those
beyond speak of rows the operations spec §10 adds. Memory grows with the checkpoints, some hundred
bytes each, and with the edges, eight bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, exists, select, text

from lodestamp.core.encoding import OP_CID_PREFIX, address_of_digest, digest_of_address
from lodestamp.core.keys import KeyId, PublicKey
from lodestamp.core.merkle import EMPTY_ROOT, HASH_SIZE, TILE_WIDTH, leaf_hash, node_hash
from lodestamp.core.operations import Operation, derived_from, parse_op, verify_op
from lodestamp.core.transparency import VerifierKey, open_note, parse_checkpoint, parse_note
from lodestamp.errors import InputError, LodestampError
from lodestamp.node.findings import FINDINGS_MAX, AuditReport
from lodestamp.node.progress import Progress
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.audit_causes import Foundations
from lodestamp.node.recorder.audit_lineage import Lineage
from lodestamp.node.recorder.audit_rows import (
    Beside,
    SaidRows,
    check_content_keys,
    check_identities,
    check_positions,
    check_purged,
    check_waiting,
)
from lodestamp.node.storage import Database, declared_schema, read_schema


def audit(
    database: Database,
    key: VerifierKey,
    report: AuditReport,
    *,
    second: VerifierKey | None = None,
    published: bytes | None = None,
    progress: Progress | None = None,
) -> None:
    """Audit a log against the key its home pins; `published` is the checkpoint file, if any.

    `second` is the log's post-quantum key, where it has one: its lines must hold too (R17).
    A database too damaged to be read is a finding, not an exception.
    """
    try:
        with database.reading("auditing") as connection:
            _Audit(connection, key, second, report, progress).run(published)
    except LodestampError as error:
        report.find("S1", "database", error.message)


class _Audit:
    def __init__(
        self,
        connection: Connection,
        key: VerifierKey,
        second: VerifierKey | None,
        report: AuditReport,
        progress: Progress | None,
    ) -> None:
        self._connection = connection
        self._key = key
        self._keys = [key] if second is None else [key, second]
        self._report = report
        self._progress = progress
        self._roots: dict[int, bytes] = {}
        self._tree = _Tree()

    def run(self, published: bytes | None) -> None:
        self._check_pages()
        sizes = self._rows(
            select(tables.log_checkpoint.c.size).order_by(tables.log_checkpoint.c.size)
        )
        self._walk_operations({*(row.size for row in sizes), *_size_of(published)})
        self._check_tiles()
        self._check_checkpoints()
        self._check_heads()
        check_identities(self._connection, self._report)
        check_waiting(self._connection, self._report)
        check_positions(self._connection, self._report)
        check_content_keys(self._connection, self._report)
        if published is not None:
            self._check_published(published)

    def _check_pages(self) -> None:
        if self._connection.dialect.name != "sqlite":
            return
        for (said,) in self._connection.execute(text("PRAGMA integrity_check(20)")):
            if said != "ok":
                self._report.find("S1", "database", said)
        self._report.count("database_pages", self._pragma("page_count"))
        for table, row, *_ in self._connection.execute(text("PRAGMA foreign_key_check")).fetchmany(
            20
        ):
            where = table if row is None else f"{table} {row}"
            self._report.find("S2", where, "a row points at what is not there")
        stored = read_schema(self._connection)
        for name in sorted(name for name, _sql in stored ^ declared_schema()):
            self._report.find("S5", name, "the schema is not the one this version makes")

    def _pragma(self, name: str) -> int:
        value: int = self._connection.execute(text(f"PRAGMA {name}")).scalar_one()
        return value

    def _walk_operations(self, wanted: set[int]) -> None:
        """A1 to A3 and the edges: one pass over the rows and, beside it, over both edge tables."""
        total = max(wanted, default=0)
        if 0 in wanted:
            self._roots[0] = EMPTY_ROOT
        parents = Beside(self._edges(tables.parent))
        sources = Beside(self._edges(tables.source))
        said = SaidRows(self._connection, self._report)
        lineage = Lineage(self._connection, self._report)
        foundations = Foundations(self._connection, self._report, lineage)
        columns = tables.operation.c
        query = (
            select(
                *columns,
                tables.author.c.text.label("author"),
                tables.node.c.text.label("node"),
                tables.purge.c.purged_at,
            )
            .outerjoin(tables.author, tables.author.c.id == columns.author_id)
            .outerjoin(tables.node, tables.node.c.id == columns.node_id)
            .outerjoin(tables.purge, tables.purge.c.seq == columns.seq)
            .order_by(columns.seq)
        )
        for expected, row in enumerate(self._rows(query)):
            where = f"operation {row.seq}"
            if row.seq != expected:
                self._report.find("A3", where, f"leaf {expected} is missing")
                return
            operation = self._check_operation(where, row, said.keys)
            up, down = parents.take(row.seq), sources.take(row.seq)
            if operation is not None:
                self._check_edges(where, row, operation, up, down)
            said.check(where, row.seq, operation)
            above = [edge.parent for edge in up if edge.parent < row.seq]
            foundations.check(where, row, operation, above, down)
            lineage.check(where, row, above, operation)
            self._tree.append(leaf_hash(OP_CID_PREFIX + row.op_id))
            if row.seq + 1 in wanted:
                self._roots[row.seq + 1] = self._tree.root()
            self._report.count("operations")
            if self._progress is not None and row.seq % 1000 == 999:
                self._progress(row.seq + 1, total)
        for name, edges in (("parent", parents), ("source", sources)):
            for child in edges.rest():
                self._report.find("S2", f"{name} {child}", "an edge of no operation")
        said.finish()
        lineage.finish(self._report.checked.get("purged", 0))

    def _check_operation(
        self, where: str, row: Any, keys: Mapping[KeyId, PublicKey]
    ) -> Operation | None:
        check_purged(where, row, self._report)
        if row.raw is None:  # only its leaf and its id are left
            return None
        try:
            operation = parse_op(row.raw)
            verify_op(operation, keys)
        except LodestampError as error:
            self._report.find("A1", where, error.message)
            return None
        if operation.digest != row.op_id:
            self._report.find("A1", where, f"its bytes are those of {operation.op_id}")
            return None
        said = (row.version, row.type, row.author, row.node, row.ts, row.author_seq)
        read = (
            operation.v,
            operation.type,
            operation.author,
            operation.node,
            operation.ts,
            operation.seq,
        )
        if said != read:
            self._report.find("S3", where, f"its columns say {said}, its bytes {read}")
        if not self._acts_under(row, operation.cap):
            self._report.find("S3", where, "its grant is not one of the cap it acts under")
        return operation

    def _acts_under(self, row: Any, cap_id: str | None) -> bool:
        if cap_id is None or row.cap_ref is None:
            return cap_id is None and row.cap_ref is None
        column = tables.cap.c
        query = select(column.grant_seq).where(
            column.cap_id == digest_of_address(cap_id), column.grant_seq == row.cap_ref
        )
        return row.cap_ref < row.seq and self._connection.execute(query).scalar() is not None

    def _check_edges(
        self, where: str, row: Any, operation: Operation, parents: list[Any], sources: list[Any]
    ) -> None:
        self._report.count("edges", len(parents) + len(sources))
        for name, rows, wanted in (
            ("parent", parents, operation.prev),
            ("source", sources, derived_from(operation)),
        ):
            stored = sorted(address_of_digest(edge.op_id) for edge in rows)
            if stored != sorted(wanted):
                self._report.find("S2", where, f"its {name} edges are not those of its bytes")
            if any(edge.parent >= row.seq for edge in rows):
                self._report.find("S2", where, f"a {name} edge points forward")
        generation = 1 + max((edge.generation for edge in parents), default=-1)
        if row.generation != generation:
            self._report.find("S3", where, f"generation {row.generation}, not {generation}")

    def _check_tiles(self) -> None:
        """A4, A5, A6: each tile holds what the level below hashes to, and nothing more."""
        columns = tables.log_tile.c
        stored = {
            level: list(rows)
            for level, rows in groupby(
                self._rows(select(columns.level, columns.n).order_by(columns.level, columns.n)),
                key=lambda row: row.level,
            )
        }
        size = self._tree.size
        level = 0
        while size >> 8 * level or level in stored:
            count = size >> 8 * level
            numbers = [row.n for row in stored.pop(level, [])]
            if numbers != list(range(-(-count // TILE_WIDTH))):
                self._report.find("A6", f"tile level {level}", "rows are missing or left over")
            else:
                self._check_level(level, count)
            level += 1
        for left in stored:
            self._report.find("A6", f"tile level {left}", "a level this tree does not have")

    def _check_level(self, level: int, count: int) -> None:
        columns = tables.log_tile.c
        query = select(columns.n, columns.hashes).where(columns.level == level).order_by(columns.n)
        derived = self._leaves() if level == 0 else self._level_above(level - 1)
        for row in self._rows(query):
            where = f"tile {level}/{row.n}"
            width = min(TILE_WIDTH, count - row.n * TILE_WIDTH)
            wanted = b"".join(next(derived, b"") for _ in range(width))
            if len(row.hashes) != width * HASH_SIZE:
                self._report.find("A6", where, f"{len(row.hashes)} bytes, not {width * HASH_SIZE}")
            elif row.hashes != wanted:
                self._report.find("A4" if level == 0 else "A5", where, "hashes that do not follow")
            self._report.count("tiles")

    def _leaves(self) -> Iterator[bytes]:
        for row in self._rows(select(tables.operation.c.op_id).order_by(tables.operation.c.seq)):
            yield leaf_hash(OP_CID_PREFIX + row.op_id)

    def _level_above(self, level: int) -> Iterator[bytes]:
        columns = tables.log_tile.c
        query = select(columns.hashes).where(columns.level == level).order_by(columns.n)
        for row in self._rows(query):
            hashes = [
                row.hashes[at : at + HASH_SIZE] for at in range(0, len(row.hashes), HASH_SIZE)
            ]
            if len(hashes) == TILE_WIDTH:
                yield _root_of(hashes)

    def _check_checkpoints(self) -> None:
        """A7 and A8: each checkpoint is ours and has the root of its size; the last is the head."""
        columns = tables.log_checkpoint.c
        query = select(columns.size, columns.root, columns.note).order_by(columns.size)
        last = None
        for row in self._rows(query):
            self._check_note(f"checkpoint {row.size}", row.note, row.size, row.root)
            derived = self._roots.get(row.size)
            if derived is None:
                self._report.find("A7", f"checkpoint {row.size}", "more leaves than the log has")
            elif derived != row.root:
                self._report.find(
                    "A7", f"checkpoint {row.size}", "not the root of these operations"
                )
            self._report.count("checkpoints")
            last = row
        head = self._connection.execute(select(tables.log_head)).one_or_none()
        if head is None or last is None:
            self._report.find("A8", "head", "the log has no head or no checkpoint")
        elif (head.id, head.size, head.root, head.note) != (1, last.size, last.root, last.note):
            self._report.find("A8", "head", "the head is not the last checkpoint")
        elif head.size != self._tree.size:
            detail = f"{self._tree.size} operations, but the head seals {head.size}"
            self._report.find("A16", "head", detail)

    def _check_note(self, where: str, note: bytes, size: int, root: bytes) -> None:
        try:
            opened = open_note(note, self._keys)
            checkpoint = parse_checkpoint(opened.text)
        except InputError as error:
            self._report.find("A7", where, error.message)
            return
        if self._key not in opened.verified:
            self._report.find("A7", where, "the log's Ed25519 key has not signed it")
        if (checkpoint.origin, checkpoint.size, checkpoint.root) != (self._key.name, size, root):
            self._report.find("A7", where, "its note speaks of another tree")

    def _check_heads(self) -> None:
        edge = tables.parent.alias()
        columns = tables.operation.c
        derived = select(columns.seq).where(~exists().where(edge.c.parent == columns.seq))
        stored = {row.seq for row in self._rows(select(tables.head.c.seq))}
        wanted = {row.seq for row in self._rows(derived)}
        self._report.count("heads", len(stored))
        for seq in sorted(stored ^ wanted)[:FINDINGS_MAX]:
            kind = "is no head" if seq in stored else "is a head and not listed"
            self._report.find("S4", f"operation {seq}", kind)

    def _check_published(self, published: bytes) -> None:
        """A18, as far as this home knows: nothing that was published may be gone."""
        try:
            checkpoint = parse_checkpoint(open_note(published, [self._key]).text)
        except InputError as error:
            self._report.find("A18", "published checkpoint", error.message)
            return
        self._report.count("published_checkpoints")
        if checkpoint.size > self._tree.size:
            detail = f"{checkpoint.size} were acknowledged, {self._tree.size} are here"
            self._report.find("A18", "published checkpoint", detail)
        elif self._roots.get(checkpoint.size) != checkpoint.root:
            self._report.find("A18", "published checkpoint", "it seals another tree")

    def _edges(self, table: Any) -> Iterator[tuple[int, list[Any]]]:
        columns = tables.operation.c
        query = (
            select(table.c.child, table.c.parent, columns.op_id, columns.generation)
            .join(columns.seq.table, columns.seq == table.c.parent)
            .order_by(table.c.child, table.c.parent)
        )
        for child, rows in groupby(self._rows(query), key=lambda row: row.child):
            yield child, list(rows)

    def _rows(self, query: Any) -> Iterator[Any]:
        yield from self._connection.execution_options(yield_per=1000).execute(query)


def _size_of(published: bytes | None) -> tuple[int, ...]:
    """Return the size a checkpoint speaks of, signed or not, so that its root is computed."""
    try:
        return () if published is None else (parse_checkpoint(parse_note(published).text).size,)
    except InputError:
        return ()


class _Tree:
    """RFC 9162's tree as a stack of full subtrees, written again so as not to trust the writer."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:
            leaf = node_hash(self._stack.pop(), leaf)
            size >>= 1
        self._stack.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self._stack:
            return EMPTY_ROOT
        root = self._stack[-1]
        for peak in reversed(self._stack[:-1]):
            root = node_hash(peak, root)
        return root


def _root_of(hashes: list[bytes]) -> bytes:
    tree = _Tree()
    for each in hashes:
        tree.append(each)
    return tree.root()
