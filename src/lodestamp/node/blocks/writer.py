"""Appending blocks to a pack: deduplicated, in batches, acknowledged when the database says so.

A writer owns one pack by its file lock (R104) and holds a lease, which keeps garbage collection
from what it has added or relied on. Acknowledged means: the pack was synced, then one transaction
named its new size, the rows of its blocks, and the pins that came with them (R101).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

from sqlalchemy import Connection, delete, insert, update

from lodestamp.core.content import BLOCK_SIZE_MAX, Block, car
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import BlockMismatch, StoreError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.own_pack import OwnPack, take_pack
from lodestamp.node.blocks.pins import Pin, write_pins
from lodestamp.node.blocks.recovery import BlocksFolder, Clock
from lodestamp.node.blocks.rows import insert_blocks, insert_refs, known_blocks, touch_blocks
from lodestamp.node.storage import Database

BATCH_SIZE_MAX: Final = 64 << 20
"""Bytes appended before they are acknowledged: what a crash costs at most."""
BATCH_BLOCKS_MAX: Final = 4_096
"""Blocks appended before they are acknowledged: rows of one transaction."""
WAITING_SIZE_MAX: Final = 8 << 20
"""Bytes of blocks held until they are looked up together."""
WAITING_BLOCKS_MAX: Final = 256
"""Blocks held until they are looked up together."""
LEASE_MS: Final = 3_600_000
"""How long a lease lasts beyond the last batch."""
_RENEWED_MS: Final = LEASE_MS // 4
"""How old a lease may grow before a batch is ended to renew it."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A raw leaf that stays in its file: place there, and the file as it was (R107)."""

    path: str
    offset: int
    size: int
    file_size: int
    mtime_ns: int


