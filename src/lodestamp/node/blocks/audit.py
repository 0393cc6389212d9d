"""The auditor of the block store: everything the index claims, derived again from the packs.

It reads packs and rows with code of its own and shares none with the store beyond core, the tables
and storage, so a fault of the writer cannot hide itself (content spec R108).

==== ==================================================================================
B1   a pack file is missing, or one lies here that the index does not know
B2   a pack's size is not what was committed
B3   a pack is no CAR of ours, or its sections cannot be followed
B4   a sealed pack does not have the SHA-256 it was sealed with
B5   a section's bytes are not those its CID names
B6   a row points at what is not there
B7   a section has no row
B8   a pinned DAG is not whole
B9   a file that holds leaves is gone or changed
B10  a row says what no row may say
==== ==================================================================================
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, exists, func, select

from lodestamp.core.content import BLOCK_SIZE_MAX, links
from lodestamp.core.encoding import CID_BYTES_MAX, Cid, HashCode, Multihash
from lodestamp.errors import CidError, LodestampError
from lodestamp.node.blocks import tables
from lodestamp.node.findings import AuditReport
from lodestamp.node.progress import Progress
from lodestamp.node.storage import Database

_HEADER: Final = bytes.fromhex("19a265726f6f747381d82a450001550000") + b"\x67version\x01"
"""A CAR header of version 1 whose one root is the identity CID of no bytes."""
_SECTION_SIZE_MAX: Final = BLOCK_SIZE_MAX + CID_BYTES_MAX
_STATES: Final = frozenset({"open", "sealed", "dead"})
_PIECE: Final = 1 << 20


def audit_blocks(
    path: Path, database: Database, report: AuditReport, *, progress: Progress | None = None
) -> None:
    """Audit the blocks folder at `path` against its index; a home without blocks is clean.

    A database too damaged to be read is a finding, not an exception.
    """
    try:
        with _kept(path), database.reading("auditing blocks") as connection:
            _Audit(path, connection, report, progress).run()
    except LodestampError as error:
        report.find("B10", "block store", error.message)
    except OSError as error:
        report.find("B1", "block store", f"{error.filename}: {error.strerror}")


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Let garbage collection remove nothing meanwhile; a store that was never used has no lock."""
    try:
        descriptor = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


