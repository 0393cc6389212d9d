"""Giving disk back: packs with few live bytes are copied out and unlinked (content spec R106)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select, update

from lodestamp.core.encoding import Multihash
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.own_pack import OwnPack, lock_pack, take_pack
from lodestamp.node.blocks.pack import PACK_HEADER, disk_failures
from lodestamp.node.blocks.recovery import drop_pack
from lodestamp.node.blocks.store import BlockStore

LIVE_PERCENT_MIN: Final = 50
"""A pack with a smaller share of live bytes is rewritten; copying then frees more than it costs."""
_BATCH_SIZE: Final = 64 << 20


def reclaim(store: BlockStore, pack_id: int, live: int) -> str:
    """Rewrite or unlink a pack if it is worth it; return ``kept``, ``rewritten`` or ``unlinked``.

    The caller is the only one who removes blocks. A pack that somebody appends to is kept, and so
    is one with a damaged live block.
    """
    columns = tables.packs.c
    with store.database.reading("looking at a pack") as connection:
        row = connection.execute(select(tables.packs).where(columns.id == pack_id)).one()
    used = row.size - len(PACK_HEADER)
    if used == 0 or live * 100 >= used * LIVE_PERCENT_MIN:
        return "kept"
    if row.state == "open" and not _seal(store, pack_id, row.name):
        return "kept"
    if live:
        _move_blocks(store, pack_id, row.name)
    return ("rewritten" if live else "unlinked") if _bury(store, pack_id, row.name) else "kept"


def _seal(store: BlockStore, pack_id: int, name: str) -> bool:
    """Seal an open pack unless somebody appends to it."""
    with disk_failures(f"sealing {name}"), store.folder.making_packs():
        pack = lock_pack(store.folder, store.database, pack_id, name)
        if pack is None:
            return False
        try:
            pack.seal(store.folder)
        finally:
            pack.release()
    return True


def _bury(store: BlockStore, pack_id: int, name: str) -> bool:
    """Unlink a pack that no row points at any more."""
    with store.database.writing("removing a pack") as connection:
        query = select(func.count()).select_from(tables.blocks)
        if connection.execute(query.where(tables.blocks.c.pack_id == pack_id)).scalar():
            return False
        connection.execute(
            update(tables.packs).where(tables.packs.c.id == pack_id).values(state="dead", live=0)
        )
    drop_pack(store.folder, store.database, pack_id, name)
    return True


def _move_blocks(store: BlockStore, pack_id: int, name: str) -> None:
    """Append the live sections of a sealed pack to an open one, each hashed anew, in batches."""
    columns = tables.blocks.c
    with disk_failures(f"reading {name}"):
        descriptor = os.open(store.folder.pack(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            with store.database.reading("moving blocks") as connection:
                query = select(tables.blocks).where(columns.pack_id == pack_id, ~columns.bad)
                rows = connection.execute(query.order_by(columns.offset).limit(1_000)).all()
            if not rows:
                return
            pack = take_pack(store.folder, store.database, store.clock, f"{os.getpid()}-gc")
            try:
                _move_some(store, descriptor, pack, rows)
            finally:
                pack.release()
    finally:
        os.close(descriptor)


def _move_some(store: BlockStore, descriptor: int, pack: OwnPack, rows: Sequence[Any]) -> None:
    moved: list[tuple[bytes, int]] = []
    damaged: list[bytes] = []
    for row in rows:
        size = row.head + row.size
        if not pack.has_room(size) or pack.end - pack.committed + size > _BATCH_SIZE:
            break
        section = os.pread(descriptor, size, row.offset)
        if not Multihash.decode(row.mh).matches(section[row.head :]):
            damaged.append(row.mh)
            continue
        moved.append((row.mh, pack.end))
        pack.append([section])
    pack.sync()
    columns = tables.blocks.c
    old_id = rows[0].pack_id
    with store.database.writing("moving blocks") as connection:
        for key, offset in moved:
            connection.execute(
                update(tables.blocks)
                .where(columns.mh == key, columns.pack_id == old_id)
                .values(pack_id=pack.id, offset=offset)
            )
        for key in damaged:
            connection.execute(update(tables.blocks).where(columns.mh == key).values(bad=True))
        connection.execute(
            update(tables.packs).where(tables.packs.c.id == pack.id).values(size=pack.end)
        )
    pack.committed = pack.end
