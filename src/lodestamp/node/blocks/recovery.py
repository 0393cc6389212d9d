"""Opening a blocks folder: what was not committed is cut off, what lost its rows is indexed again.

Rules R101, R102 of the content spec: acknowledged is what a database transaction named, and packs
alone suffice to make the index anew.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, insert, select

from lodestamp.core.encoding import HashCode
from lodestamp.errors import StoreError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.pack import (
    PACK_HEADER,
    disk_failures,
    hash_file,
    locked,
    scan_pack,
    try_lock,
)
from lodestamp.node.blocks.rows import insert_blocks
from lodestamp.node.storage import Database

Clock = Callable[[], int]
"""Returns Unix milliseconds."""
_INSERT_ROWS: Final = 4_096
_is_pack: Final = re.compile(r"pack-([0-9]{8})\.car").fullmatch


@dataclass(frozen=True, slots=True)
class BlocksFolder:
    """``blocks/``: its packs, and the lock that work on the whole store takes."""

    path: Path

    @property
    def packs(self) -> Path:
        """The folder of packs."""
        return self.path / "packs"

    def pack(self, name: str) -> Path:
        """Return the file of a pack."""
        return self.packs / name

    def numbers(self) -> dict[int, str]:
        """Return the packs that lie here: name by number."""
        found = (_is_pack(each.name) for each in self.packs.iterdir())
        return {int(match[1]): match[0] for match in found if match}

    @contextmanager
    def making_packs(self) -> Iterator[None]:
        """Be the only one who makes, adopts or takes a pack; held for moments."""
        descriptor = os.open(self.packs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with locked(descriptor, fcntl.LOCK_EX):
                yield
        finally:
            os.close(descriptor)

    @contextmanager
    def keeping_blocks(self) -> Iterator[None]:
        """Let nobody remove blocks for as long as this lasts; many may hold it."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def removing_blocks(self) -> Iterator[None]:
        """Be the only one who removes blocks, while nobody relies on them to stay."""
        with self._locked(fcntl.LOCK_EX):
            yield

    @contextmanager
    def removing_if_free(self) -> Iterator[bool]:
        """Be the only one who removes blocks unless somebody relies on them; tell whether it is."""
        descriptor = self._open_lock()
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self, operation: int) -> Iterator[None]:
        descriptor = self._open_lock()
        try:
            with locked(descriptor, operation):
                yield
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with disk_failures(f"locking {self.path}"):
            return os.open(self.path / "lock", flags, 0o600)


def recover(folder: BlocksFolder, database: Database, clock: Clock) -> None:
    """Bring folder and index together; StoreError ``store.corrupt`` when committed bytes are gone.

    Packs that another process appends to are left alone.
    """
    with disk_failures(f"opening {folder.path}"):
        folder.packs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with folder.making_packs():
            with database.reading("opening the block store") as connection:
                rows = connection.execute(select(tables.packs)).all()
            for row in rows:
                _recover_pack(folder, database, row)
            for number in sorted(folder.numbers().keys() - {row.id for row in rows}):
                _adopt(folder, database, clock, number)


def _recover_pack(folder: BlocksFolder, database: Database, row: Any) -> None:
    path = folder.pack(row.name)
    if row.state == "dead":
        drop_pack(folder, database, row.id, row.name)
        return
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if _is_dead(database, row.id):
            return  # another process collected it since the rows were read
        raise
    if size < row.size or (size > row.size and row.state == "sealed"):
        raise _corrupt(f"{path} has {size:,} bytes, not {row.size:,}")
    if row.state == "sealed":
        if path.stat().st_mode & 0o222:
            path.chmod(0o400)
    elif size > row.size:
        _cut_back(path, database, row.id)


def _is_dead(database: Database, pack_id: int) -> bool:
    with database.reading("opening a pack") as connection:
        query = select(tables.packs.c.state).where(tables.packs.c.id == pack_id)
        return connection.execute(query).scalar() in (None, "dead")


def _cut_back(path: Path, database: Database, pack_id: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if try_lock(descriptor):
            with database.reading("opening a pack") as connection:
                committed = connection.execute(
                    select(tables.packs.c.size).where(tables.packs.c.id == pack_id)
                ).scalar()
            if committed is not None:
                os.ftruncate(descriptor, committed)
    finally:
        os.close(descriptor)


def _adopt(folder: BlocksFolder, database: Database, clock: Clock, number: int) -> None:
    """Index a pack that has no row: its maker died, or the database was lost.

    What follows the last whole section is cut off as what was not committed, except in a sealed
    pack: there it is damage, and the bytes behind it are left to whoever mends it.
    """
    name = folder.numbers()[number]
    path = folder.pack(name)
    sealed = not path.stat().st_mode & 0o222
    flags = os.O_RDONLY if sealed else os.O_RDWR
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not try_lock(descriptor):
            return
        size = os.fstat(descriptor).st_size
        if size <= len(PACK_HEADER):
            path.unlink()
            return
        end = _index_pack(database, descriptor, number=number, name=name, now=clock())
        if not sealed:
            os.ftruncate(descriptor, end)
            size = end
        digest = hash_file(descriptor, size) if sealed else None
        with database.writing("adopting a pack") as connection:
            connection.execute(
                tables.packs.update()
                .where(tables.packs.c.id == number)
                .values(size=size, state="sealed" if sealed else "open", sha256=digest)
            )
    finally:
        os.close(descriptor)


def _index_pack(database: Database, descriptor: int, *, number: int, name: str, now: int) -> int:
    """Write the rows of a scanned pack; return where its last whole section ends."""
    size = os.fstat(descriptor).st_size
    end = len(PACK_HEADER)
    with database.writing("indexing a pack") as connection:
        connection.execute(
            insert(tables.packs).values(
                id=number, name=name, size=size, live=None, state="open", created_at=now
            )
        )
        rows: list[dict[str, object]] = []
        for found in scan_pack(descriptor, size):
            end = found.offset + found.head + found.size
            if not found.good or found.cid.hash_code == HashCode.IDENTITY:
                continue
            rows.append(
                {
                    "mh": found.cid.multihash.encode(),
                    "pack_id": number,
                    "offset": found.offset,
                    "head": found.head,
                    "size": found.size,
                    "bad": False,
                    "added_at": now,
                }
            )
            if len(rows) == _INSERT_ROWS:
                insert_blocks(connection, rows)
                rows.clear()
        insert_blocks(connection, rows)
    return end


def drop_pack(folder: BlocksFolder, database: Database, pack_id: int, name: str) -> None:
    """Remove a dead pack: the file first, then the row, so that a crash between is finished."""
    with disk_failures(f"removing {name}"):
        folder.pack(name).unlink(missing_ok=True)
    with database.writing("removing a pack") as connection:
        connection.execute(delete(tables.packs).where(tables.packs.c.id == pack_id))


def _corrupt(message: str) -> StoreError:
    hint = "run `lodestamp content fsck`; restore the pack from a backup"
    return StoreError(message, code="store.corrupt", hint=hint)
