"""The one pack that this writer appends to, held by its file lock (content spec R104)."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from sqlalchemy import insert, select, update

from lodestamp.core.content import BLOCK_SIZE_MAX
from lodestamp.errors import StoreError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.pack import (
    PACK_HEADER,
    PACK_SIZE_MAX,
    create_pack,
    disk_failures,
    hash_file,
    try_lock,
    write_at,
)
from lodestamp.node.blocks.recovery import BlocksFolder, Clock
from lodestamp.node.storage import Database

_ROOM_LEAST: Final = 2 * BLOCK_SIZE_MAX
"""Bytes a pack must have left to be taken: any block fits, and it is not sealed at once."""


class OwnPack:
    """A locked open pack: the next section goes to `end`, the index names `committed` bytes."""

    def __init__(self, database: Database, descriptor: int, pack_id: int, size: int) -> None:
        self.id = pack_id
        self.committed = size
        self.end = size
        self._database = database
        self._descriptor = descriptor
        self._thread = ThreadPoolExecutor(1, "pack")  # the kernel copies while we hash
        self._writing: Future[None] | None = None

    def has_room(self, size: int) -> bool:
        """Tell whether a section of this many bytes still fits."""
        return self.end + size <= PACK_SIZE_MAX

    def append(self, parts: list[bytes]) -> None:
        """Write sections at the end, beside what the caller does next.

        StoreError when the disk refuses, now or at the next `append` or `sync`; then nothing since
        the last commit is appended.
        """
        self._finish()
        self._writing = self._thread.submit(write_at, self._descriptor, parts, self.end)
        self.end += sum(map(len, parts))

    def sync(self) -> None:
        """Bring what was appended to the disk; StoreError when it refuses."""
        self._finish()
        with disk_failures("writing blocks"):
            os.fdatasync(self._descriptor)

    def _finish(self) -> None:
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            with disk_failures("writing blocks"):
                writing.result()
        except StoreError:
            with suppress(OSError):  # whoever takes the pack next cuts it back
                os.ftruncate(self._descriptor, self.committed)
            raise

    def seal(self, folder: BlocksFolder) -> None:
        """Close the pack for good: its SHA-256 on record, its file read-only (R100)."""
        columns = tables.packs.c
        with self._database.reading("sealing a pack") as connection:
            row = connection.execute(select(tables.packs).where(columns.id == self.id)).one()
        with disk_failures(f"sealing {row.name}"):
            os.ftruncate(self._descriptor, row.size)
            digest = hash_file(self._descriptor, row.size)
            os.fsync(self._descriptor)
            with self._database.writing("sealing a pack") as connection:
                connection.execute(
                    update(tables.packs)
                    .where(columns.id == self.id)
                    .values(state="sealed", sha256=digest, owner=None)
                )
            folder.pack(row.name).chmod(0o400)

    def release(self) -> None:
        """Let others have the pack; what was not committed is theirs to cut off."""
        self._thread.shutdown()
        os.close(self._descriptor)


def take_pack(folder: BlocksFolder, database: Database, clock: Clock, owner: str) -> OwnPack:
    """Take an open pack that nobody appends to, or make one.

    StoreError ``store.corrupt`` when committed bytes of it are gone, ``read-only`` without rights.
    """
    columns = tables.packs.c
    with disk_failures("taking a pack"), folder.making_packs():
        with database.reading("looking for a pack") as connection:
            query = select(columns.id, columns.name).where(columns.state == "open")
            rows = connection.execute(query.order_by(columns.id)).all()
        for row in rows:
            pack = lock_pack(folder, database, row.id, row.name)
            if pack is None:
                continue
            if pack.has_room(_ROOM_LEAST):
                return pack
            pack.seal(folder)
            pack.release()
        return _make_pack(folder, database, clock, owner)


def lock_pack(folder: BlocksFolder, database: Database, pack_id: int, name: str) -> OwnPack | None:
    """Lock an open pack and cut it back to what was committed; None when somebody has it."""
    descriptor = os.open(folder.pack(name), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = _committed_size(database, descriptor, pack_id) if try_lock(descriptor) else None
        if size is not None:
            os.ftruncate(descriptor, size)
            return OwnPack(database, descriptor, pack_id, size)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _committed_size(database: Database, descriptor: int, pack_id: int) -> int | None:
    columns = tables.packs.c
    with database.reading("taking a pack") as connection:
        query = select(columns.size, columns.state).where(columns.id == pack_id)
        row = connection.execute(query).one_or_none()
    if row is None or row.state != "open":
        return None
    if os.fstat(descriptor).st_size < row.size:
        hint = "run `lodestamp content fsck`; restore the pack from a backup"
        message = f"pack {pack_id} lost committed bytes"
        raise StoreError(message, code="store.corrupt", hint=hint)
    return int(row.size)


def _make_pack(folder: BlocksFolder, database: Database, clock: Clock, owner: str) -> OwnPack:
    with database.reading("numbering a pack") as connection:
        numbers = connection.execute(select(tables.packs.c.id)).scalars().all()
    number = 1 + max([*numbers, *folder.numbers()], default=0)
    name = f"pack-{number:08d}.car"
    size = len(PACK_HEADER)
    pack = OwnPack(database, create_pack(folder.pack(name)), number, size)
    try:
        with database.writing("making a pack") as connection:
            connection.execute(
                insert(tables.packs).values(
                    id=number,
                    name=name,
                    size=size,
                    state="open",
                    owner=owner,
                    created_at=clock(),
                )
            )
    except BaseException:
        pack.release()
        raise
    return pack