class _Audit:
    def __init__(
        self,
        path: Path,
        connection: Connection,
        report: AuditReport,
        progress: Progress | None,
    ) -> None:
        self._packs = path / "packs"
        self._connection = connection
        self._report = report
        self._progress = progress
        self._done = 0
        self._total = 0

    def run(self) -> None:
        rows = self._connection.execute(select(tables.packs).order_by(tables.packs.c.id)).all()
        self._total = sum(row.size for row in rows)
        names = {row.name for row in rows}
        if self._packs.is_dir():
            for each in sorted(self._packs.iterdir()):
                if each.name not in names and each.stat().st_size > len(_HEADER):
                    self._report.find("B1", each.name, "the index does not know this pack")
        for row in rows:
            self._check_pack(row)
        self._check_orphans()
        self._check_refs()
        self._check_pins()

    def _check_pack(self, row: Any) -> None:
        if row.state not in _STATES:
            self._report.find("B10", row.name, f"a pack in the state {row.state!r}")
        if row.state == "dead":
            return
        try:
            descriptor = os.open(self._packs / row.name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            self._report.find("B1", row.name, error.strerror or "cannot be opened")
            return
        try:
            self._report.count("packs")
            size = os.fstat(descriptor).st_size
            if size < row.size or (size > row.size and row.state == "sealed"):
                self._report.find("B2", row.name, f"{size:,} bytes, not {row.size:,}")
            elif size > row.size:
                self._report.count("uncommitted_bytes", size - row.size)
            self._check_sections(descriptor, row)
            if row.state == "sealed":
                self._check_seal(descriptor, row)
        finally:
            os.close(descriptor)

    def _check_seal(self, descriptor: int, row: Any) -> None:
        state = hashlib.sha256()
        at = 0
        while at < row.size and (piece := os.pread(descriptor, min(_PIECE, row.size - at), at)):
            state.update(piece)
            at += len(piece)
        if row.sha256 != state.digest():
            self._report.find("B4", row.name, "its bytes are not those it was sealed with")
        self._report.count("sealed_packs")

    def _check_sections(self, descriptor: int, row: Any) -> None:
        """Walk the sections and, beside them, the rows of this pack in the order of offsets."""
        columns = tables.blocks.c
        query = select(tables.blocks).where(columns.pack_id == row.id).order_by(columns.offset)
        stored = iter(self._connection.execution_options(yield_per=1000).execute(query))
        expected = next(stored, None)
        for offset, head, cid, data in self._sections(descriptor, row):
            while expected is not None and expected.offset < offset:
                self._report.find(
                    "B6", f"{row.name} at {expected.offset}", "no section begins here"
                )
                expected = next(stored, None)
            where = f"{row.name} at {offset}"
            good = _holds(cid, data)
            if not good:
                self._report.find("B5", where, f"the bytes are not those of {cid}")
            if expected is not None and expected.offset == offset:
                self._check_row(where, expected, (head, len(data), cid), good=good)
                expected = next(stored, None)
            elif row.live is None and cid.hash_code != HashCode.IDENTITY:
                self._require_row(where, cid)
            self._report.count("blocks")
            self._report.count("block_bytes", len(data))
            self._done += head + len(data)
            if self._progress is not None:
                self._progress(self._done, self._total)
        while expected is not None:
            self._report.find("B6", f"{row.name} at {expected.offset}", "no section begins here")
            expected = next(stored, None)

    def _check_row(self, where: str, row: Any, found: tuple[int, int, Cid], *, good: bool) -> None:
        head, size, cid = found
        if (row.head, row.size, row.mh) != (head, size, cid.multihash.encode()):
            self._report.find("B6", where, "the row speaks of another block")
        if row.bad and good:
            self._report.find("B10", where, "a good block is marked as damaged")

    def _require_row(self, where: str, cid: Cid) -> None:
        """Demand that a block is found somewhere, if not here: two writers may both bring it."""
        query = select(exists().where(tables.blocks.c.mh == cid.multihash.encode()))
        if not self._connection.execute(query).scalar():
            self._report.find("B7", where, f"{cid} is not in the index")

    def _sections(self, descriptor: int, row: Any) -> Iterator[tuple[int, int, Cid, bytes]]:
        if os.pread(descriptor, len(_HEADER), 0) != _HEADER:
            self._report.find("B3", row.name, "it does not begin as a pack")
            return
        offset = len(_HEADER)
        while offset < row.size:
            length, before = _length(os.pread(descriptor, 9, offset))
            if not 0 < length <= _SECTION_SIZE_MAX or offset + before + length > row.size:
                self._report.find("B3", f"{row.name} at {offset}", "a section of no possible size")
                return
            body = os.pread(descriptor, length, offset + before)
            try:
                cid, end = Cid.read(body, 0)
            except CidError as error:
                self._report.find("B3", f"{row.name} at {offset}", f"no CID: {error.message}")
                return
            if len(body) < length:
                return  # B2 has said that the file is too short
            yield offset, before + end, cid, body[end:]
            offset += before + length

    def _check_orphans(self) -> None:
        columns = tables.blocks.c
        known = exists().where(tables.packs.c.id == columns.pack_id, tables.packs.c.state != "dead")
        query = select(func.count()).select_from(tables.blocks).where(~known)
        lost = self._connection.execute(query).scalar()
        if lost:
            self._report.find("B6", "content_blocks", f"{lost} rows of packs that are not here")

    def _check_refs(self) -> None:
        query = select(tables.file_refs).order_by(tables.file_refs.c.path)
        for row in self._connection.execution_options(yield_per=1000).execute(query):
            self._report.count("file_refs")
            if not _unchanged(row):
                self._report.find("B9", row.path, f"bytes at {row.offset} are not those added")

    def _check_pins(self) -> None:
        for row in self._connection.execute(select(tables.pins)).all():
            self._report.count("pins")
            try:
                root = Cid.decode(row.cid)
                if row.mode not in ("recursive", "direct"):
                    self._report.find("B10", f"pin {root}", f"the mode {row.mode!r}")
                self._check_dag(root, deep=row.mode == "recursive")
            except LodestampError as error:
                self._report.find("B8", f"pin {row.cid.hex()}", error.message)

    def _check_dag(self, root: Cid, *, deep: bool) -> None:
        """Walk a DAG by the index; the bytes behind good rows were held against their CIDs."""
        seen: set[bytes] = set()
        waiting = [root]
        while waiting:
            cid = waiting.pop()
            key = cid.encode()
            if key in seen:
                continue
            seen.add(key)
            data = self._block(cid)
            if data is None:
                self._report.find("B8", f"pin {root}", f"block {cid} is missing or damaged")
            elif deep:
                waiting.extend(links(cid, data))

    def _block(self, cid: Cid) -> bytes | None:
        if cid.hash_code == HashCode.IDENTITY:
            return cid.digest
        key = cid.multihash.encode()
        query = select(tables.blocks, tables.packs.c.name).join(tables.packs)
        row = self._connection.execute(query.where(tables.blocks.c.mh == key)).one_or_none()
        if row is None or row.bad:
            found = select(tables.file_refs).where(tables.file_refs.c.mh == key)
            ref = self._connection.execute(found).one_or_none()
            return _read(Path(ref.path), ref.offset, ref.size) if ref is not None else None
        data = _read(self._packs / row.name, row.offset + row.head, row.size)
        return data if data is not None and _holds(cid, data) else None


def _holds(cid: Cid, data: bytes) -> bool:
    try:
        return cid.matches(data)
    except CidError:
        return False


def _length(buf: bytes) -> tuple[int, int]:
    """Return the length a section begins with and its size in bytes; no length is 0."""
    value = 0
    for count, byte in enumerate(buf):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, count + 1
    return 0, 0


def _read(path: Path, offset: int, size: int) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.pread(descriptor, size, offset)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None


def _unchanged(row: Any) -> bool:
    try:
        status = Path(row.path).stat()
    except (OSError, ValueError):
        return False
    data = _read(Path(row.path), row.offset, row.size) if stat.S_ISREG(status.st_mode) else None
    return data is not None and Multihash.decode(row.mh).matches(data)