class BlockWriter:
    """Takes blocks for one pack at a time; use it as a context manager, in one thread.

    Leaving without `commit` drops what was not acknowledged, and the lease.
    """

    def __init__(
        self,
        folder: BlocksFolder,
        database: Database,
        clock: Clock,
        on_new: Callable[[bytes], None] | None = None,
    ) -> None:
        self._on_new = on_new
        self._folder = folder
        self._database = database
        self._clock = clock
        self._owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._lease = f"{clock():015d}-{secrets.token_hex(8)}"
        self._waiting: dict[bytes, Block] = {}
        self._waiting_size = 0
        self._rows: dict[bytes, dict[str, object]] = {}
        self._refs: dict[bytes, FileRef] = {}
        self._pack: OwnPack | None = None
        self._leased_at = clock()
        self.new_blocks = 0
        """Blocks appended so far: those that were not here before."""
        self.new_bytes = 0
        """The bytes of those blocks."""

    def __enter__(self) -> Self:
        with self._database.writing("taking a lease") as connection:
            connection.execute(
                insert(tables.leases).values(
                    id=self._lease, owner=self._owner, expires_at=self._clock() + LEASE_MS
                )
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        with self._database.writing("dropping a lease") as connection:
            connection.execute(delete(tables.leases).where(tables.leases.c.id == self._lease))

    def put(self, block: Block) -> None:
        """Take a block from anywhere: its bytes are held against its CID first.

        BlockMismatch ``block.mismatch`` or ``block.too-big``; CidError ``hash.*`` for a hash that
        cannot be checked; StoreError when the disk refuses.
        """
        if len(block.data) > BLOCK_SIZE_MAX:
            raise BlockMismatch(
                str(block.cid), f"{len(block.data):,} bytes are no block", code="block.too-big"
            )
        if not block.cid.matches(block.data):
            raise BlockMismatch(str(block.cid), "its bytes are not those it names")
        self.put_made(block)

    def put_made(self, block: Block) -> None:
        """Take a block whose CID was computed from these very bytes in this process."""
        if block.cid.hash_code == HashCode.IDENTITY:
            return  # the CID holds the bytes
        key = block.cid.multihash.encode()
        if key in self._waiting or key in self._rows:
            return
        self._waiting[key] = block
        self._waiting_size += len(block.data)
        if self._waiting_size >= WAITING_SIZE_MAX or len(self._waiting) >= WAITING_BLOCKS_MAX:
            self._append_waiting()

    def put_ref(self, cid: Cid, ref: FileRef) -> None:
        """Take a raw leaf that stays where it is; it was just hashed from there."""
        self._refs[cid.multihash.encode()] = ref
        if len(self._refs) >= BATCH_BLOCKS_MAX:
            self.commit()

    def commit(self, pins: Sequence[Pin] = ()) -> None:
        """Acknowledge everything taken so far, and set these pins with it.

        StoreError when disk or database refuse, ``lease-lost`` when garbage was collected after
        this writer was silent for an hour; then nothing since the last commit is here.
        """
        self._append_waiting()
        self._acknowledge(pins)

    def _append_waiting(self) -> None:
        if not self._waiting:
            return
        here = self._known(list(self._waiting))
        fresh = [(key, block) for key, block in self._waiting.items() if key not in here]
        self._waiting, self._waiting_size = {}, 0
        parts: list[bytes] = []
        size = 0
        for key, block in fresh:
            head = car.section_head(block.cid, len(block.data))
            pack = self._pack
            if pack is None or not pack.has_room(size + len(head) + len(block.data)):
                self._append(parts)
                pack, parts, size = self._next_pack(), [], 0
            self._rows[key] = {
                "mh": key,
                "pack_id": pack.id,
                "offset": pack.end + size,
                "head": len(head),
                "size": len(block.data),
                "bad": False,
            }
            parts += (head, block.data)
            size += len(head) + len(block.data)
            if self._on_new is not None:
                self._on_new(key)
        self._append(parts)
        self.new_blocks += len(fresh)
        self.new_bytes += sum(len(block.data) for _, block in fresh)
        if self._is_full():
            self._acknowledge(())

    def _is_full(self) -> bool:
        size = 0 if self._pack is None else self._pack.end - self._pack.committed
        is_full = size >= BATCH_SIZE_MAX or len(self._rows) >= BATCH_BLOCKS_MAX
        return is_full or self._clock() - self._leased_at >= _RENEWED_MS

    def _known(self, keys: list[bytes]) -> set[bytes]:
        """Return which blocks are here already, dated anew so that they stay (R106)."""
        with self._database.reading("looking for blocks") as connection:
            known = known_blocks(connection, keys)
        if not known:
            return known
        now = self._clock()
        with self._database.writing("keeping blocks") as connection:
            self._renew_lease(connection, now)
            return touch_blocks(connection, sorted(known), now)

    def _append(self, parts: list[bytes]) -> None:
        if not parts:
            return
        assert self._pack is not None, "a pack was taken first"  # noqa: S101
        try:
            self._pack.append(parts)
        except StoreError:
            self._let_go()
            raise

    def _next_pack(self) -> OwnPack:
        """Seal the pack in hand, if any, and take another."""
        self._acknowledge(())
        if self._pack is not None:
            self._pack.seal(self._folder)
            self._let_go()
        self._pack = take_pack(self._folder, self._database, self._clock, self._owner)
        return self._pack

    def _acknowledge(self, pins: Sequence[Pin]) -> None:
        if not (self._rows or self._refs or pins):
            return
        try:
            if self._pack is not None and self._rows:
                self._pack.sync()
            with self._database.writing("committing blocks") as connection:
                self._write_rows(connection, pins, self._clock())
        except BaseException:
            self._let_go()
            raise
        if self._pack is not None:
            self._pack.committed = self._pack.end
        self._rows, self._refs = {}, {}

    def _write_rows(self, connection: Connection, pins: Sequence[Pin], now: int) -> None:
        insert_blocks(connection, [row | {"added_at": now} for row in self._rows.values()])
        if self._pack is not None and self._rows:
            connection.execute(
                update(tables.packs)
                .where(tables.packs.c.id == self._pack.id)
                .values(size=self._pack.end, owner=self._owner)
            )
        insert_refs(connection, [{"mh": key} | asdict(ref) for key, ref in self._refs.items()])
        write_pins(connection, pins, now)
        self._renew_lease(connection, now)

    def _renew_lease(self, connection: Connection, now: int) -> None:
        """Hold on to what was added; StoreError ``lease-lost`` when it may have been collected."""
        renewed = (
            update(tables.leases)
            .where(tables.leases.c.id == self._lease)
            .values(expires_at=now + LEASE_MS)
        )
        if not connection.execute(renewed).rowcount:
            message = "garbage was collected while nothing was added for an hour"
            raise StoreError(message, code="lease-lost", hint="add it again")
        self._leased_at = now

    def _let_go(self) -> None:
        """Give the pack back, and drop what was not committed."""
        self._rows, self._refs, self._waiting, self._waiting_size = {}, {}, {}, 0
        pack, self._pack = self._pack, None
        if pack is not None:
            pack.release()
