"""The block store: blocks kept in packs, found by multihash, checked each time they are read.

A folder of CARs and an index in the node's database (content spec §7). Any number of readers, one
writer per pack; what was acknowledged survives a kill at any instant.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import bindparam, select, update

from lodestamp.core.content import Block, Get
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import BlockMismatch, BlockMissing, PinError, StoreError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.pack import disk_failures
from lodestamp.node.blocks.pins import Pin, read_pins, remove_pin, walk_dag, write_pins
from lodestamp.node.blocks.recovery import BlocksFolder, Clock, recover
from lodestamp.node.blocks.rows import known_blocks, known_refs
from lodestamp.node.blocks.writer import BlockWriter
from lodestamp.node.storage import Database

_MOVES: Final = 4
"""How often a block is looked up anew when its pack was rewritten between look-up and reading."""
_FIND: Final = (
    select(tables.blocks, tables.packs.c.name)
    .join(tables.packs)
    .where(tables.blocks.c.mh == bindparam("key"))
)
"""Made once: making it anew costs more than running it."""


def now_ms() -> int:
    """Return the time of this machine's clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class BlockStore:
    """The blocks of one home. Safe to share among threads; each writer belongs to one."""

    def __init__(self, folder: BlocksFolder, database: Database, clock: Clock) -> None:
        self.folder = folder
        self.database = database
        self.clock = clock

    @classmethod
    def open(cls, path: Path, database: Database, *, clock: Clock = now_ms) -> Self:
        """Open the folder, made on first use, and finish what a crash left (R102).

        StoreError ``store.corrupt`` when committed bytes are gone.
        """
        folder = BlocksFolder(path)
        recover(folder, database, clock)
        return cls(folder, database, clock)

    def writer(self, on_new: Callable[[bytes], None] | None = None) -> BlockWriter:
        """Return a writer of its own pack, to be used as a context manager.

        `on_new` is told the multihash of each block that was not here before.
        """
        return BlockWriter(self.folder, self.database, self.clock, on_new)

    def put(self, block: Block) -> bool:
        """Check, store and acknowledge one block; return whether it is new. Errors as a writer's.

        For many blocks take a `writer`, which acknowledges them together.
        """
        with self.writer() as writer:
            writer.put(block)
            writer.commit()
            return writer.new_blocks > 0

    def has(self, cid: Cid) -> bool:
        """Tell whether the index names this block; its bytes are not looked at."""
        return self.first_absent([cid]) is None

    def first_absent(self, cids: Sequence[Cid]) -> Cid | None:
        """Return the first of these that the index does not name, None when all are here."""
        keys = [each.multihash.encode() for each in cids if each.hash_code != HashCode.IDENTITY]
        with self.database.reading("looking for blocks") as connection:
            absent = set(keys) - known_blocks(connection, keys)
            absent -= known_refs(connection, sorted(absent))
        return next((each for each in cids if each.multihash.encode() in absent), None)

    def get(self, cid: Cid) -> bytes | None:
        """Return a block's bytes, hashed anew, or None when it is not here (R103).

        BlockMismatch ``block.mismatch`` when the stored bytes are not those (the row is marked,
        and the block counts as gone until it is put again), ``block.source-changed`` when the file
        that holds them changed (R107). StoreError when the disk fails.
        """
        return self._get(cid, is_hashed=True)

    @contextmanager
    def read_for_hashing(self) -> Iterator[Get]:
        """Give a `get` that does not hash, to a reader that hashes whatever it is given.

        All of core's readers do. When one meets damage, it is marked here as `get` marks it.
        """
        try:
            yield lambda cid: self._get(cid, is_hashed=False)
        except BlockMismatch as error:
            self.get(Cid.parse(error.cid))
            raise

    def _get(self, cid: Cid, *, is_hashed: bool) -> bytes | None:
        if cid.hash_code == HashCode.IDENTITY:
            return cid.digest
        key = cid.multihash.encode()
        for _ in range(_MOVES):
            with self.database.reading("looking for a block") as connection:
                row = connection.execute(_FIND, {"key": key}).one_or_none()
            if row is None or row.bad:
                data = self._get_from_file(cid, key)
                if data is None and row is not None:
                    raise BlockMismatch(str(cid), "its stored bytes were found damaged")
                return data
            try:
                data = _read(self.folder.pack(row.name), row.offset + row.head, row.size)
            except FileNotFoundError:
                continue  # garbage collection moved it; the index knows where
            if is_hashed and not cid.matches(data):
                if not self._mark_bad(row):
                    continue  # the row moved between look-up and reading
                message = f"its bytes in {row.name} are not those it names"
                raise BlockMismatch(str(cid), message, at=row.offset)
            return data
        hint = "run `lodestamp content fsck`"
        raise StoreError(f"the pack of block {cid} is gone", code="store.corrupt", hint=hint)

    def need(self, cid: Cid) -> bytes:
        """Return a block's bytes as `get`; BlockMissing when it is not here."""
        data = self.get(cid)
        if data is None:
            raise BlockMissing(str(cid))
        return data

    def pin(self, pin: Pin) -> None:
        """Keep a block, or a whole DAG whose blocks are all here (R106).

        PinError ``pin.incomplete`` when one is missing. Errors as `get`.
        """
        with self.keeping_blocks():
            self.require_complete(pin)
            with self.database.writing("pinning") as connection:
                write_pins(connection, [pin], self.clock())

    def require_complete(self, pin: Pin) -> None:
        """Refuse a pin of which a block is missing with PinError ``pin.incomplete``."""
        seen: set[bytes] = set()

        def first_time(cid: Cid) -> bool:
            key = cid.encode()
            is_new = key not in seen
            seen.add(key)
            return is_new

        try:
            if pin.mode == "direct":
                self.need(pin.cid)
                return
            walk_dag(self.get, pin.cid, visit=first_time, first_absent=self.first_absent)
        except BlockMissing as error:
            raise PinError(
                f"{pin.cid} is not whole: {error.message}",
                code="pin.incomplete",
                hint="add, import or pull what is missing first",
            ) from None

    def unpin(self, cid: Cid) -> None:
        """Let a CID go; its blocks stay until garbage is collected. PinError ``pin.unknown``."""
        with self.database.writing("unpinning") as connection:
            if not remove_pin(connection, cid):
                raise PinError(f"{cid} is not pinned", code="pin.unknown")

    def pins(self) -> list[Pin]:
        """Return every pin, the oldest first."""
        with self.database.reading("listing pins") as connection:
            return read_pins(connection)

    @contextmanager
    def keeping_blocks(self) -> Iterator[None]:
        """Let garbage collection remove nothing meanwhile."""
        with self.folder.keeping_blocks():
            yield

    def _get_from_file(self, cid: Cid, key: bytes) -> bytes | None:
        with self.database.reading("looking for a block") as connection:
            query = select(tables.file_refs).where(tables.file_refs.c.mh == key)
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        data = _read_unchanged(row)
        if data is None or not cid.matches(data):
            message = f"the file that holds it changed: {row.path}"
            raise BlockMismatch(str(cid), message, code="block.source-changed")
        return data

    def _mark_bad(self, row: Any) -> bool:
        """Mark a row whose bytes were found damaged; tell whether it still stood as it was read."""
        columns = tables.blocks.c
        same = (columns.pack_id == row.pack_id) & (columns.offset == row.offset)
        with self.database.writing("marking a damaged block") as connection:
            marked = update(tables.blocks).where(columns.mh == row.mh, same).values(bad=True)
            return bool(connection.execute(marked).rowcount)


def _read(path: Path, offset: int, size: int) -> bytes:
    """Return bytes of a file; FileNotFoundError when it is gone, StoreError for another failure."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", code="io") from error
    try:
        with disk_failures(f"reading {path}"):
            return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)


def _read_unchanged(row: Any) -> bytes | None:
    """Return the bytes a reference names, None when the file is gone or not as it was."""
    try:
        descriptor = os.open(row.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if (status.st_size, status.st_mtime_ns) != (row.file_size, row.mtime_ns):
                return None
            return os.pread(descriptor, row.size, row.offset)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None
